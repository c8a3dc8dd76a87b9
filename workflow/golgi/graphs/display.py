"""What `golgi search` shows: the units that were asked for, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from golgi.errors import GolgiError
from golgi.graphs.lookup import no_unit, nodes_file, read_columns, unit_named, units_file, within
from golgi.graphs.search import UNIT, fires_on, like, needs_context, tokens_of
from golgi.graphs.texts import isolated, readable, word_of
from golgi.study.problems import did_you_mean

SHOWN_TOKENS = 6
BEST_FIRST = ["similarity", "activation", "importance", "count", "count_context"]


@dataclass(frozen=True)
class Question:
    """What is searched for: units that meet all of the conditions, among those of the scope."""

    fires_on: str | None = None
    context: str | None = None
    like: str | None = None  # LAYER.UNIT
    model: str | None = None
    checkpoint: str | None = None
    site: str | None = None

    def __str__(self) -> str:
        conditions = {"fire on": self.fires_on, "fire after": self.context, "are like": self.like}
        said = [f"{verb} `{thing}`" for verb, thing in conditions.items() if thing is not None]
        return " and ".join(said)


def search_page(results: str | Path, question: Question, *, limit: int = 20) -> Group:
    """Return the units of a study that answer a question, best first, at most `limit` of them.

    `results` is the study's folder. GolgiError where it has no graphs, and where nothing is found.
    """
    if question.fires_on is question.context is question.like is None:
        raise GolgiError("say what to look for: --fires-on TOKEN, --context TOKEN or --like LAYER.UNIT.")
    scope = {name: getattr(question, name) for name in ("model", "checkpoint", "site")}
    nodes = within(_read_nodes(nodes_file(results)), **scope)
    found = _answer(nodes, question)
    shown = found.head(limit)
    tokens = tokens_of(nodes.join(shown, on=UNIT, how="semi"))
    scores = _scores(units_file(results))
    for more in (tokens, scores):
        shown = shown.join(more, on=UNIT, how="left", maintain_order="left")
    said = f"{len(found):,} of {nodes.select(UNIT).n_unique():,} units {question}."
    if len(found) > limit:
        said += f" The first {limit} are shown; --limit shows more."
    return Group(Text(said), *_named(nodes, question), Text(), _table(shown))


def _read_nodes(path: Path) -> pl.DataFrame:
    # Nothing is asked about wildcards, and they are about half of the rows.
    columns = [*UNIT, "role", "token", "text", "importance", "count", "reach"]
    return read_columns(path, columns, pl.col("token").is_not_null())


def _answer(nodes: pl.DataFrame, question: Question) -> pl.DataFrame:
    answers = []
    if question.fires_on is not None:
        answers.append(_token_found(nodes, question.fires_on, "activating"))
    if question.context is not None:
        answers.append(_token_found(nodes, question.context, "context"))
    if question.like is not None:
        answers.append(_similar_found(nodes, question.like))
    found = answers[0]
    for answer in answers[1:]:
        found = found.join(answer, on=UNIT, suffix="_context")
    if found.is_empty():
        raise GolgiError(f"no units {question}, though some meet each of the conditions by itself.")
    nearest_first = [name for name in found.columns if name.startswith("closeness")]
    best_first = [name for name in BEST_FIRST if name in found.columns]
    descending = [name in best_first for name in (*nearest_first, *best_first, *UNIT)]
    return found.sort(*nearest_first, *best_first, *UNIT, descending=descending)


def _token_found(nodes: pl.DataFrame, text: str, role: str) -> pl.DataFrame:
    found = (fires_on if role == "activating" else needs_context)(nodes, text)
    if found.is_empty():
        said = "no unit fires on" if role == "activating" else "no unit fires after"
        texts = nodes.filter(pl.col("role") == role)["text"].drop_nulls().unique().to_list()
        raise GolgiError(f"{said} `{text}`.{_nearest(text, texts)}")
    return found


def _nearest(text: str, texts: Iterable[str]) -> str:
    return did_you_mean(word_of(readable(text)), sorted({word_of(known) for known in texts}))


def _similar_found(nodes: pl.DataFrame, name: str) -> pl.DataFrame:
    if nodes.filter(unit_named(name, "--like")).is_empty():
        raise no_unit(nodes, name)
    found = like(nodes, *map(int, name.split(".")))
    if found.is_empty():
        raise GolgiError(f"no unit shares an activating token with {name}.")
    return found


def _named(nodes: pl.DataFrame, question: Question) -> list[Text]:
    # What the others are compared with.
    if question.like is None:
        return []
    compared = tokens_of(nodes.filter(unit_named(question.like, "--like")))
    return [
        Text(f"{question.like} of {row['model']} at {row['checkpoint']}, {row['site']}: fires on ")
        .append_text(_tokens(row["activating"]))
        .append_text(Text("; after ") + _tokens(row["context"]) if row["context"] else Text())
        for row in compared.sort(UNIT).iter_rows(named=True)
    ]


def _scores(path: Path) -> pl.DataFrame:
    # Graphs can be searched before they are scored.
    if path.is_file():
        return read_columns(path, [*UNIT, "f1"])
    return pl.DataFrame(schema=dict.fromkeys(UNIT[:3], pl.String) | dict.fromkeys(UNIT[3:], pl.Int64))


def _table(found: pl.DataFrame) -> Table:
    table = Table()
    for heading in ("model", "checkpoint", "site"):
        table.add_column(heading, overflow="fold")
    table.add_column("unit", justify="right", no_wrap=True)
    table.add_column("fires on", overflow="fold", ratio=1)
    table.add_column("after", overflow="fold", ratio=1)
    measured = [name for name in ("similarity", "f1") if name in found.columns]
    for name in measured:
        table.add_column({"f1": "F1"}.get(name, name), justify="right")
    for row in found.iter_rows(named=True):
        table.add_row(
            *(Text(readable(row[name])) for name in ("model", "checkpoint", "site")),
            f"{row['layer']}.{row['unit']}",
            *(_tokens(row[role]) for role in ("activating", "context")),
            *("" if row[name] is None else f"{row[name]:.2f}" for name in measured),
        )
    return table


def _tokens(texts: list[str] | None) -> Text:
    # Readable since they were indexed; the tables may be a stranger's.
    shown = [isolated(readable(text)) for text in (texts or [])[:SHOWN_TOKENS]]
    left = len(texts or []) - len(shown)
    return Text("  ".join(shown) + (f"  and {left} more" if left else ""))
