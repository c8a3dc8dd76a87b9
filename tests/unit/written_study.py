"""The shipped study whose sentences a language model writes, as tests change it and read it again."""

from pathlib import Path

import yaml

from golgi.study import load_study

SHIPPED = Path(__file__).parents[2] / "config" / "studies" / "written.yaml"
VALID = Path("tests/data/specs/valid/written.yaml")
ENVIRONMENT = {"GOLGI_PROMPTS": "config/prompts"}


def shipped() -> dict:
    """Return the shipped study as plain data."""
    return yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))


def source(spec: dict) -> dict:
    """Return how the sentences of a study are written."""
    return spec["concepts"]["sentences"]["source"]["llm"]


def loaded(spec: dict, folder: Path, **options):
    """Return the study of this data, from a file in a folder."""
    file = Path(folder) / "written.yaml"
    file.write_text(yaml.safe_dump(spec))
    return load_study(file, **{"environment": {}, "check_files": True, **options})


def with_writer(spec: dict, folder: Path, writer: dict, **options):
    """Return the same study with another writer."""
    source(spec)["writer"] = writer
    return loaded(spec, folder, **options)


def warned(study) -> list[str]:
    """Return what a study's warnings say."""
    return [warning.message for warning in study.warnings]
