"""Look whether the files and folders that a study names are there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from os.path import isdir, isfile  # pathlib's raise for a name that is too long, and for a locked folder
from pathlib import Path as FilePath

from golgi.study import graph_checks
from golgi.study.checked import Checked
from golgi.study.folders import checkpoint_folder
from golgi.study.problems import Path, Problem, StudyError, did_you_mean
from golgi.study.ratings import FEWEST_PAIRS, Rating, places_of, rated_pairs, read_ratings, too_few_pairs
from golgi.study.resolve import WRITTEN_TEXTS
from golgi.study.shapes import Shape, folder_shape
from golgi.study.writing_checks import is_own_transcript

FEW_PAIRS = 10

Existing = tuple[Path, str]


def file_problems(checked: Checked) -> tuple[list[Problem], list[Problem]]:
    """Return problems and warnings about the files that a study names; only ratings are read."""
    problems = [*_missing_files(checked), *_missing_folders(checked)]
    problems += [*_missing_masked_lm(checked), *_missing_writer(checked)]
    unfit, warnings = _graphs_of_folders(checked)
    problems += unfit
    for path, file in _references(checked):
        if not isfile(file):
            problems.append(checked.problem(path, f"{file} cannot be read; is it there?"))
            continue
        try:
            ratings = read_ratings(file)
        except StudyError as error:
            problems += error.problems
            continue
        if checked.lexicon and "concepts" in checked.spec:
            pairs = _pairs_of_the_study(checked, ratings)
            if pairs < FEWEST_PAIRS:
                problems.append(checked.problem(path, too_few_pairs(f"{file} rates", pairs)))
            elif pairs < FEW_PAIRS:
                warnings.append(
                    checked.problem(path, f"{file} rates only {pairs} pairs of the study's concepts.")
                )
    return problems, warnings


def _pairs_of_the_study(checked: Checked, ratings: list[Rating]) -> int:
    forms = ((place, form) for place, one in enumerate(checked.concepts) for form in (one.word, one.plural))
    rated, _ = rated_pairs(ratings, places_of(forms)[0])
    return len(rated)


def _missing_files(checked: Checked) -> Iterator[Problem]:
    for path, file in _texts(checked):
        if "$" not in file and not isfile(file):
            yield checked.problem(path, f"{file} does not exist.")
    for path, file in (*_graph_texts(checked), *_acted_texts(checked)):
        if "$" not in file and not isfile(file):
            yield checked.problem(path, f"{file} does not exist.{did_you_mean(file, WRITTEN_TEXTS)}")


def _texts(checked: Checked) -> Iterator[Existing]:
    source = checked.spec.get("concepts", {"sentences": {"source": {}}})["sentences"]["source"]
    for key in ("corpus", "files"):
        for number, file in enumerate(source.get(key, [])):
            yield ("concepts", "sentences", "source", key, number), file
    for number, file in enumerate(source.get("llm", {"transcripts": []})["transcripts"]):
        if not is_own_transcript(checked, file):
            yield ("concepts", "sentences", "source", "llm", "transcripts", number), file
    for name, model in checked.spec.get("models", {}).items():
        corpus = model["source"].get("train", {}).get("corpus", "microworld")
        if corpus != "microworld":
            for number, file in enumerate(corpus):
                yield ("models", name, "source", "train", "corpus", number), file


def _acted_texts(checked: Checked) -> Iterator[Existing]:
    text = checked.spec.get("analyses", {}).get("interventions", {}).get("text")
    for number, file in enumerate(text if isinstance(text, list) else []):
        yield ("analyses", "interventions", "text", number), file


def _graph_texts(checked: Checked) -> Iterator[Existing]:
    corpora = checked.spec.get("graphs", {"corpora": {}})["corpora"]
    for part, texts in corpora.items():
        for number, file in enumerate(texts if isinstance(texts, list) else []):
            yield ("graphs", "corpora", part, number), file


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
        if not isdir(directory):
            yield checked.problem(("models", name, "source", "directory"), f"there is no folder {directory}.")
            continue
        for number, step in enumerate(model["checkpoints"]):
            yield from _missing_checkpoint(checked, name, number, step)


def _missing_checkpoint(checked: Checked, name: str, number: int, step: int | str) -> Iterator[Problem]:
    source = checked.spec["models"][name]["source"]
    folder = checkpoint_folder(source, step)
    if not isdir(folder):
        there = _folders(source["directory"])
        message = f"there is no folder {folder}.{did_you_mean(folder.name, there)}"
    elif not isfile(folder / "config.json"):
        message = f"{folder} has no config.json; it is not a model in Hugging Face format."
    else:
        return
    yield checked.problem(("models", name, "checkpoints", number), message)


def _folders(directory: str) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    except OSError:
        return []


def _missing_masked_lm(checked: Checked) -> Iterator[Problem]:
    augment = checked.spec.get("graphs", {"augment": "none"})["augment"]
    source = {} if isinstance(augment, str) else augment["masked_lm"]
    directory = source.get("directory", "${")
    if "$" not in directory and not isfile(FilePath(directory) / "config.json"):
        path = ("graphs", "augment", "masked_lm", "directory")
        yield checked.problem(path, f"{directory} is no folder with a model in Hugging Face format.")


def _missing_writer(checked: Checked) -> Iterator[Problem]:
    source = checked.spec.get("concepts", {"sentences": {"source": {}}})["sentences"]["source"]
    directory = source.get("llm", {"writer": {}})["writer"].get("directory", "${")
    if "$" not in directory and not isfile(FilePath(directory) / "config.json"):
        path = ("concepts", "sentences", "source", "llm", "writer", "directory")
        yield checked.problem(path, f"{directory} is no folder with a model in Hugging Face format.")


def _graphs_of_folders(checked: Checked) -> tuple[list[Problem], list[Problem]]:
    """Look again whether models have what graphs are grown from, now that folders may tell their shapes."""
    if not {"graphs", "models", "experts"} <= set(checked.spec):
        return [], []
    shapes = {name: shape or _shape_there(checked, name) for name, shape in checked.declared.items()}
    unfit, warnings = graph_checks.units_there(checked, shapes)
    return [*graph_checks.windows_fit(checked, shapes), *unfit], warnings


def _shape_there(checked: Checked, name: str) -> Shape | None:
    model = checked.spec["models"][name]
    there = "directory" in model["source"] and "$" not in model["source"]["directory"]
    return folder_shape(checkpoint_folder(model["source"], model["checkpoints"][-1])) if there else None
