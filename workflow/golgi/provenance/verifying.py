"""Whether a study's files are what its jobs wrote, and whether they would write the same now."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from golgi.errors import GolgiError
from golgi.files import read_json
from golgi.provenance.changes import Change, changed_fields, drawn_otherwise
from golgi.provenance.commits import archived
from golgi.provenance.hashing import Sums, files_below
from golgi.provenance.lineage import Lineage, Record, is_result, records_of
from golgi.provenance.records import RECORDS, begun, record_path, recorded_files, short
from golgi.study.plan import Study
from golgi.study.targets import targets

MISSING, ALTERED, UNFINISHED, UNRECORDED, STALE = "missing", "altered", "unfinished", "unrecorded", "stale"
CODE = ("workflow/golgi/", "workflow/scripts/")
NAME = "[a-z][a-z0-9_-]*"
# Written while a study runs, and no result.
UNCOUNTED = (RECORDS, "logs")


@dataclass(frozen=True, order=True)
class Fault:
    """What is wrong with one file: `output` is the output that it is, or is a part of.

    `unseen` says that a run would not notice, and would leave it as it is: that data have changed and no time
    stamp shows it, or that a folder is there and a file of it is not.
    """

    kind: str
    path: str
    cause: str
    output: str
    unseen: bool = False


@dataclass(frozen=True)
class Verdict:
    """What a look at a study has found; `checked` files were read, `leftovers` are of no use to the study.

    `left_out` files were never in the archive that was unpacked here.
    """

    study: str
    faults: list[Fault]
    changes: list[Change]
    checked: int
    bytes: int
    leftovers: int
    left_out: int
    downstream: int
    records: dict[str, Record] = field(repr=False)

    @property
    def in_order(self) -> bool:
        """Whether every file is there, is what its job wrote, and would be the same now."""
        return not self.faults and not self.changes


def has_records(name: str) -> bool:
    """Tell whether a study of this name was run here."""
    return re.fullmatch(NAME, name) is not None and Path("results", name, RECORDS).is_dir()


def verify(name: str, study: Study | None) -> Verdict:
    """Compare the files of the study `name` with their records, each file read once.

    Without its `study` only what the records tell is looked at: not what should be there besides, and not
    whether the spec has changed. In an unpacked archive, what was left out of it is no fault.
    """
    root = f"results/{name}"
    there = records_of(root)
    wanted = targets(study) if study else list(there)
    lineage = Lineage(root, wanted)
    sums = Sums(_to_read(lineage))
    changes, archive = _changes(root, study), _Archive(root)
    faults = [*_unrecorded(lineage, wanted, sums, study), *_damaged(lineage, sums)]
    faults = [one for one in faults if not archive.leaves_out(one)]
    faults += _stale(lineage, sums, study, archive)
    return Verdict(
        study=name,
        faults=sorted(_noticed(faults, set(wanted), changes)),
        changes=changes,
        checked=sums.read,
        bytes=sums.bytes,
        leftovers=_leftovers(root, lineage),
        left_out=len(archive.left_out),
        downstream=len(_made_from(lineage, {fault.output for fault in faults if fault.kind == STALE})),
        records=lineage.records,
    )


def _to_read(lineage: Lineage) -> Iterator[str]:
    for output, record in lineage.records.items():
        for path in recorded_files(record):
            # A file of another size is another file: there is no need to read it.
            if _size(path) == _recorded_size(record, output, path):
                yield path
    yield from (*lineage.inputs, *lineage.unrecorded)


class _Archive:
    """What an archive that was unpacked here never held, as its list tells; nothing where there is none."""

    def __init__(self, root: str):
        names = [*archived(Path()), f"{root}/provenance.json"]
        self._held = {place for name in names for place in (name, *map(str, PurePosixPath(name).parents))}
        self._is_here = len(names) > 1
        self.left_out: set[str] = set()

    def leaves_out(self, fault: Fault) -> bool:
        return fault.kind == MISSING and self._leaves_out(fault.output)

    def leaves_out_weights(self, path: str) -> bool:
        return path.endswith(".safetensors") and self._leaves_out(path)

    def _leaves_out(self, path: str) -> bool:
        left = self._is_here and path not in self._held and not os.path.lexists(path)
        self.left_out |= {path} if left else set()
        return left


def _noticed(faults: list[Fault], wanted: set[str], changes: list[Change]) -> Iterator[Fault]:
    """Yield faults, those that a run would trip over marked as unseen: folders of which a part is missing.

    A download of which a part was thrown away is of no concern while nothing is to be made from it.
    """
    parts = {one for one in faults if one.kind == MISSING and one.path != one.output}
    work = bool(changes) or any(one.kind != MISSING or one.output in wanted for one in set(faults) - parts)
    for fault in faults:
        unseen = fault in parts and (work or fault.output in wanted)
        yield replace(fault, unseen=True) if unseen else fault


def _unrecorded(lineage: Lineage, wanted: Iterable[str], sums: Sums, study: Study | None) -> Iterator[Fault]:
    wanted = set(wanted)
    asked = {path: sha256.lower() for path, (_, sha256) in study.downloads.items()} if study else {}
    for path in lineage.unrecorded:
        if not Path(path).exists():
            cause = "the study asks for it" if path in wanted else "others were made from it"
            yield Fault(MISSING, path, cause, path)
        elif begun(path):
            yield Fault(UNFINISHED, path, "its job is at work, or died before its end", path)
        elif record_path(path) and record_path(path).exists():
            yield Fault(ALTERED, path, "its record is damaged", path)
        elif path not in asked:
            yield Fault(UNRECORDED, path, "no record tells what it should be, or what it was made from", path)
        elif sums.of(path) != asked[path]:
            found = short(sums.of(path) or "unreadable")
            yield Fault(
                ALTERED, path, f"not what the study asks for: {found}, not {short(asked[path])}", path
            )


def _damaged(lineage: Lineage, sums: Sums) -> Iterator[Fault]:
    for output, record in lineage.records.items():
        rule = record["rule"]
        if not Path(output).exists():
            yield Fault(MISSING, output, f"{rule} wrote it", output)
            continue
        expected = recorded_files(record)
        for path, sha256 in expected.items():
            if _size(path) is None:
                yield Fault(MISSING, path, f"{rule} wrote it", output)
            elif sums.of(path) != sha256:
                yield Fault(ALTERED, path, _difference(record, output, path, sums), output)
        for path in _files_of(output) - expected.keys():
            yield Fault(ALTERED, path, f"{rule} did not write it", output)


def _difference(record: Record, output: str, path: str, sums: Sums) -> str:
    size, recorded = _size(path), _recorded_size(record, output, path)
    if size != recorded:
        return f"not what {record['rule']} wrote: {size:,} bytes, not {recorded:,}"
    expected = recorded_files(record)[path]
    return f"not what {record['rule']} wrote: {short(expected)} -> {short(sums.of(path) or 'unreadable')}"


def _stale(lineage: Lineage, sums: Sums, study: Study | None, archive: _Archive) -> Iterator[Fault]:
    weights = _weights(study) if study else {}
    redrawn = drawn_otherwise(study, lineage.records) if study else set()
    # Old code with a new time stamp, or the reverse, may be meant: who edits the code knows what it changes.
    code = {path for path in lineage.inputs if path.startswith(CODE)}
    for output, record in lineage.records.items():
        changed = {}
        for path, before in record["inputs"].items():
            maker = lineage.maker(path)
            # Of what a job made, its record counts: whether the file is still the same is told of that file.
            now = recorded_files(lineage.records[maker]).get(path) if maker else sums.of(path)
            if now == before or (not now and archive.leaves_out_weights(path)):
                continue
            if maker or now or not is_result(path):
                changed[path] = before, now
        if changed:
            unseen = all(_is_older(path, output) for path in changed) and not changed.keys() <= code
            yield Fault(STALE, output, "; ".join(_told(changed, weights)), output, unseen)
        elif output in redrawn:
            yield Fault(STALE, output, "the spec has changed in what counts here", output)


def _told(changed: dict[str, tuple[str, str | None]], weights: dict[str, str]) -> Iterator[str]:
    code = [path for path, (_, now) in changed.items() if path.startswith(CODE) and now]
    if code:
        named = (path.removeprefix("workflow/").removeprefix("golgi/") for path in code)
        yield f"the code has changed: {', '.join(named)}"
    for path, (before, now) in changed.items():
        whose = weights.get(str(PurePosixPath(path).parent)) if path.endswith(".safetensors") else None
        who = f"the weights of {whose}, {path}," if whose else path
        if not now:
            yield f"{who} cannot be read"
        elif not path.startswith(CODE):
            yield f"{who} changed: {short(before)} -> {short(now)}"


def _weights(study: Study) -> dict[str, str]:
    """Return whose weights every folder has: a model's at a checkpoint, or the writer's."""
    rows = [(model, step) for model in study.models for step in study.weights(model)]
    whose = {str(PurePosixPath(study.folder(*row))): f"{row[0]} at {row[1]}" for row in rows}
    writer = {str(PurePosixPath(study.writer_folder)): "the writer"} if study.writer_folder else {}
    return writer | whose


def _changes(root: str, study: Study | None) -> list[Change]:
    file = Path(root, "provenance.json")
    if study is None or not file.is_file():
        return []
    try:
        before = read_json(file)
        if before["spec_sha256"] == study.spec_sha256:
            return []
        unnamed = Change("a path that is written in full", None, None)
        return changed_fields(before["spec"], study.origin()["spec"]) or [unnamed]
    except (GolgiError, KeyError, TypeError):
        return []  # damaged, which its record tells


def _made_from(lineage: Lineage, stale: set[str]) -> set[str]:
    """Return every output that hangs on one that is stale, and is not stale itself."""
    users = defaultdict(set)
    for output, record in lineage.records.items():
        for path in record["inputs"]:
            users[lineage.maker(path)].add(output)
    found, waiting = set(stale), list(stale)
    while waiting:
        new = users[waiting.pop()] - found
        found |= new
        waiting += new
    return found - stale


def _leftovers(root: str, lineage: Lineage) -> int:
    known = {path for record in lineage.records.values() for path in recorded_files(record)}
    there = (name for name in files_below(root) if PurePosixPath(name).parts[0] not in UNCOUNTED)
    return sum(f"{root}/{name}" not in known for name in there)


def _files_of(output: str) -> set[str]:
    return {f"{output}/{name}" for name in files_below(output)} if Path(output).is_dir() else set()


def _recorded_size(record: Record, output: str, path: str) -> int:
    return (record["files"][path[len(output) + 1 :]] if "files" in record else record)["bytes"]


def _size(path: str) -> int | None:
    file = Path(path)
    return file.stat().st_size if file.is_file() else None


def _is_older(path: str, output: str) -> bool:
    places = Path(path), Path(output)
    return all(place.exists() for place in places) and places[0].stat().st_mtime <= places[1].stat().st_mtime
