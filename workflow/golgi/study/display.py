"""The plan of a study as a page for the terminal."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from golgi.study.costs import CPU_RATE_PER_THREAD, GPU_RATE
from golgi.study.estimate import TOKENS_PER_SENTENCE, Estimate, estimate
from golgi.study.needs import NEEDS, gpus, memory_mb
from golgi.study.plan import Study
from golgi.study.shards import asked_minutes, count_submissions
from golgi.study.writing_display import counted, in_hours, or_unknown, writing_part


def plan_page(study: Study, answered: tuple[int, int] | None = None) -> Group:
    """Return the work of a study as tables: sentences, models, jobs, and what the numbers rest on.

    `answered` says how many of the first requests to the study's writer its transcripts answer, of how many.
    """
    work = estimate(study)
    heading = Text(f"{study.name}: {study.spec['title']}", style="bold")
    graphs = [_graphs(study, work), Text()] if work.graphs else []
    analyses = [_analyses(study, work), Text()] if work.analyses else []
    writing = [*writing_part(study, work.writing, answered), Text()] if work.writing else []
    models, jobs, footing = _models(study, work), _jobs(study, work), _footing(study, work)
    return Group(heading, Text(), *writing, models, Text(), *analyses, *graphs, jobs, Text(), footing)


def _models(study: Study, work: Estimate) -> Table:
    table = Table(title="Models", title_justify="left", caption_justify="left")
    table.add_column("model", overflow="fold")
    for heading in ("checkpoints", "parameters", "units", "tokens read", "disk", "memory", _time(study)):
        table.add_column(heading, justify="right")
    for one in work.models:
        table.add_row(
            one.model,
            str(one.checkpoints),
            or_unknown(counted, one.shape and one.shape.parameters),
            or_unknown(counted, one.units),
            counted(one.tokens),
            or_unknown(_bytes, one.disk),
            or_unknown(_bytes, one.memory),
            or_unknown(in_hours, one.hours),
        )
    return table


def _analyses(study: Study, work: Estimate) -> Table:
    table = Table(title="Analyses, beside that", title_justify="left")
    table.add_column("analysis")
    table.add_column("model", overflow="fold")
    for heading in ("tokens read", "disk", "memory", "hours"):
        table.add_column(heading, justify="right")
    for one in work.analyses:
        disk, memory = or_unknown(_bytes, one.disk), or_unknown(_bytes, one.memory)
        hours = or_unknown(in_hours, one.hours)
        table.add_row(one.analysis, one.model, counted(one.tokens), disk, memory, hours)
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
            or_unknown(counted, one.units),
            or_unknown(counted, one.tokens),
            or_unknown(_bytes, one.disk),
            or_unknown(_bytes, one.memory),
            or_unknown(in_hours, one.hours),
        )
    return table


def _time(study: Study) -> str:
    return "GPU hours" if study.gpu else "hours"


def _jobs(study: Study, work: Estimate) -> Table:
    table = Table(title=_jobs_title(study, work), title_justify="left")
    table.add_column("rule")
    for heading in ("jobs", "minutes asked", "memory asked", "GPU"):
        table.add_column(heading, justify="right")
    for name, rules in _together(work.jobs).items():
        asked = [(rule, model) for rule in rules for model in NEEDS[rule].models(study, rule)]
        minutes = _range([asked_minutes(study, rule, model) for rule, model in asked])
        memory = _range([memory_mb(study, rule, model) / 1e3 for rule, model in asked])
        gpu = max(gpus(study, rule) for rule in rules)
        jobs = sum(work.jobs[rule] for rule in rules)
        table.add_row(name, str(jobs), minutes, f"{memory} GB", str(gpu or ""))
    return table


def _jobs_title(study: Study, work: Estimate) -> str:
    total, sent = sum(work.jobs.values()), count_submissions(study, work.jobs)
    return f"Jobs: {total:,}; a cluster is sent {sent:,}, for short ones share one"


def _together(jobs: dict[str, int]) -> dict[str, list[str]]:
    """Rules in one row each, but those that gather and those that draw."""
    rows: dict[str, list[str]] = {}
    for rule in jobs:
        alike = next((kind for kind in ("gather", "draw") if rule.startswith(f"{kind}_")), None)
        named = {"gather": "gather_* (tables)", "draw": "draw_* (figures)", None: rule}[alike]
        rows.setdefault(rule if rule == "draw_graphs" else named, []).append(rule)
    return rows


def _range(numbers: list[float]) -> str:
    low, high = (
        f"{number:,.3g}" if number < 100 else f"{number:,.0f}" for number in (min(numbers), max(numbers))
    )
    return low if low == high else f"{low} to {high}"


def _footing(study: Study, work: Estimate) -> Text:
    if study.gpu:
        full, half = (GPU_RATE[dtype] / 1e12 for dtype in ("float32", "float16"))
        speed = f"{full:.0f} TFLOP/s in float32, {half:.0f} in half precision"
    else:
        speed = f"{CPU_RATE_PER_THREAD * study.threads / 1e9:.0f} GFLOP/s ({study.threads} threads)"
    return Text(
        f"{work.sentences:,} sentences for {len(study.concepts)} concepts; {counted(work.tokens)} tokens.\n"
        f"Reckoned with {TOKENS_PER_SENTENCE} tokens a sentence and {speed}.\n"
        "Good to a factor of about three; `?` is not known before the download.\n"
        f"{_unknown_layers(study)}"
        "What jobs ask of a cluster leaves room beside that, and doubles when one is tried again.\n"
        f"Most of the disk is what every unit answered to every sentence: {study.results}/responses."
    )


def _unknown_layers(study: Study) -> str:
    known_later = bool(study.unknown_layers())
    return "Of layers that are not known before the download, one is counted.\n" if known_later else ""


def _bytes(number: float) -> str:
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number / 1e3:.3g} kB"
