"""The record of every output of a job: its hash, what it was made from, and what making it took.

The record of `results/STUDY/PATH` is `results/STUDY/records/PATH.json`, that of `resources/PATH` is
`resources/records/PATH.json`. It is written after the output. When a job begins, it puts a note in the place
of each record: that it is being made, and from what. So an output with a record is whole, one that differs
from its record was altered since, and one with a note alone may be half of a job's work.

Of two jobs that make the same, as one of a killed run and one of the next may do on a cluster, the one that
began last has the turn. Its note tells: each job has a number of its own, which stands in notes and records
and in nothing else.
"""

import hashlib
import json
import logging
import secrets
import sys
import time
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from golgi.errors import GaveWay, GolgiError
from golgi.files import asking, write_json
from golgi.provenance import measuring
from golgi.provenance.hashing import content
from golgi.provenance.places import as_written, expanded

logger = logging.getLogger(__name__)

RECORDS = "records"
PATIENCE, POLL, NEW = 10.0, 1.0, 120.0  # seconds
SCRIPTS = "workflow/scripts"
# Gone as soon as they are used: nothing is left to hold against a record.
PASSING = ("results/*/sensitivity/*/*/responses.safetensors",)


def record_path(output: str | Path) -> Path | None:
    """Return where the record of an output is; None for a path outside `results/STUDY/` and `resources/`."""
    root, *parts = PurePosixPath(output).parts or ("",)
    depth = {"results": 1, "resources": 0}.get(root)
    if depth is None or len(parts) <= depth or ".." in parts:
        return None
    return Path(root, *parts[:depth], RECORDS, *parts[depth:-1], f"{parts[-1]}.json")


def read_record(output: str | Path) -> dict[str, Any] | None:
    """Return the record of an output; None where there is none that can be read, or a note alone."""
    record = _read(output)
    return record if "rule" in record else None


def begun(output: str | Path) -> bool:
    """Tell whether all that is known of an output is that a job has begun to make it."""
    record = _read(output)
    return bool(record) and "rule" not in record


def recorded_files(record: Mapping[str, Any]) -> dict[str, str]:
    """Return path and SHA-256 of every file that a record is about."""
    output = record["output"]
    if "files" not in record:
        return {output: record["sha256"]}
    return {f"{output}/{name}": one["sha256"] for name, one in record["files"].items()}


class Making:
    """The making of a job's outputs, from the check of its inputs to the records of what it wrote.

    `task` is the job as the workflow hands it to a script: it has `rule`, `log`, `input`, `output`, `params`
    and `threads`.
    """

    def __init__(self, task: Any, *, threads: int):
        self.task, self.threads = task, threads
        self.nonce = secrets.token_hex(8)
        self.outputs = [path for path in map(str, task.output) if _is_recorded(path)]
        self.places = [*map(str, task.output), *(str(record_path(output)) for output in self.outputs)]
        self.params = dict(task.params.items())
        self.opened = self.params.get("folder") or self.params.get("opening", {}).get("folder")
        began = time.perf_counter()
        last = {output: _read(output).get("inputs", {}) for output in self.outputs}
        # Before the inputs, which may take long to read: the turn is that of the job that began last.
        for output, inputs in last.items():
            self._write_note(output, inputs)
        self.inputs = self._checked_inputs()
        self._tell_changes(next(filter(None, last.values()), {}))
        self.seconds = {"hashing": time.perf_counter() - began}
        self.watch = measuring.Stopwatch()

    def write_records(self) -> None:
        """Write the record of every output; GolgiError where that fails, GaveWay to a job that took over."""
        self.require_turn()
        self.seconds |= self.watch.seconds()
        facts = {
            "rule": self.task.rule,
            "nonce": self.nonce,
            "inputs": _as_written(self.inputs),
            "params_sha256": _digest(self.params),
            "fingerprint": self.params.get("fingerprint"),
            "log": str(self.task.log[0]),
            "seconds": self.seconds,
            "peak_memory_mb": measuring.peak_memory_mb(),
            "gpu_memory_mb": measuring.gpu_memory_mb(),
            "device": measuring.device(),
            "started": self.watch.started,
            "threads": self.threads,
        }
        began = time.perf_counter()
        written = {output: _found(output) for output in self.outputs}
        self.seconds["hashing"] = round(self.seconds["hashing"] + time.perf_counter() - began, 3)
        with asking(self.permit):
            for output, what in written.items():
                write_json({"output": output, **what, **facts}, record_path(output))

    def has_turn(self) -> bool:
        """Tell whether no other job has begun to make the outputs since."""
        # The note of one output stands for all: of two jobs that begin at once, only one can have it.
        return not self.outputs or _read(min(self.outputs)).get("nonce", self.nonce) == self.nonce

    def require_turn(self) -> None:
        """Raise GaveWay where another job has begun to make the outputs."""
        if not self.has_turn():
            raise GaveWay(
                f"{min(self.outputs)} is made by another job, which began later. This one gives way."
            )

    def permit(self, path: Path) -> None:
        """Raise GaveWay where a path is, or lies in, an output or a record of it, and the turn is over."""
        if any(PurePosixPath(path).is_relative_to(place) for place in self.places):
            self.require_turn()

    def _write_note(self, output: str, inputs: Mapping[str, str]) -> None:
        note = {"output": output, "nonce": self.nonce, "inputs": _as_written(inputs)}
        # An older job must find the note before anything of its own is swept.
        try:
            write_json(note, record_path(output), sweep=False)
        except GaveWay:  # it wrote its record, and swept the note that had no name yet
            write_json(note, record_path(output), sweep=False)

    def _checked_inputs(self) -> dict[str, str]:
        inputs: dict[str, str] = {}
        for path in (*map(str, self.task.input), *_script()):
            inputs |= _checked(path, self.opened, self._study())
        return dict(sorted(inputs.items()))

    def _study(self) -> str:
        named = (PurePosixPath(path).parts for path in (*self.outputs, *map(str, self.task.input)))
        return next((parts[1] for parts in named if parts[0] == "results"), "STUDY")

    def _tell_changes(self, last: Mapping[str, str]) -> None:
        changed = [path for path, sha256 in self.inputs.items() if last.get(path, sha256) != sha256]
        weights = [path for path in changed if path.endswith(".safetensors") and _is_below(path, self.opened)]
        for path in weights:
            logger.warning(
                "the weights of %s changed since the last run (%s -> %s): %s",
                self._model(),
                *(short(inputs[path]) for inputs in (last, self.inputs)),
                path,
            )
        others = [path for path in changed if path not in weights]
        if others:
            logger.info("Changed since the last run: %s.", ", ".join(others))

    def _model(self) -> str:
        names = getattr(self.task, "wildcards", None)
        return f"{names.model} at {names.checkpoint}" if hasattr(names, "checkpoint") else self.opened


