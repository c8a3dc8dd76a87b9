"""What having sentences written costs, as a part of the plan; and how numbers are shown there."""

from __future__ import annotations

from collections.abc import Callable

from rich.table import Table
from rich.text import Text

from golgi.study.plan import Study
from golgi.study.writing import TOKENS_PER_ITEM
from golgi.study.writing_estimate import CHARACTERS_PER_TOKEN, SERVER_RATE, SERVER_WAIT, WritingWork


def writing_part(
    study: Study, work: tuple[WritingWork, WritingWork], answered: tuple[int, int] | None
) -> list[Table | Text]:
    """Return a table of the writer's work, at least and at most, and what is to be said of it."""
    table = Table(title=f"Sentences, written by {_writer(study)}", title_justify="left")
    table.add_column("")
    for heading in ("requests", "tokens of prompts", "tokens of replies", "cost", _time(study)):
        table.add_column(heading, justify="right")
    for name, one in zip(("if all are kept", "at most"), work, strict=True):
        table.add_row(
            name,
            counted(one.requests),
            counted(one.prompt_tokens),
            counted(one.reply_tokens),
            "" if one.cost is None else _money(one.cost),
            or_unknown(in_hours, one.seconds and one.seconds / 3600),
        )
    return [table, Text("\n".join(_words(study, work, answered)))]


def _words(
    study: Study, work: tuple[WritingWork, WritingWork], answered: tuple[int, int] | None
) -> list[str]:
    wanted, llm = study.wanted_sentences(), study.llm
    lines = [
        f"{wanted['fact']} facts and {wanted['story']} stories of each of {len(study.concepts)} concepts, "
        f"{llm['per_request']} in a request; what the gates leave out is asked for again.",
        f"Every reply is kept in {study.transcript}; nothing is asked twice.",
    ]
    if answered:
        lines[-1] += f" Of the first {answered[1]:,} requests {answered[0]:,} are answered there already."
    if study.writer_kind == "server":
        rates = f", {SERVER_RATE:.0f} tokens a second and {SERVER_WAIT:.0f} second of waiting a request"
        lines.append(f"At most {llm['writer']['in_flight']} requests are under way at a time.{_price(study)}")
    else:
        rates = ""
    reckoned = f"Reckoned with {CHARACTERS_PER_TOKEN} characters a token of prompts, {TOKENS_PER_ITEM} tokens"
    return [*lines, f"{reckoned} a sentence{rates}."]


def _writer(study: Study) -> str:
    writer = study.llm["writer"]
    if study.writer_kind == "server":
        return f"{writer['model']} at {writer['server']}"
    return f"{writer['hub']} ({writer['revision']})" if "hub" in writer else writer["directory"]


def _price(study: Study) -> str:
    price = study.llm["writer"]["price"]
    if price is None:
        return " Without `price`, no cost is reckoned."
    return f" A million tokens cost {price['input']:g} in and {price['output']:g} out."


def _time(study: Study) -> str:
    return "GPU hours" if study.writer_gpu else "hours"


def _money(cost: float) -> str:
    return f"{cost:,.2f}" if cost >= 0.01 or not cost else "< 0.01"


def or_unknown(show: Callable, value: float | None) -> str:
    """Return a value as `show` shows it, or `?` where it is not known."""
    return "?" if value is None else show(value)


def counted(number: float) -> str:
    """Return a number to three digits.

    >>> counted(9600), counted(124_800), counted(11.8e9)
    ('9,600', '125 k', '11.8 G')
    """
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            return f"{number / (1e3 if letter == 'k' else size):.3g} {letter}"
    return f"{number:,.0f}"


def in_hours(hours: float) -> str:
    """Return hours to a tenth."""
    return f"{hours:.1f}" if hours >= 0.1 else "< 0.1"
