"""The tutorial is true: its commands are run in order, and what it shows is what they print."""

import difflib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from workspace import Workspace, make_workspace

from golgi.study import Study, load_study

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
# What a comment before a block tells this test; whoever reads the page does not see it.
NOTE = r"(?:^<!-- test: (?P<note>[^\n]+) -->\n)?"
BLOCK = re.compile(NOTE + r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (at the end of )?(\S+)\n\n?")
ADDRESS = re.compile(r"results/(\w+)/atlas/index\.html#/(\w+)/(\S+)")
NUMBER = re.compile(r"(?<![\w.])\.\d+\b")  # written as results are: .17
PATIENCE = 900  # seconds, for a command that takes one minute on an idle machine


pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Step:
    """One thing that a reader does: write a file, or give a command and look at what it prints."""

    line: int
    kind: str  # console, or the language of a file
    text: str  # the command, or the file's content with its name in the first line
    shown: str = ""  # what the page shows below the command; nothing shown is nothing claimed
    note: str = ""
    fails: bool = False

    def __str__(self) -> str:
        return f"line {self.line}: {self.text.splitlines()[0]}"


def read_steps(page: str) -> list[Step]:
    """Take the fenced blocks of a page apart into steps, in order."""
    steps = []
    for block in BLOCK.finditer(page):
        line, note = page.count("\n", 0, block.start("text")) + 1, block["note"] or ""
        if block["kind"] != "console":
            steps.append(Step(line, block["kind"], block["text"], note=note))
            continue
        steps += _commands(block["text"], line, note)
        if note == "the last one fails":
            steps[-1] = replace(steps[-1], fails=True)
    return steps


def _commands(text: str, line: int, note: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield Step(line, "console", command, shown, note)
        line += part.count("\n")


def is_shown(shown: str, printed: str) -> bool:
    """Whether output is what the page shows; `…` stands for any text in a line, alone for any lines."""
    lines = [re.escape(line.rstrip()).replace("…", ".*") for line in shown.splitlines()]
    pattern = "".join(r"(?:.*\n)*?" if line == ".*" else rf"{line}\n" for line in lines)
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed.splitlines())) is not None


