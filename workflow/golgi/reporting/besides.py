"""What stands beside a result that is no control of the study: baselines, wrong parents, random units."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from golgi.captions.claims import amount
from golgi.figures.rows import at_last, at_studied, at_threshold, counted
from golgi.figures.style import BASELINES, METHODS, SERIES
from golgi.reporting.planned import ACTED, OUTCOMES

# What a planned test compares with: whether it is reached is said there.
TESTED = ("other categories", "permuted categories", "another concept's", "random units")
CEILING = "people with each other"


@dataclass(frozen=True)
class Beside:
    """A number of one model, and one that it is compared with: `above` where the first is surely beyond."""

    model: str
    table: str
    says: str
    value: str
    against: str
    other: str
    above: bool


def beside_rows(frames: dict[str, pl.DataFrame], threshold: float) -> list[Beside]:
    """Return each model's comparisons at its last checkpoint, as far as the study has the tables."""
    return [row for name, read in READERS.items() if name in frames for row in read(frames[name], threshold)]


def _hierarchy(table: pl.DataFrame, threshold: float) -> Iterator[Beside]:
    rows = at_last(at_threshold(table, threshold)).filter(
        pl.col("control") == "measured", pl.col("parent") == "pooled", pl.col("own").is_not_null()
    )
    says = {
        "child_in_parent": "Share of a concept's experts that its category has",
        "parent_in_child": "Share of a category's experts that its concept has",
    }
    for row in rows.to_dicts():
        own, wrong = amount(row["own"]), amount(row["wrong"])
        above = row["low"] is not None and row["low"] > 0
        named = says[row["direction"]]
        yield Beside(row["model"], "hierarchy", named, own, "other categories", wrong, above)


def _sharing(table: pl.DataFrame, threshold: float) -> Iterator[Beside]:
    rows = at_last(at_threshold(table, threshold)).filter(
        pl.col("control") == "measured", pl.col("same_category").is_not_null()
    )
    for row in rows.to_dicts():
        ends = f"[{amount(row['same_category_low'])}, {amount(row['same_category_high'])}]"
        value, other = f"{amount(row['same_category'])} {ends}", amount(row["expected"])
        above = row["same_category_low"] > row["expected"]
        says = "Share of one category among concepts of one unit"
        yield Beside(row["model"], "polysemy_sharing", says, value, "permuted categories", other, above)


def _alignment(table: pl.DataFrame, threshold: float) -> Iterator[Beside]:
    for (model, reference), part in table.group_by(["model", "reference"], maintain_order=True):
        last = at_studied(part)
        own = at_threshold(last, threshold).filter(
            pl.col("control") == "measured", pl.col("measure") == "jaccard", pl.col("rho").is_not_null()
        )
        for row in own.to_dicts():
            ends = "" if row["low"] is None else f" [{amount(row['low'])}, {amount(row['high'])}]"
            says, value = f"Alignment with {reference}, ρ", amount(row["rho"]) + ends
            for name in BASELINES:
                for rho in last.filter(pl.col("control") == name)["rho"].drop_nulls():
                    above = row["low"] is not None and row["low"] > rho
                    against = f"{SERIES[name].name}s"
                    yield Beside(model, "alignment", says, value, against, amount(rho), above)
            if row["ceiling"] is not None:
                above = row["low"] is not None and row["low"] > row["ceiling"]
                yield Beside(model, "alignment", says, value, CEILING, amount(row["ceiling"]), above)


def _graphs(table: pl.DataFrame, threshold: float) -> Iterator[Beside]:
    rows = at_studied(table).filter(
        pl.col("measure") == "f1", pl.col("text") == "test", pl.col("windows") == "random"
    )
    for (model, site), part in rows.group_by(["model", "site"], maintain_order=True):
        deepest = part.filter(pl.col("layer") == part["layer"].max(), pl.col("mean").is_not_null())
        for row in deepest.filter(pl.col("method") == "graph").to_dicts():
            ends = "" if row["low"] is None else f" [{amount(row['low'])}, {amount(row['high'])}]"
            says, value = f"F1 of graphs, {site} {row['layer']}, random windows", amount(row["mean"]) + ends
            others = deepest.filter(pl.col("method") != "graph").to_dicts()
            for other in sorted(others, key=lambda other: list(METHODS).index(other["method"])):
                above = row["low"] is not None and row["low"] > other["mean"]
                name = METHODS[other["method"]].name
                yield Beside(model, "graph_layers", says, value, name, amount(other["mean"]), above)


def _naming(table: pl.DataFrame, threshold: float) -> Iterator[Beside]:
    ways = {
        "fires": "Graphs that fire on their own concept's word",
        "mostly": "Graphs that fire mostly on their own concept's word",
    }
    rows = at_studied(table).filter(pl.col("how").is_in(list(ways)), pl.col("named").is_not_null())
    for row in sorted(rows.to_dicts(), key=lambda row: (row["model"], list(ways).index(row["how"]))):
        if row["other"] is not None:
            ends = "" if row["low"] is None else f" [{amount(row['low'])}, {amount(row['high'])}]"
            above = row["low"] is not None and row["low"] > row["other"]
            value, other = amount(row["named"]) + ends, amount(row["other"])
            yield Beside(
                row["model"], "graph_naming", ways[row["how"]], value, "another concept's", other, above
            )


def _interventions(table: pl.DataFrame, threshold: float) -> Iterator[Beside]:
    studied = at_studied(table).filter(pl.col("quantity") == "occurs")
    sizes = studied.filter(pl.col("family") == "planned")["size"]
    size = sizes.max() if sizes.len() else studied["size"].max()
    rows = studied.filter(pl.col("size") == size, pl.col("effect").is_not_null())
    for (model, action), part in rows.group_by(["model", "action"], maintain_order=True):
        effects = dict(part.select("units", "effect").rows())
        for row in part.filter(pl.col("units") == "top").to_dicts():
            acted = f"by {ACTED[action].lower()} the {counted(size, 'best unit')}"
            says = f"Change of {OUTCOMES['occurs'][0]} {acted}, nats"
            value = f"{amount(row['effect'])} [{amount(row['low'])}, {amount(row['high'])}]"
            for units, gap in (("random", "difference"), ("next", "over_next")):
                if units in effects:
                    above = _beyond(row, gap)
                    yield Beside(
                        model, "interventions", says, value, f"{units} units", amount(effects[units]), above
                    )


def _beyond(row: dict, gap: str) -> bool:
    """Whether the difference lies where it is expected, with all of its interval."""
    low, high = row[f"{gap}_low"], row[f"{gap}_high"]
    if low is None:
        return False
    return {"fall": high < 0, "rise": low > 0, None: low * high > 0}[row["expected"]]


READERS: dict[str, Callable[[pl.DataFrame, float], Iterator[Beside]]] = {
    "hierarchy": _hierarchy,
    "polysemy_sharing": _sharing,
    "alignment": _alignment,
    "graph_layers": _graphs,
    "graph_naming": _naming,
    "interventions": _interventions,
}
