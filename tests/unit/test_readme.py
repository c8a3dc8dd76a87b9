"""What the README shows is what there is."""

import re
from pathlib import Path

import pytest
import yaml

from golgi.command import main
from golgi.figures import FIGURES
from golgi.study import load_study


@pytest.fixture
def readme(root, monkeypatch) -> str:
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "118")
    return Path("README.md").read_text(encoding="utf-8")


def test_a_plan_is_shown_as_it_is(readme, capsys):
    command, shown = re.search(
        r"\$ golgi (plan config/studies/\w+\.yaml)\n(.*?)\n…\n```", readme, re.S
    ).groups()
    assert main(command.split()) == 0
    told = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert "\n".join(told).startswith(f"{shown}\n")


def test_every_figure_and_every_study_is_named(readme):
    assert [name for name in FIGURES if f"`{name}`" not in readme] == []
    studies = [path.as_posix() for path in Path("config/studies").glob("*.yaml")]
    assert [name for name in studies if f"`{name}`" not in readme] == []


def test_the_lexicon_and_the_source_that_are_shown_are_in_order(readme, root, tmp_path, monkeypatch):
    section = readme.split("## Sentences written by a language model")[1].split("\n## ")[0]
    lexicon, study = re.findall(r"```yaml\n(.*?)```", section, re.S)
    spec = yaml.safe_load((root / "tests" / "studies" / "small.yaml").read_text())
    shown = yaml.safe_load(study)["concepts"]
    concepts = {**shown, "sentences": {**shown["sentences"], "negatives": 400}}
    (tmp_path / "config" / "lexicons").mkdir(parents=True)
    (tmp_path / "config" / "prompts").symlink_to(root / "config" / "prompts")
    (tmp_path / shown["lexicon"]).write_text(lexicon)
    models = {name: model | {"checkpoints": [60]} for name, model in spec["models"].items()}
    (tmp_path / "music.yaml").write_text(
        yaml.safe_dump({"study": "music", "title": "Music", "models": models, "concepts": concepts})
    )
    monkeypatch.chdir(tmp_path)
    found = load_study("music.yaml", check_files=True)
    assert (found.concepts, found.writer_kind) == (["piano", "drum"], "server")