@dataclass
class Reader:
    """Does what the page says in a folder of its own, and stops where it is wrong."""

    workspace: Workspace
    has_demo: bool
    stopped_at: Step | None = None

    def do(self, step: Step) -> None:
        """Write the step's file, or run its command."""
        if step.note == "of a finished demo" and not self.has_demo:
            pytest.skip("no finished demo: set GOLGI_DEMO to its folder, results/demo")
        if self.stopped_at is not None:
            pytest.skip(f"nothing is done after {self.stopped_at}")
        self.stopped_at = step
        printed = self._run(step) if step.kind == "console" else self._write(step)
        self.stopped_at = None
        # What is shown wrongly stops nobody, and with new versions of packages it is more than one number.
        if step.shown and not is_shown(step.shown, printed):
            pytest.fail(_difference(step, printed), pytrace=False)

    def _write(self, step: Step) -> str:
        name = FILE.match(step.text)
        assert name, f"{step} does not begin with the name of its file"
        path = self.workspace.folder / name[2]
        assert path.parent.is_dir(), f"{step}: there is no folder {path.parent.name}/ yet"
        before = path.read_text(encoding="utf-8") if name[1] else ""
        path.write_text(before + (step.text[name.end() - 1 :] if name[1] else step.text), encoding="utf-8")
        return ""

    def _run(self, step: Step) -> str:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PATH": self._path()}
        done = subprocess.run(
            ["bash", "-c", step.text],
            cwd=self.workspace.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode != step.fails:
            pytest.fail(f"{step}\nends with status {done.returncode}:\n{done.stdout}", pytrace=False)
        return done.stdout

    def _path(self) -> str:
        return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def _difference(step: Step, printed: str) -> str:
    lines = difflib.unified_diff(
        step.shown.splitlines(), printed.splitlines(), "the page shows", "it prints", lineterm="", n=99
    )
    return "\n".join([str(step), *lines])


@pytest.fixture(scope="module")
def page() -> str:
    return TUTORIAL.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reader(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Somebody with a fresh copy of the project, where the demo is done if GOLGI_DEMO says so."""
    folder = tmp_path_factory.mktemp("tutorial")
    workspace = make_workspace(root, folder)
    # A study and a lexicon are written into it.
    (folder / "config").unlink()
    shutil.copytree(root / "config", folder / "config")
    demo = os.environ.get("GOLGI_DEMO")
    if demo:
        (folder / "results").mkdir()
        (folder / "results" / "demo").symlink_to(Path(demo).resolve())
    return Reader(workspace, has_demo=bool(demo))


@pytest.fixture
def finished(reader: Reader) -> Reader:
    """The reader at the end of the page."""
    if reader.stopped_at is not None:
        pytest.skip(f"nothing is done after {reader.stopped_at}")
    return reader


STEPS = [
    step for step in read_steps(TUTORIAL.read_text(encoding="utf-8")) if not step.note.startswith("not run")
]


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a b\nc\n", "a b \nc\n", True),
        ("a b\n", "a b\nc\n", False),
        ("a … c\n", "a b c\n", True),
        ("a.c\n", "abc\n", False),
        ("…\nc\n…\n", "a\nb\nc\n", True),
        ("…\nc\n", "a\nc\nb\n", False),
    ],
)
def test_output_is_held_against_what_is_shown(shown: str, printed: str, same: bool):
    assert is_shown(shown, printed) is same


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_step_does_what_the_page_says(reader: Reader, step: Step):
    reader.do(step)


def test_every_address_in_the_atlas_is_there(
    root: Path, finished: Reader, page: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(finished.workspace.folder)
    views = "".join(path.read_text() for path in root.glob("workflow/golgi/atlas/page/*.js"))
    links = ADDRESS.findall(page)
    assert {study for study, *_ in links} == {"demo", "mine"}
    for name, view, place in links:
        study = load_study(f"config/studies/{name}.yaml")
        assert f'view("{view}"' in views
        model, checkpoint, *rest = place.split("/")
        assert (model, checkpoint) in study.rows()
        assert _exists(study, view, model, rest), place
    assert Path("results/mine/atlas/index.html").is_file()


def _exists(study: Study, view: str, model: str, rest: list[str]) -> bool:
    if view == "concept":
        return rest[0] in study.concepts
    site, layer, unit = rest
    shape = study.spec["models"][model]["source"]["train"]
    within = int(layer) < shape["layers"] and int(unit) < 4 * shape["width"]
    return view == "unit" and site in study.spec["experts"]["sites"] and within


def _chance(spec: dict) -> str:
    sentences = spec["concepts"]["sentences"]
    return f"{sentences['positives'] / (sentences['positives'] + sentences['negatives']):.2f}".lstrip("0")


def _own_study(page: str) -> dict:
    return next(
        yaml.safe_load(step.text)
        for step in read_steps(page)
        if step.text.startswith("# config/studies/mine")
    )


def test_the_demo_is_as_it_is_told(in_root: None, page: str):
    spec = load_study("config/studies/demo.yaml").spec
    sentences, model = spec["concepts"]["sentences"], spec["models"]["mini"]
    assert (model["source"]["train"]["layers"], len(model["checkpoints"])) == (2, 6)
    for told in (
        f"{model['source']['train']['documents']:,} short texts",
        f"{sentences['positives']} sentences about it and {sentences['negatives']} about the others",
        f"{_chance(spec)} for one that knows nothing",
        f"an AP of {spec['analyses']['overlap']['threshold']:g} or more".replace("0.", "."),
    ):
        assert told in " ".join(page.split())


def test_numbers_in_the_prose_are_those_of_the_blocks(in_root: None, page: str):
    blocks = " ".join(step.text + step.shown for step in read_steps(page))
    known = {_chance(load_study("config/studies/demo.yaml").spec), _chance(_own_study(page))}
    told = set(NUMBER.findall(BLOCK.sub("", page)))
    assert {number for number in told if number not in blocks} <= known


def test_every_link_leads_somewhere(page: str):
    for target in re.findall(r"\]\(([^)]+)\)", page):
        name, _, anchor = target.partition("#")
        file = TUTORIAL.parent / name if name else TUTORIAL
        assert not anchor or anchor in _anchors(file.read_text(encoding="utf-8")), target
        assert file.is_file(), target


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
