"""What the README shows is what there is."""

import re
from pathlib import Path

import pytest

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


def test_the_lexicon_and_the_study_that_are_shown_can_be_copied(readme, root, tmp_path, monkeypatch):
    section = readme.split("## Sentences written by a language model")[1].split("\n## ")[0]
    shown = re.findall(r"```yaml\n# (config/\S+)\n(.*?)```", section, re.S)
    (tmp_path / "config" / "lexicons").mkdir(parents=True)
    (tmp_path / "config" / "studies").mkdir()
    (tmp_path / "config" / "prompts").symlink_to(root / "config" / "prompts")
    for file, text in shown:
        (tmp_path / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    found = load_study(shown[1][0], check_files=True)
    assert (found.concepts, found.writer_kind) == (["piano", "drum", "ladder", "shovel"], "server")
    assert found.warnings == ()
    assert list(found.spec["analyses"]) == ["overlap"]
