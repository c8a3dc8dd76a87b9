"""What an archive of a study holds: the code, what the study names, and what was made of it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from golgi.archive.packing import Member
from golgi.errors import GolgiError
from golgi.modules import LIBRARY
from golgi.provenance.display import size
from golgi.provenance.hashing import files_below
from golgi.provenance.records import record_path
from golgi.study.folders import MODEL_FILES, WEIGHTS, model_files
from golgi.study.plan import Study
from golgi.study.resolve import VARIABLE
from golgi.study.writing import WRITTEN_FILES

CODE_FILES = (
    "CITATION.cff",
    "LICENSE",
    "Makefile",
    "README.md",
    "Snakefile",
    "config/README.md",
    "pyproject.toml",
)
# With the endings of what belongs there: whatever else lies among the code is not the project's to give away.
CODE_FOLDERS = {
    "docs": (".md", ".png"),
    "envs": (".def", ".txt", ".yaml"),
    "schemas": (".json",),
    "slurm": (".md", ".yaml"),
    "workflow": (".css", ".html", ".js", ".mplstyle", ".py", ".rst", ".smk", ".yaml"),
}
NO_CODE = ("__pycache__", ".egg-info")
FIGURE_ENDINGS = (".pdf", ".png", ".svg", ".txt")
INPUTS = "inputs"
ELSEWHERE = f"{INPUTS}/elsewhere"
VARIABLES = f"{INPUTS}/variables.sh"


@dataclass(frozen=True)
class Archive:
    """What goes into an archive, and how many bytes of what else there is stay out, by folder."""

    study: Study
    members: tuple[Member, ...]
    left_out: dict[str, int]
    weights: int
    commit: str

    @property
    def bytes(self) -> int:
        """Size of all files, as they are unpacked."""
        return sum(member.bytes for member in self.members)

    def kinds(self) -> dict[str, tuple[int, int]]:
        """Return number and bytes of the files of each kind."""
        found: dict[str, tuple[int, int]] = {}
        for member in self.members:
            files, total = found.get(member.kind, (0, 0))
            found[member.kind] = (files + 1, total + member.bytes)
        return found

    def summary(self) -> str:
        """Return the sizes of what goes in and of what stays out, for the terminal."""
        lines = [f"{self.study.name}: {len(self.members)} files, {size(self.bytes)} before compression."]
        lines += [
            f"  {kind:<12}{files:>6} files {size(total):>10}" for kind, (files, total) in self.kinds().items()
        ]
        made = ", ".join(f"{folder} {size(total)}" for folder, total in self.left_out.items())
        lines += [f"Left out, since it is made again: {made}."] if made else []
        lines += [f"Left out: weights, {size(self.weights)}; --weights puts them in."] if self.weights else []
        lines += [
            f"{place} is outside the project, and no variable names it: whoever unpacks puts it there again."
            for place in elsewhere(self.study)
        ]
        return "\n".join(lines)


def require_own_library() -> None:
    """Raise GolgiError where the library that runs is not that of the project in this folder."""
    here = Path("workflow", "golgi")
    if not Path("Snakefile").is_file() or not here.is_dir():
        raise GolgiError(
            "An archive is made in the project's folder; here is no Snakefile with its workflow."
        )
    if here.resolve() != LIBRARY:
        raise GolgiError(
            f"This command is of the code in {LIBRARY.parent}, not of that in this folder. "
            "Run the one of this folder: PYTHONPATH=workflow python -m golgi archive ..."
        )


def code_members() -> Iterator[Member]:
    """Yield the files of the workflow and its library, without caches and whatever else lies among them."""
    home = Path("Snakefile").resolve().parent
    for name in CODE_FILES:
        yield _within((home, Path.cwd().resolve()), name, "code", _here_or(home, name))
    for folder, endings in CODE_FOLDERS.items():
        place = _here_or(home, folder)
        _refuse_linked_folders(place)
        for name in files_below(place):
            if name.endswith(endings) and not any(part.endswith(NO_CODE) for part in Path(name).parts):
                yield _within((place.resolve(),), f"{folder}/{name}", "code", place / name)


def _refuse_linked_folders(place: Path) -> None:
    for folder, names, _ in os.walk(place):
        for path in (Path(folder, name) for name in names):
            if path.is_symlink():
                raise GolgiError(
                    f"{path} is a link to a folder, and an archive holds no links. Put the folder there."
                )


def _here_or(home: Path, name: str) -> Path:
    return Path(name) if Path(name).exists() else home / name


def input_members(study: Study) -> Iterator[Member]:
    """Yield the study's own files: its spec, lexicon, texts and ratings, and the facts of its models."""
    yield Member(study_name(study), "study", Path(study.file).resolve())
    for written, file in _both(study, named_files):
        yield Member(placed(written), "inputs", _in_sight(file))
    yield from _model_members(study, MODEL_FILES, "inputs")


def _in_sight(file: str) -> Path:
    found = Path(file).resolve()
    if any(part.startswith(".") and part not in (".", "..") for part in (*Path(file).parts, found.name)):
        raise GolgiError(
            f"{file} is hidden, and an archive holds no hidden files. Put a copy where it is seen."
        )
    return found


def weight_members(study: Study) -> Iterator[Member]:
    """Yield the weights in the folders that the study names."""
    return _model_members(study, WEIGHTS, "weights")


def study_name(study: Study) -> str:
    """Return where the spec is in the archive: where `studies=NAME` finds it."""
    return f"config/studies/{study.name}.yaml"


