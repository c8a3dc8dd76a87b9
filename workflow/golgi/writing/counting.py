"""What came of writing, as tables and as facts: replies, sentences by verdict, tokens and their price."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from golgi.study.writing import cost
from golgi.tables import table_schema
from golgi.writing.demand import Demand
from golgi.writing.parsing import Drawn

# The gates in their order, and what passed them all.
VERDICTS = (
    "short",
    "long",
    "unnamed",
    "subtype",
    "other_concept",
    "language",
    "repeated",
    "similar",
    "swapped",
    "kept",
)
SUMS = ("refusals", "cuts", "prompt_tokens", "completion_tokens", "sentences")
Price = dict[str, float] | None


def replies_frame(drawn: Iterable[Drawn]) -> pl.DataFrame:
    """Return the table `replies`: a row for each reply of each round."""
    return _frame([_reply_row(one) for one in drawn], "replies")


def written_frame(rows: Iterable[Any]) -> pl.DataFrame:
    """Return the table `written` from the rows of the sieve: every sentence with its verdict."""
    fields = ("round", "concept", "kind", "draw", "item", "text", "verdict", "detail")
    rows = ({name: getattr(row, name) for name in fields} | {"reply": row.key} for row in rows)
    return _frame(list(rows), "written")


def writing_frame(
    demands: Sequence[Demand], replies: pl.DataFrame, written: pl.DataFrame, *, price: Price
) -> pl.DataFrame:
    """Return the table `writing`: requests, replies, sentences by verdict and what is missing, by demand.

    `replies` and `written` are those tables; `price` that of a million tokens, `input` and `output`.
    """
    sums, verdicts = _sums(replies), _verdicts(written)
    index = {name: number for number, name in enumerate(dict.fromkeys(one.concept.name for one in demands))}
    rows = []
    for demand in demands:
        place = (demand.concept.name, demand.kind)
        kept = verdicts[place]["kept"]
        rows.append(
            {
                "index": index[demand.concept.name],
                "concept": demand.concept.name,
                "category": demand.concept.category,
                "kind": demand.kind,
                "wanted": demand.wanted,
                "requests": demand.made,
                "most_requests": demand.most,
                **{name: sums[place][name] for name in SUMS},
                "cost": cost(price, sums[place]["prompt_tokens"], sums[place]["completion_tokens"]),
                **{verdict: verdicts[place][verdict] for verdict in VERDICTS},
                "missing": max(demand.wanted - kept, 0),
            }
        )
    return _frame(rows, "writing")


def totals(writing: pl.DataFrame, *, rounds: int, price: Price) -> dict[str, Any]:
    """Return the sums of a table `writing` as plain data: requests, sentences by verdict, tokens and cost."""
    names = ("wanted", "requests", "most_requests", *SUMS, *VERDICTS, "missing")
    sums = {name: int(writing[name].sum()) for name in names}
    return {
        "rounds": rounds,
        **{name: sums[name] for name in ("requests", "most_requests", "refusals", "cuts")},
        "tokens": {"prompt": sums["prompt_tokens"], "completion": sums["completion_tokens"]},
        "cost": cost(price, sums["prompt_tokens"], sums["completion_tokens"]),
        "sentences": {name: sums[name] for name in ("wanted", "missing")}
        | {"found": sums["sentences"], "verdicts": {verdict: sums[verdict] for verdict in VERDICTS}},
    }


def names_given(drawn: Iterable[Drawn]) -> list[dict[str, Any]]:
    """Return what the writer called itself, `model` and `fingerprint`, and in how many replies."""
    names = Counter((one.reply.model, one.reply.fingerprint) for one in drawn)
    return [
        {"model": model, "fingerprint": fingerprint, "replies": number}
        for (model, fingerprint), number in sorted(names.items())
    ]


def _reply_row(drawn: Drawn) -> dict[str, Any]:
    number, request, reply, parsed = drawn
    return {
        "round": number,
        "concept": request.concept,
        "kind": request.kind,
        "draw": request.draw,
        "reply": request.key,
        "sha256": reply.sha256,
        "finish": reply.finish,
        "refused": parsed.refused or reply.finish == "refused",
        "cut": parsed.cut,
        "preambles": parsed.preambles,
        "sentences": len(parsed.items),
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "model": reply.model,
        "fingerprint": reply.fingerprint,
    }


def _frame(rows: list[dict[str, Any]], schema: str) -> pl.DataFrame:
    # Named even where there are no rows.
    columns = [column["name"] for column in table_schema(schema)["columns"]]
    return pl.DataFrame(rows, schema=None if rows else columns, infer_schema_length=None)


def _sums(replies: pl.DataFrame) -> dict[tuple[str, str], Counter]:
    sums: dict[tuple[str, str], Counter] = defaultdict(Counter)
    counted = {"refused": "refusals", "cut": "cuts"}
    for row in replies.iter_rows(named=True):
        for name in ("refused", "cut", "prompt_tokens", "completion_tokens", "sentences"):
            sums[row["concept"], row["kind"]][counted.get(name, name)] += int(row[name])
    return sums


def _verdicts(written: pl.DataFrame) -> dict[tuple[str, str], Counter]:
    verdicts: dict[tuple[str, str], Counter] = defaultdict(Counter)
    for concept, kind, verdict in written.select("concept", "kind", "verdict").iter_rows():
        verdicts[concept, kind][verdict] += 1
    return verdicts
