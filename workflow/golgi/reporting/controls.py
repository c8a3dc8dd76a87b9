"""What each control gave, beside what was measured: the numbers that a claim has to be seen with."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from golgi.captions.claims import amount
from golgi.figures.rows import at_last, at_threshold, controls, jaccard, mean_experts
from golgi.figures.style import CONTROLS, SERIES

Frames = dict[str, pl.DataFrame]
MEANINGS = {
    "untrained": (
        "The same architecture with seeded random weights. What it shows too is architecture and token "
        "identity, not learning."
    ),
    "rotated": (
        "The same activations in a random orthogonal basis, before pooling. What it shows too does not need "
        "the basis of neurons."
    ),
    "shuffled": "Labels of the sentences permuted. What it shows is what chance gives.",
    "word": (
        "Each sentence without its own concept's word, positives and negatives alike, so that the mask "
        "itself cannot separate them. What is lost here was about the word, not the concept."
    ),
}


@dataclass(frozen=True)
class Row:
    """A number of one model, with its interval, and the same of each control that has it.

    `reached` names the controls that the interval, or without one the number, does not exclude from below.
    """

    model: str
    table: str
    says: str
    value: float | None
    low: float | None
    high: float | None
    others: dict[str, float | None]

    @property
    def reached(self) -> list[str]:
        """Controls as high as the lower end of the interval, or as the number where there is none."""
        floor = self.value if self.low is None else self.low
        known = {name: value for name, value in self.others.items() if value is not None}
        return [] if floor is None else [name for name, value in known.items() if value >= floor]

    @property
    def interval(self) -> str:
        """The 95 % interval in brackets; empty where there is none."""
        return "" if self.low is None else f"[{amount(self.low)}, {amount(self.high)}]"

    @property
    def measured(self) -> str:
        """The number as text."""
        return shown(self.value)

    def beside(self, control: str) -> str:
        """Return the number of a control as text: empty where the control has none."""
        return shown(self.others[control]) if control in self.others else ""


def shown(value: float | None) -> str:
    """Return a number as text, `undefined` where it is none, and no digits after a zero."""
    if value is None:
        return "undefined"
    return amount(value) if value else "0"


def meanings(frames: Frames) -> list[tuple[str, str, str]]:
    """Return key, name and meaning of each control that some table holds."""
    present = {name for frame in frames.values() if "control" in frame.columns for name in frame["control"]}
    return [(name, SERIES[name].name, MEANINGS[name]) for name in CONTROLS if name in present]


def control_rows(frames: Frames, threshold: float) -> list[Row]:
    """Return what was measured at each model's last checkpoint and the threshold, beside its controls.

    Each row is one number of one model: experts, their overlap, hierarchy, polysemy, probes, alignment, as
    far as the study has the tables.
    """
    found = []
    for name, read in READERS.items():
        if name in frames and not frames[name].is_empty():
            found += _rows(name, read(frames[name], threshold))
    has_intervals = any(row.table == "dynamics" for row in found)
    return [row for row in found if not (has_intervals and row.table == "counts")]


def _rows(table: str, long: pl.DataFrame) -> list[Row]:
    rows = []
    for (model, says), part in long.group_by(["model", "says"], maintain_order=True):
        values = dict(part.select("control", "value").rows())
        if "measured" in values:
            own = part.row(by_predicate=pl.col("control") == "measured", named=True)
            others = {name: values[name] for name in controls(part) if name in values}
            rows.append(Row(model, table, says, own["value"], own["low"], own["high"], others))
    return rows


def _long(rows: pl.DataFrame, says: str | pl.Expr, value: str, low: str = "", high: str = "") -> pl.DataFrame:
    """Rows of one number: `model`, `control`, what it `says`, and the number with its interval."""
    none = pl.lit(None, dtype=pl.Float64)
    return rows.select(
        "model",
        "control",
        (pl.lit(says) if isinstance(says, str) else says).alias("says"),
        pl.col(value).cast(pl.Float64).alias("value"),
        (pl.col(low) if low else none).alias("low"),
        (pl.col(high) if high else none).alias("high"),
    )


EXPERTS = "Experts per concept"


def _counts(table: pl.DataFrame, threshold: float) -> pl.DataFrame:
    last = at_last(at_threshold(table, threshold))
    return _long(mean_experts(last, ("model", "control")), EXPERTS, "mean")


def _dynamics(table: pl.DataFrame, threshold: float) -> pl.DataFrame:
    last = at_last(at_threshold(table, threshold).filter(pl.col("layer").is_null()))
    return _long(last, EXPERTS, "experts", "experts_low", "experts_high")


def _discoveries(table: pl.DataFrame, threshold: float) -> pl.DataFrame:
    last = at_last(at_threshold(table, threshold))
    left = last.group_by("model", "control", maintain_order=True).agg(pl.col("controlled").mean())
    return _long(left, "Experts per concept, false discoveries controlled", "controlled")


def _stability(table: pl.DataFrame, threshold: float) -> pl.DataFrame:
    last = at_last(at_threshold(table, threshold))
    chosen = last.filter(pl.col("recommended")).select("model", "positives", "negatives")
    same = last.join(chosen, on=["model", "positives", "negatives"], how="semi", maintain_order="left")
    says = pl.format("Overlap of experts over folds of {} + {} sentences", "positives", "negatives")
    return _long(same, says, "overlap", "overlap_low", "overlap_high")


def _categories(table: pl.DataFrame, threshold: float) -> pl.DataFrame:
    says = "Overlap within categories, less that between them"
    return _long(at_last(at_threshold(table, threshold)), says, "difference", "low", "high")


def _hierarchy(table: pl.DataFrame, threshold: float) -> pl.DataFrame:
    last = at_last(at_threshold(table, threshold)).filter(
        pl.col("parent") == "pooled", pl.col("direction") == "child_in_parent"
    )
    return _long(
        last, "Experts shared with the own category, less those with others", "difference", "low", "high"
    )


def _tree(table: pl.DataFrame, threshold: float) -> pl.DataFrame:
    return _long(
        at_last(at_threshold(table, threshold)), "Correlation with the lexicon's tree", "correlation"
    )


def _sharing(table: pl.DataFrame, threshold: float) -> pl.DataFrame:
    says = "Share of one category among concepts of one unit"
    ends = ("same_category_low", "same_category_high")
    return _long(at_last(at_threshold(table, threshold)), says, "same_category", *ends)


def _distributed(table: pl.DataFrame, threshold: float) -> pl.DataFrame:
    last = at_last(table)
    unit = last.filter(pl.col("kind") == "unit")
    probe = last.filter(pl.col("kind") == "probe", pl.col("size") == last["size"].max())
    says = pl.format("Held-out precision of a probe of {} units", "size")
    return pl.concat(
        [
            _long(unit, "Held-out precision of the best unit", "ap", "low", "high"),
            _long(probe, says, "ap", "low", "high"),
            _long(
                probe,
                pl.format("Gain of a probe of {} units over it", "size"),
                "gain",
                "gain_low",
                "gain_high",
            ),
        ]
    )


def _alignment(table: pl.DataFrame, threshold: float) -> pl.DataFrame:
    last = at_last(at_threshold(jaccard(table), threshold))
    return _long(last, pl.format("Alignment with {}, ρ", "reference"), "rho", "low", "high")


# In the order of the report.
READERS: dict[str, Callable[[pl.DataFrame, float], pl.DataFrame]] = {
    "counts": _counts,
    "dynamics": _dynamics,
    "discoveries": _discoveries,
    "stability": _stability,
    "categories": _categories,
    "hierarchy": _hierarchy,
    "hierarchy_tree": _tree,
    "polysemy_sharing": _sharing,
    "distributed": _distributed,
    "alignment": _alignment,
}