def named_files(study: Study) -> list[str]:
    """Return the files that a study names: lexicon, texts, prompts, transcripts, and ratings, fetched too."""
    acted = study.spec["analyses"].get("interventions", {}).get("text")
    files = [study.spec["concepts"]["lexicon"], *study.sentence_files]
    files += [*study.prompt_files, *study.transcripts]
    files += [file for model in study.trained() for file in study.corpus_files(model)]
    files += [file for part in study.graph_files.values() for file in part]
    return [*files, *(acted if isinstance(acted, list) else []), *study.reference_files.values()]


def named_folders(study: Study) -> list[str]:
    """Return the folders with models that a study names: of each checkpoint, and of others that it uses."""
    own = [model for model in study.models if study.kind(model) == "directory"]
    folders = [study.folder(model, checkpoint) for model in own for checkpoint in study.weights(model)]
    folders += [study.writer_folder] if study.writer_kind == "directory" else []
    return [*folders, study.masked_lm] if study.masked_lm and not study.masked_lm_is_fetched else folders


def _model_members(study: Study, patterns: tuple[str, ...], kind: str) -> Iterator[Member]:
    for written, folder in _both(study, named_folders):
        for path in map(Path, model_files(folder, patterns)):
            yield Member(f"{placed(written)}/{path.name}", kind, path.resolve())


def _both(study: Study, named) -> Iterator[tuple[str, str]]:
    """Yield every path that a study names, as it is written and as it is on this machine."""
    return zip(named(replace(study, spec=study.written)), named(study), strict=True)


def placed(written: str) -> str:
    """Return where in the archive a file is that the spec writes in this way.

    >>> placed("config/lexicons/men.yaml"), placed("../ratings.txt"), placed("/data/ratings.txt")
    ('config/lexicons/men.yaml', 'inputs/elsewhere/up/ratings.txt', 'inputs/elsewhere/data/ratings.txt')
    """
    variable = VARIABLE.match(written)
    if variable:
        inside = f"{INPUTS}/{variable[1]}/"
        path = posixpath.normpath(variable_value(variable[1]) + written[variable.end() :])
        if not path.startswith(inside):
            raise GolgiError(
                f"{written} leads out of what {variable[1]} names. Name the file by another variable."
            )
        return path
    path = posixpath.normpath(written)
    if not path.startswith(("/", "../")):
        return path
    return "/".join([ELSEWHERE, *("up" if part == ".." else part for part in path.strip("/").split("/"))])


def variable_value(name: str) -> str:
    """Return what a variable of the environment has to be where the archive is unpacked."""
    value = os.environ[name]
    return (
        f"{INPUTS}/{name}/{Path(os.path.abspath(value)).name or 'files'}{'/' if value.endswith('/') else ''}"
    )


def variables(study: Study) -> list[str]:
    """Return the variables of the environment that a study's paths begin with."""
    return sorted({match[1] for one in _paths_as_written(study) if (match := VARIABLE.match(one))})


def elsewhere(study: Study) -> dict[str, str]:
    """Return what the study names by places outside its project: place -> name in the archive."""
    return {
        one: name for one in _paths_as_written(study) if (name := placed(one)).startswith(f"{ELSEWHERE}/")
    }


def written_folders(study: Study) -> list[str]:
    """Return the folders with models that a study names, as it writes them."""
    return named_folders(replace(study, spec=study.written))


def _paths_as_written(study: Study) -> list[str]:
    return sorted({*named_files(replace(study, spec=study.written)), *written_folders(study)})


def result_members(study: Study) -> Iterator[Member]:
    """Yield what a finished study shows: sentences, tables, figures with captions, report, and provenance.

    The transcript of what a language model wrote is among it: with that, nobody need be asked again.
    """
    home = Path(study.results).resolve()
    for kind, names in _results(study, home):
        for name in names:
            yield _within((home,), f"{study.results}/{name}", kind, home / name)
    # Where all replies are from the transcripts that the study names, it has none of its own.
    if study.llm and Path(study.transcript).is_file():
        yield _within((Path("resources").resolve(),), study.transcript, "transcript", Path(study.transcript))
    for file in study.downloads:
        record = record_path(file)
        if record.is_file():
            yield _within((Path("resources").resolve(),), str(record), "records", record)


def _results(study: Study, home: Path) -> Iterator[tuple[str, Iterable[str]]]:
    yield "sentences", [f"sentences/{name}.parquet" for name in ("pool", "sets")]
    yield "sentences", WRITTEN_FILES if study.llm else []
    yield "tables", [f"tables/{table}.parquet" for table in study.tables]
    yield (
        "tables",
        [f"tables/{name}.csv" for name in study.tables if (home / "tables" / f"{name}.csv").is_file()],
    )
    yield "figures", [f"figures/{name}{ending}" for name in study.figures for ending in FIGURE_ENDINGS]
    yield "report", ["report.html"]
    yield "atlas", [f"atlas/{name}" for name in _listed(home / "atlas")] or ["atlas"]
    for model, checkpoint in study.graph_rows():
        folder = f"graphs/{model}/{checkpoint}/drawings"
        yield "drawings", [f"{folder}/{name}" for name in _listed(home / folder)] or [folder]
    yield "provenance", ["provenance.json"]
    yield "records", [f"records/{name}" for name in _listed(home / "records") if name.endswith(".json")]


def _listed(folder: Path) -> list[str]:
    return list(files_below(folder)) if folder.is_dir() else []


def _within(homes: tuple[Path, ...], name: str, kind: str, path: Path) -> Member:
    found = path.resolve()
    if not any(found.is_relative_to(home) for home in homes):
        raise GolgiError(
            f"{path} is a link that leads to {found}, out of the project. Put the file in its place."
        )
    return Member(name, kind, found)
