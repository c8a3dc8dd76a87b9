"""What users read when a study is wrong: one spec per kind of mistake, beside it the lines that are shown."""

import os
from pathlib import Path

import pytest

from golgi.study import StudyError, load_study

SPECS = Path("tests/data/specs")
BAD = sorted(path.stem for path in (Path(__file__).parents[1] / "data" / "specs").glob("*.yaml"))

pytestmark = pytest.mark.usefixtures("in_root")


@pytest.mark.parametrize("name", BAD)
def test_messages(name):
    with pytest.raises(StudyError) as raised:
        load_study(SPECS / f"{name}.yaml", environment={}, check_files=True)
    shown = str(raised.value).replace(f"{SPECS}{os.sep}", "") + "\n"
    expected = (SPECS / f"{name}.txt").read_text(encoding="utf-8")
    assert shown == expected


def test_example_of_the_manual():
    with pytest.raises(StudyError) as raised:
        load_study(SPECS / "ranges.yaml", environment={})
    assert "experts.thresholds[5]: 1.4 is more than 1. A threshold is an average precision, 0 to 1." in str(
        raised.value
    )


def test_problems_come_in_the_order_of_the_file():
    with pytest.raises(StudyError) as raised:
        load_study(SPECS / "contradictions.yaml", environment={})
    places = [(problem.line, problem.column) for problem in raised.value.problems]
    assert places == sorted(places)
    assert len(places) > 5


def test_a_long_list_of_problems_is_cut_and_says_so(tmp_path):
    spec = tmp_path / "long.yaml"
    spec.write_text("\n".join(f"field{number}: 1" for number in range(100)))
    with pytest.raises(StudyError, match=r"\.\.\. and 53 more problems$") as raised:
        load_study(spec)
    assert len(raised.value.problems) == 103


@pytest.mark.parametrize("name", ["smallest", "everything", "written"])
def test_valid(name):
    environment = {"GOLGI_MODELS": "/models", "GOLGI_PROMPTS": "config/prompts"}
    study = load_study(SPECS / "valid" / f"{name}.yaml", environment=environment)
    assert study.name == name


def test_near_chance_is_a_warning(tmp_path):
    spec = tmp_path / "smallest.yaml"
    text = (SPECS / "valid" / "smallest.yaml").read_text()
    spec.write_text(text.replace("positives: 100, negatives: 400", "positives: 100, negatives: 100"))
    study = load_study(spec)
    assert [str(warning).split(": ")[1].split(" is ")[0] for warning in study.warnings] == ["0.5", "0.6"]


def test_another_file_name_is_a_warning(tmp_path):
    spec = tmp_path / "other.yaml"
    spec.write_text((SPECS / "valid" / "smallest.yaml").read_text())
    assert [warning.field for warning in load_study(spec).warnings] == ["study"]


def test_an_unset_variable_can_wait_for_the_run():
    file = SPECS / "valid" / "everything.yaml"
    with pytest.raises(StudyError, match="GOLGI_MODELS is not set"):
        load_study(file, environment={})
    study = load_study(file, environment={}, allow_unset=True)
    assert "GOLGI_MODELS" in str(study.warnings[0])
    assert study.folder("mine", "5") == "${GOLGI_MODELS}/mine/step5"
