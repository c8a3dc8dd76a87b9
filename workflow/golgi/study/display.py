"""The plan of a study as a page for the terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Group
from rich.table import Table
from rich.text import Text

from golgi.study.costs import CPU_RATE_PER_THREAD, GPU_RATE
from golgi.study.estimate import TOKENS_PER_SENTENCE, Estimate, estimate
from golgi.study.plan import Study


def plan_page(study: Study) -> Group:
    """Return the work of a study as tables: models, jobs, and what the numbers rest on."""
    work = estimate(study)
    heading = Text(f"{study.name}: {study.spec['title']}", style="bold")
    graphs = [_graphs(study, work), Text()] if work.graphs else []
    analyses = [_analyses(study, work), Text()] if work.analyses else []
    models, jobs, footing = _models(study, work), _jobs(work), _footing(study, work)
    return Group(heading, Text(), models, Text(), *analyses, *graphs, jobs, Text(), footing)


def _models(study: Study, work: Estimate) -> Table:
    table = Table(title="Models", title_justify="left", caption_justify="left")
    table.add_column("model", overflow="fold")
    for heading in ("checkpoints", "parameters", "units", "tokens read", "disk", "memory", _time(study)):
        table.add_column(heading, justify="right")
    for one in work.models:
        table.add_row(
            one.model,
            str(one.checkpoints),
            _or_unknown(_count, one.shape and one.shape.parameters),
            _or_unknown(_count, one.units),
            _count(one.tokens),
            _or_unknown(_bytes, one.disk),
            _or_unknown(_bytes, one.memory),
            _or_unknown(_hours, one.hours),
        )
    return table


def _analyses(study: Study, work: Estimate) -> Table:
    table = Table(title="Analyses, beside that", title_justify="left")
    table.add_column("analysis")
    table.add_column("model", overflow="fold")
    for heading in ("tokens read", "disk", "memory", "hours"):
        table.add_column(heading, justify="right")
    for one in work.analyses:
        disk, memory = _or_unknown(_bytes, one.disk), _or_unknown(_bytes, one.memory)
        hours = _or_unknown(_hours, one.hours)
        table.add_row(one.analysis, one.model, _count(one.tokens), disk, memory, hours)
    return table


def _graphs(study: Study, work: Estimate) -> Table:
    table = Table(title="Neuron graphs, beside that", title_justify="left")
    table.add_column("model", overflow="fold")
    for heading in ("checkpoints", "units, at most", "tokens read", "disk", "memory", _time(study)):
        table.add_column(heading, justify="right")
    for one in work.graphs:
        table.add_row(
            one.model,
            str(one.checkpoints),
            _or_unknown(_count, one.units),
            _or_unknown(_count, one.tokens),
            _or_unknown(_bytes, one.disk),
            _or_unknown(_bytes, one.memory),
            _or_unknown(_hours, one.hours),
        )
    return table


def _time(study: Study) -> str:
    return "GPU hours" if study.gpu else "hours"


def _jobs(work: Estimate) -> Table:
    table = Table(title=f"Jobs: {sum(work.jobs.values())}", title_justify="left")
    table.add_column("rule")
    table.add_column("jobs", justify="right")
    drawn = sum(number for rule, number in work.jobs.items() if rule.startswith("draw_"))
    gathered = sum(number for rule, number in work.jobs.items() if rule.startswith("gather_"))
    for rule, number in work.jobs.items():
        if not rule.startswith(("draw_", "gather_", "write_report")):
            table.add_row(rule, str(number))
    table.add_row("gather_* (tables)", str(gathered))
    table.add_row("draw_* (figures)", str(drawn))
    table.add_row("write_report", str(work.jobs["write_report"]))
    return table


def _footing(study: Study, work: Estimate) -> Text:
    if study.gpu:
        full, half = (GPU_RATE[dtype] / 1e12 for dtype in ("float32", "float16"))
        speed = f"{full:.0f} TFLOP/s in float32, {half:.0f} in half precision"
    else:
        speed = f"{CPU_RATE_PER_THREAD * study.threads / 1e9:.0f} GFLOP/s ({study.threads} threads)"
    return Text(
        f"{work.sentences:,} sentences for {len(study.concepts)} concepts; {_count(work.tokens)} tokens.\n"
        f"Reckoned with {TOKENS_PER_SENTENCE} tokens a sentence and {speed}.\n"
        "Good to a factor of about three; `?` is not known before the download.\n"
        f"{_unknown_layers(study)}"
        f"Most of the disk is what every unit answered to every sentence: {study.results}/responses."
    )


def _unknown_layers(study: Study) -> str:
    known_later = bool(study.unknown_layers())
    return "Of layers that are not known before the download, one is counted.\n" if known_later else ""


def _or_unknown(show: Callable, value: float | None) -> str:
    return "?" if value is None else show(value)


def _count(number: float) -> str:
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            return f"{number / (1e3 if letter == 'k' else size):.3g} {letter}"
    return f"{number:,.0f}"


def _bytes(number: float) -> str:
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number / 1e3:.3g} kB"


def _hours(hours: float) -> str:
    return f"{hours:.1f}" if hours >= 0.1 else "< 0.1"
