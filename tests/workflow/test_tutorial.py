"""The tutorial is true: its commands are run in order, and what it shows is what they print."""

import difflib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from workspace import Workspace, make_workspace

from golgi.study import Study, load_study

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
# What a comment before a block tells this test; whoever reads the page does not see it.
NOTE = r"(?:^<!-- test: (?P<note>[^\n]+) -->\n)?"
BLOCK = re.compile(NOTE + r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (at the end of )?(\S+)\n\n?")
LINK = re.compile(r"results/(\w+)/atlas/index\.html#/(\w+)/(\S+)")
NUMBER = re.compile(r"(?<![\w.])\.\d+\b")  # written as results are: .17
THRESHOLDS = {".4", ".5", ".6"}
MINUTES = 300  # seconds, for a command that takes one on an idle machine


@dataclass(frozen=True)
class Step:
    """One thing that a reader does: write a file, or give a command and look at what it prints."""

    line: int
    kind: str  # console, or the language of a file
    text: str  # the command, or the file's content with its name in the first line
    shown: str = ""  # what the page shows below the command; nothing shown is nothing claimed
    note: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.text.splitlines()[0]}"


def read_steps(page: str) -> list[Step]:
    """Take the fenced blocks of a page apart into steps, in order."""
    steps = []
    for block in BLOCK.finditer(page):
        line = page.count("\n", 0, block.start("text")) + 1
        if block["kind"] == "console":
            steps += _commands(block["text"], line, block["note"] or "")
        else:
            steps.append(Step(line, block["kind"], block["text"], note=block["note"] or ""))
    return steps


def _commands(text: str, line: int, note: str) -> list[Step]:
    steps = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        steps.append(Step(line, "console", command, shown, note))
        line += part.count("\n")
    # What a note says of a block is about its last command.
    return [*(Step(s.line, s.kind, s.text, s.shown, _shared(note)) for s in steps[:-1]), steps[-1]]


def _shared(note: str) -> str:
    return "" if note.startswith("exit status") else note


def is_shown(shown: str, printed: str) -> bool:
    """Whether output is what the page shows; `…` stands for any text in a line, alone for any lines.

    >>> is_shown("a … c\\n…\\n", "a b c\\nd\\n")
    True
    """
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
            timeout=MINUTES,
            check=False,
        )
        wanted = 1 if step.note == "exit status 1" else 0
        if done.returncode != wanted:
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


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_step_does_what_the_page_says(reader: Reader, step: Step):
    reader.do(step)


def test_every_address_in_the_atlas_is_there(finished: Reader, page: str):
    views = "".join(path.read_text() for path in TUTORIAL.parents[1].glob("workflow/golgi/atlas/page/*.js"))
    links = LINK.findall(page)
    assert {study for study, *_ in links} == {"demo", "mine"}
    for name, view, place in links:
        study = load_study(str(finished.workspace.folder / "config" / "studies" / f"{name}.yaml"))
        assert f'view("{view}"' in views
        model, checkpoint, *rest = place.split("/")
        assert (model, checkpoint) in study.rows()
        assert _exists(study, view, model, rest), place
    assert (finished.workspace.folder / "results" / "mine" / "atlas" / "index.html").is_file()


def _exists(study: Study, view: str, model: str, rest: list[str]) -> bool:
    if view == "concept":
        return rest[0] in study.concepts
    site, layer, unit = rest
    shape = study.spec["models"][model]["source"]["train"]
    within = int(layer) < shape["layers"] and int(unit) < 4 * shape["width"]
    return view == "unit" and site in study.spec["experts"]["sites"] and within


def test_the_demo_is_as_it_is_told(root: Path, page: str):
    spec = load_study(str(root / "config" / "studies" / "demo.yaml")).spec
    positives, negatives = (spec["concepts"]["sentences"][name] for name in ("positives", "negatives"))
    trained = spec["models"]["mini"]
    for told in (
        f"{trained['source']['train']['documents']:,} short texts",
        f"{positives} sentences about it and {negatives} about the others",
        f"{positives / (positives + negatives):.2f}".lstrip("0"),
        f"an AP of {spec['analyses']['overlap']['threshold']:.1f}".replace("0.", "."),
    ):
        assert told in " ".join(page.split())
    assert (trained["source"]["train"]["layers"], len(trained["checkpoints"])) == (2, 6)


def test_numbers_of_the_answer_are_those_that_are_shown(page: str):
    answer = BLOCK.sub("", page[page.index("## Read the answer") :])
    shown = " ".join(step.shown for step in read_steps(page))
    told = set(NUMBER.findall(answer))
    assert told
    assert {number for number in told if number not in shown} <= THRESHOLDS
