"""The tests that a study planned: one row for each, whatever table it stands in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from golgi.captions.claims import LEVEL, amount
from golgi.captions.wording import tested
from golgi.figures.rows import at_last, counted, share
from golgi.figures.style import SERIES

ACTED = {"force": "Forcing", "zero": "Zeroing", "mean_negative": "Setting to other sentences"}
CHANGED = {"rise": "raises", "fall": "lowers", None: "changes"}
OUTCOMES = {
    "occurs": ("the log-probability of the concept's word", "nats"),
    "generated": ("the share of continuations with the concept's word", "share"),
    "absent": ("the log-probability of the word where it does not occur", "nats"),
    "neutral": ("the loss on neutral text", "nats per token"),
}
# Their value is a share, not a difference: its interval says nothing of 0.
SHARES = ("polysemy_sharing", "graph_naming")
NAMED = {
    "fires": "fire on the word of their own concept",
    "mostly": "fire mostly on the word of their own concept",
}


@dataclass(frozen=True)
class Planned:
    """One planned test: what it asks, what was found, and whether that shows it."""

    model: str
    table: str
    says: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    number: str

    @property
    def found(self) -> str:
        """The value with its unit and interval: `.54 [.45, .63] Spearman's ρ`."""
        if self.value is None:
            return "undefined"
        return " ".join(filter(None, [amount(self.value), self.interval, self.unit]))

    @property
    def interval(self) -> str:
        """The 95 % interval in brackets; empty where there is none."""
        return "" if self.low is None else f"[{amount(self.low)}, {amount(self.high)}]"

    @property
    def tested(self) -> str:
        """The p-value, and that adjusted by Holm's method."""
        return tested({"p": self.p, "p_holm": self.p_holm})

    @property
    def shown(self) -> bool:
        """Whether the adjusted p-value is at most .05, and the interval of a difference leaves out 0."""
        significant = self.p_holm is not None and self.p_holm <= LEVEL
        return significant and (self.table in SHARES or self.low is None or self.low * self.high > 0)


def planned(frames: dict[str, pl.DataFrame]) -> list[Planned]:
    """Return the planned tests of all tables that have any, in the order of the report."""
    return [
        test for name, read in READERS.items() if name in frames for test in _of(name, read, frames[name])
    ]


def _of(name: str, read: Callable[[dict], tuple], table: pl.DataFrame) -> Iterator[Planned]:
    for row in table.filter(pl.col("family") == "planned").to_dicts():
        says, value, ends, unit, number = read(row)
        low, high = (None, None) if ends is None else (row[ends[0]], row[ends[1]])
        yield Planned(row["model"], name, says, row[value], unit, low, high, row["p"], row["p_holm"], number)


def _categories(row: dict) -> tuple:
    says = "Concepts of one category share more experts than concepts of two"
    number = f"{row['pairs_within']:,} + {counted(row['pairs_between'], 'pair')}"
    return says, "difference", ("low", "high"), "Jaccard overlap", number


def _hierarchy(row: dict) -> tuple:
    own = {
        "child_in_parent": "More of a concept's experts are its category's than other categories'",
        "parent_in_child": "More of a category's experts are its own concept's than another's",
    }
    says = own[row["direction"]] + ("" if row["parent"] == "pooled" else " (words named like categories)")
    return says, "difference", ("low", "high"), "share of experts", counted(row["concepts"], "concept")


def _tree(row: dict) -> tuple:
    says = "The tree that overlap makes of the concepts is like the lexicon's"
    return says, "correlation", None, "Pearson's r", counted(row["concepts"], "concept")


def _sharing(row: dict) -> tuple:
    says = "Concepts that share a unit are of one category more often than permuted ones"
    against = "" if row["expected"] is None else f", {share(row['expected'])} expected"
    ends = ("same_category_low", "same_category_high")
    return says, "same_category", ends, f"share of pairs{against}", counted(row["pairs"], "pair")


def _probes(row: dict) -> tuple:
    says = f"A probe of {counted(row['size'], 'unit')} tells concepts better than the best unit"
    return says, "gain", ("gain_low", "gain_high"), "average precision", counted(row["concepts"], "concept")


def _alignment(row: dict) -> tuple:
    says = f"Overlap of experts agrees with {row['reference']}"
    number = f"{counted(row['pairs'], 'pair')} of {counted(row['words'], 'word')}"
    return says, "rho", ("low", "high"), "Spearman's ρ", number


def _interventions(row: dict) -> tuple:
    outcome, unit = OUTCOMES[row["quantity"]]
    says = (
        f"{ACTED[row['action']]} the {row['size']:,} best experts {CHANGED[row['expected']]} {outcome} more "
        "than doing so to random units"
    )
    ends = ("difference_low", "difference_high")
    return says, "difference", ends, unit, counted(row["concepts"], "concept")


def _naming(row: dict) -> tuple:
    says = f"Graphs of experts {NAMED[row['how']]} more often than on another's"
    against = "" if row["other"] is None else f", {share(row['other'], 3)} on another's"
    return says, "named", ("low", "high"), f"share of experts{against}", counted(row["concepts"], "concept")


READERS: dict[str, Callable[[dict[str, Any]], tuple]] = {
    "categories": _categories,
    "hierarchy": _hierarchy,
    "hierarchy_tree": _tree,
    "polysemy_sharing": _sharing,
    "distributed": _probes,
    "alignment": _alignment,
    "graph_naming": _naming,
    "interventions": _interventions,
}


def alignment_rows(alignment: pl.DataFrame | None) -> list[dict]:
    """Return the planned rows of table `alignment`, each before the controls and baselines beside it."""
    if alignment is None:
        return []
    rows = []
    for test in alignment.filter(pl.col("family") == "planned").to_dicts():
        others = at_last(alignment.filter(pl.col("model") == test["model"])).filter(
            pl.col("family") != "planned",
            pl.col("reference") == test["reference"],
            pl.col("threshold").is_null() | (pl.col("threshold") == test["threshold"]),
            pl.col("measure").is_in(["jaccard", "cosine"]),
        )
        rows += [test, *_ordered(others)]
    return [row | {"name": SERIES[row["control"]].name} for row in rows]


def category_rows(categories: pl.DataFrame | None) -> list[dict]:
    """Return the planned rows of table `categories`, each before its controls at the same threshold."""
    if categories is None:
        return []
    rows = []
    for test in categories.filter(pl.col("family") == "planned").to_dicts():
        others = at_last(categories.filter(pl.col("model") == test["model"])).filter(
            pl.col("family") != "planned", pl.col("threshold") == test["threshold"]
        )
        rows += [test, *_ordered(others)]
    return [row | {"name": SERIES[row["control"]].name} for row in rows]


def _ordered(rows: pl.DataFrame) -> list[dict]:
    return sorted(rows.to_dicts(), key=lambda row: list(SERIES).index(row["control"]))
