"""Look whether the files and folders that a study names are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as FilePath

from golgi.study.crosschecks import Checked
from golgi.study.problems import Path, Problem, did_you_mean

CELLS = re.compile(r"[\s,;]+")
PART_OF_SPEECH = re.compile(r"-[a-z]$")
LARGEST_REFERENCE = 4_000_000
FEW_PAIRS = 10

Existing = tuple[Path, str]


def file_problems(checked: Checked) -> tuple[list[Problem], list[Problem]]:
    """Return problems and warnings about the files that a study names; nothing large is read."""
    problems = [*_missing_files(checked), *_missing_folders(checked)]
    warnings = []
    for path, file in _references(checked):
        lines = _lines(file)
        if lines is None:
            problems.append(checked.problem(path, f"{file} cannot be read; is it there?"))
        elif checked.lexicon and "concepts" in checked.spec:
            pairs = _rated_pairs(checked, lines)
            if pairs == 0:
                problems.append(checked.problem(path, f"{file} rates no pair of the study's concepts."))
            elif pairs < FEW_PAIRS:
                warnings.append(
                    checked.problem(path, f"{file} rates only {pairs} pairs of the study's concepts.")
                )
    return problems, warnings


def _missing_files(checked: Checked) -> Iterator[Problem]:
    for path, file in _texts(checked):
        if "$" not in file and not FilePath(file).is_file():
            yield checked.problem(path, f"{file} does not exist.")


def _texts(checked: Checked) -> Iterator[Existing]:
    source = checked.spec.get("concepts", {"sentences": {"source": {}}})["sentences"]["source"]
    for key in ("corpus", "files"):
        for number, file in enumerate(source.get(key, [])):
            yield ("concepts", "sentences", "source", key, number), file
    for name, model in checked.spec.get("models", {}).items():
        corpus = model["source"].get("train", {}).get("corpus", "microworld")
        if corpus != "microworld":
            for number, file in enumerate(corpus):
                yield ("models", name, "source", "train", "corpus", number), file


def _references(checked: Checked) -> Iterator[Existing]:
    alignment = checked.spec.get("analyses", {}).get("alignment", {"references": {}})
    for name, reference in alignment["references"].items():
        file = reference.get("file")
        if file and "$" not in file:
            yield ("analyses", "alignment", "references", name, "file"), file


def _missing_folders(checked: Checked) -> Iterator[Problem]:
    for name, model in checked.spec.get("models", {}).items():
        source = model["source"]
        directory = source.get("directory", "${")
        if "$" in directory:
            continue
        if not FilePath(directory).is_dir():
            yield checked.problem(("models", name, "source", "directory"), f"there is no folder {directory}.")
            continue
        for number, step in enumerate(model["checkpoints"]):
            yield from _missing_checkpoint(checked, name, number, step)


def _missing_checkpoint(checked: Checked, name: str, number: int, step: int | str) -> Iterator[Problem]:
    source = checked.spec["models"][name]["source"]
    folder = checkpoint_folder(source, step)
    if not folder.is_dir():
        there = sorted(entry.name for entry in FilePath(source["directory"]).iterdir() if entry.is_dir())
        message = f"there is no folder {folder}.{did_you_mean(folder.name, there)}"
    elif not (folder / "config.json").is_file():
        message = f"{folder} has no config.json; it is not a model in Hugging Face format."
    else:
        return
    yield checked.problem(("models", name, "checkpoints", number), message)


def checkpoint_folder(source: dict, step: int | str) -> FilePath:
    """Return where a directory source keeps a checkpoint; `final` is the folder itself."""
    directory = FilePath(source["directory"])
    return directory if step == "final" else directory / source["folder"].replace("{step}", str(step))


def _lines(file: str) -> list[str] | None:
    try:
        with open(file, "rb") as stream:
            return stream.read(LARGEST_REFERENCE).decode("utf-8", errors="replace").splitlines()
    except OSError:
        return None


def _rated_pairs(checked: Checked, lines: list[str]) -> int:
    words = {word.lower(): concept.name for concept in checked.concepts for word in concept.words}
    pairs = set()
    for line in lines:
        cells = [PART_OF_SPEECH.sub("", cell) for cell in CELLS.split(line.strip().lower())[:2]]
        names = {words[cell] for cell in cells if cell in words}
        if len(names) == 2:
            pairs.add(frozenset(names))
    return len(pairs)