def _is_recorded(path: str) -> bool:
    return record_path(path) is not None and not any(fnmatch(path, one) for one in PASSING)


def _script() -> list[str]:
    """Return the script that runs, as the project has it; nothing where it is none of the workflow's."""
    # The workflow runs a copy, which is told the name of the script that it was copied from.
    running = Path(getattr(sys.modules["__main__"], "__file__", None) or "")
    script = Path(SCRIPTS, running.name)
    return [script.as_posix()] if script.is_file() and script.resolve() == running.resolve() else []


def _checked(path: str, opened: str | None, study: str) -> dict[str, str]:
    """Return the hash of every file of an input, after a look at its record."""
    part = opened if _is_below(opened, path) else path
    deadline = time.monotonic() + PATIENCE
    while True:
        found = recorded_files({"output": part, **_found(part)})
        wrong = _fault(path, part, found, study)
        if wrong is None:
            return found
        # On a network's disk a new file may be seen before its record, or the reverse.
        if time.monotonic() > deadline or not (begun(path) or _is_new(wrong[0])):
            raise GolgiError(wrong[1])
        time.sleep(POLL)


def _fault(path: str, part: str, found: Mapping[str, str], study: str) -> tuple[str, str] | None:
    """Return the file of an input that cannot be trusted, and why; None where all of it can."""
    record = read_record(path)
    if record is None:
        return (path, _half_made(path)) if begun(path) else None
    wrong = _first_difference(found, recorded_files(record), part)
    return wrong and (
        wrong,
        f"{wrong} is not what {record['rule']} wrote: it was altered or damaged since. "
        f"`golgi verify {study} --discard` removes what is damaged; the next run makes it again.",
    )


def _half_made(path: str) -> str:
    return (
        f"{path} may be half of what it should be: its job is at work, or died before its end. "
        "Where no job is at work on it, remove it; the next run makes it again."
    )


def _first_difference(found: Mapping[str, str], recorded: Mapping[str, str], part: str) -> str | None:
    there = {path for path in recorded if path == part or _is_below(path, part)}
    differing = (path for path in found.keys() | there if found.get(path) != recorded.get(path))
    return min(differing, default=None)


def _is_new(path: str) -> bool:
    return not Path(path).exists() or time.time() - Path(path).stat().st_mtime < NEW


def _found(path: str) -> dict[str, Any]:
    try:
        return content(path)
    except OSError as error:
        raise GolgiError(f"{path} cannot be read: {error.strerror}.") from error


def _is_below(path: str | None, folder: str | None) -> bool:
    return bool(path and folder) and path != folder and PurePosixPath(path).is_relative_to(folder)


def short(sha256: str) -> str:
    """Return the beginning of a hash, enough to tell two apart."""
    return sha256[:12]


def _as_written(inputs: Mapping[str, str]) -> dict[str, str]:
    return {as_written(path): sha256 for path, sha256 in inputs.items()}


def _digest(data: Any) -> str:
    plain = json.dumps(data, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()


def _read(output: str | Path) -> dict[str, Any]:
    path = record_path(output)
    try:
        record = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    if not _is_in_form(record) or record.get("output") != str(output):
        return {}
    return record | {"inputs": {expanded(path): sha256 for path, sha256 in record["inputs"].items()}}


def _is_in_form(record: Any) -> bool:
    """Tell whether something is a note, or a record with all that others ask of one."""
    inputs = record.get("inputs") if isinstance(record, dict) else None
    if not isinstance(inputs, dict) or not _are_text(*inputs.values()):
        return False
    if "rule" not in record:
        return True
    files = record["files"].values() if isinstance(record.get("files"), dict) else [record]
    return _are_text(*map(record.get, ("rule", "log", "started"))) and all(map(_has_sum, files))


def _has_sum(one: Any) -> bool:
    return isinstance(one, dict) and _are_text(one.get("sha256")) and isinstance(one.get("bytes"), int)


def _are_text(*values: Any) -> bool:
    return all(isinstance(value, str) for value in values)
