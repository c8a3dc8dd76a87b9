"""What a look at a study has found, as a page for the terminal."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from golgi.errors import plain
from golgi.provenance.discarding import discardable
from golgi.provenance.verifying import ALTERED, MISSING, STALE, UNFINISHED, UNRECORDED, Fault, Verdict

SHOWN = 5  # files of one cause
LONGEST = 120  # characters of a value
UNITS = ("B", "kB", "MB", "GB", "TB")
HIDDEN = {STALE: ", which its time stamp does not show", MISSING: ", and no run would make it"}
ORDER = (ALTERED, MISSING, UNFINISHED, UNRECORDED, STALE)


def verdict_page(verdict: Verdict, *, spec: str, planned: bool = True) -> Group:
    """Return faults with their causes, changes of the spec, what to do, and one line that sums it up.

    `spec` is what the user calls the study; `planned` says whether its plan is known, or its records alone.
    """
    parts = []
    if verdict.faults:
        parts += [_faults(verdict.faults), Text()]
    if verdict.changes:
        parts += [_changes(verdict), Text()]
    removable = discardable(verdict)
    if removable:
        parts += [_removable(removable), Text()]
    if not planned:
        parts += [Text("No spec of this name is known: only what the records tell was looked at."), Text()]
    remedies = _remedies(verdict, spec, removable)
    return Group(*parts, *remedies, Text(_summary(verdict), style="bold"))


def size(number: float) -> str:
    """Return a number of bytes as it is read.

    >>> size(0), size(1234), size(5_600_000)
    ('0 B', '1.2 kB', '5.6 MB')
    """
    unit = 0
    while number >= 1000 and unit < len(UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.0f} B" if unit == 0 else f"{number:.1f} {UNITS[unit]}"


def _faults(faults: list[Fault]) -> Table:
    table = Table(title_justify="left", show_lines=False)
    table.add_column("", no_wrap=True)
    table.add_column("files", overflow="fold")
    table.add_column("why", overflow="fold")
    for (kind, cause), paths in sorted(_grouped(faults).items(), key=lambda item: ORDER.index(item[0][0])):
        more = [f"and {len(paths) - SHOWN} more"] if len(paths) > SHOWN else []
        table.add_row(kind, Text(plain("\n".join([*paths[:SHOWN], *more]))), Text(plain(cause)))
    return table


def _grouped(faults: list[Fault]) -> dict[tuple[str, str], list[str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for fault in faults:
        hidden = HIDDEN[fault.kind] if fault.unseen else ""
        groups.setdefault((fault.kind, fault.cause + hidden), []).append(fault.path)
    return groups


def _changes(verdict: Verdict) -> Table:
    table = Table(title="The spec has changed since the study was finished", title_justify="left")
    for heading in ("field", "then", "now"):
        table.add_column(heading, overflow="fold")
    for change in verdict.changes:
        table.add_row(Text(plain(change.field)), _value(change.old), _value(change.new))
    return table


def _removable(outputs: dict[str, int]) -> Table:
    """Return all of them: nobody should have to agree to `and 12 more`."""
    table = Table(title="What --discard removes", title_justify="left")
    table.add_column("output", overflow="fold")
    table.add_column("size", justify="right", no_wrap=True)
    for output, number in outputs.items():
        table.add_row(Text(plain(output)), size(number))
    return table


def _value(value: Any) -> Text:
    text = "-" if value is None else json.dumps(value, ensure_ascii=False)
    return Text(plain(text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."))


def _remedies(verdict: Verdict, spec: str, removable: dict[str, int]) -> list[Text]:
    kinds = {fault.kind for fault in verdict.faults}
    run = f"--config studies={spec}"
    lines = []
    if removable:
        what = f"{len(removable)} outputs ({size(sum(removable.values()))})"
        lines.append(
            f"golgi verify {spec} --discard: removes {what} that a run would trust although they are damaged "
            "or out of date, with all that the same jobs wrote."
        )
    if verdict.changes or kinds & {STALE, MISSING, UNFINISHED}:
        lines.append(f"snakemake --dry-run {run}: lists the jobs that are to be run.")
    if any(fault.kind == MISSING and not fault.unseen for fault in verdict.faults):
        lines.append(f"snakemake {run} FILE: makes one that is missing and that nothing else needs.")
    if UNRECORDED in kinds:
        lines.append("What has no record: remove it, and run again.")
    return [Text(line) for line in lines]


def _summary(verdict: Verdict) -> str:
    counts = [(sum(fault.kind == kind for fault in verdict.faults), kind) for kind in ORDER]
    told = [f"{count} {kind}" for count, kind in counts if count]
    told += [f"{verdict.downstream} more made from stale ones"] if verdict.downstream else []
    told += [f"{len(verdict.changes)} fields of the spec changed"] if verdict.changes else []
    found = ", ".join(told) or "all in order"
    left = f"; {verdict.left_out} files left out of the archive" if verdict.left_out else ""
    left += f"; {verdict.leftovers} files that the study does not know" if verdict.leftovers else ""
    return f"{verdict.study}: {found}. {verdict.checked} files read, {size(verdict.bytes)}{left}."
