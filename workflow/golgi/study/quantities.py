"""The quantities that claims can be about: the table each is read from, and what selects its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ALL_CONTROLS = ("measured", "untrained", "rotated", "shuffled", "word")
BASELINES = ("input_embedding", "sentence_embedding")
LARGEST = "largest"  # of the sizes in the table, which leaves out those that a model is too small for


@dataclass(frozen=True)
class Scale:
    """What a quantity is counted in, and the smallest difference on it that matters."""

    unit: str
    matters: float


@dataclass(frozen=True)
class Quantity:
    """One thing that claims can be about.

    `words` is what a sentence calls it and `value` its column of `table`. `way` is how it is compared:
    `paired` (item by item), `pooled` (the sum of `value` over all items, divided by that of `per`), `overlap`
    (pairs of concepts), `alignment` (rated pairs of words) or `printed` (the test stands in the table, and
    `only_against` says against what). What is printed may have a column for its `difference`, whose interval
    is `low` to `high`, and one that counts what is `left_out`. `items` are the columns that name what is
    resampled. `selectors` choose the rows, `columns` are those of them whose column has another name, `fixed`
    is what the quantity chooses by itself; `summed` adds up the rows of an item. `analysis` is the part of
    the spec that gives the table; None where every study has it.
    """

    words: str
    table: str
    value: str
    way: str
    items: tuple[str, ...]
    replication: str
    scale: Scale | Mapping[str, Scale]  # by outcome, where that decides what is counted
    analysis: str | None
    selectors: tuple[str, ...]
    controls: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str | int] = field(default_factory=dict)
    summed: bool = False
    every_checkpoint: bool = False
    only_against: str | float | None = None
    per: str | None = None
    difference: str | None = None
    left_out: str | None = None

    def scale_at(self, outcome: str | None) -> Scale:
        """Return the scale of the quantity, of one outcome where that decides."""
        return self.scale if isinstance(self.scale, Scale) else self.scale[outcome or "occurs"]


_JACCARD = Scale("Jaccard overlap", 0.01)
_CONTAINED = Scale("share of experts contained", 0.05)
_HELDOUT = Scale("held-out average precision", 0.02)
_NATS = Scale("nats", 0.1)
_OVERLAP = {
    "table": "overlap",
    "value": "jaccard",
    "way": "overlap",
    "items": ("concept",),
    "replication": "concepts",
    "scale": _JACCARD,
    "analysis": "overlap",
    "selectors": ("model", "checkpoint", "control", "threshold"),
    "controls": ALL_CONTROLS,
}
_CONTAINMENT = {
    "table": "hierarchy",
    "way": "printed",
    "difference": "difference",
    "left_out": "empty",
    "items": ("concept",),
    "replication": "concepts",
    "scale": _CONTAINED,
    "analysis": "hierarchy",
    "selectors": ("model", "checkpoint", "control", "threshold", "parent", "direction"),
    "controls": ALL_CONTROLS,
}
_PROBED = {
    "table": "probes",
    "value": "ap",
    "way": "paired",
    "items": ("concept",),
    "replication": "concepts",
    "scale": _HELDOUT,
    "analysis": "distributed",
    "controls": ALL_CONTROLS,
}
_SHARED = {
    "table": "polysemy_sharing",
    "way": "printed",
    "items": ("concept",),
    "replication": "concepts",
    "scale": Scale("share of pairs of concepts", 0.02),
    "analysis": "polysemy",
    "selectors": ("model", "checkpoint", "control", "threshold"),
    "controls": ALL_CONTROLS,
}

QUANTITIES: dict[str, Quantity] = {
    "within_overlap": Quantity(words="overlap within categories", **_OVERLAP),
    "between_overlap": Quantity(words="overlap between categories", **_OVERLAP),
    "overlap_gap": Quantity(words="overlap within less that between categories", **_OVERLAP),
    "experts": Quantity(
        words="number of experts of a concept",
        table="counts",
        value="experts",
        way="paired",
        items=("concept",),
        replication="concepts",
        scale=Scale("experts per concept", 1.0),
        analysis=None,
        selectors=("model", "checkpoint", "control", "threshold", "layer"),
        controls=ALL_CONTROLS,
        summed=True,
        every_checkpoint=True,
    ),
    "alignment": Quantity(
        words="alignment",
        table="alignment",
        value="rho",
        way="alignment",
        items=("word",),
        replication="words",
        scale=Scale("Spearman's ρ", 0.05),
        analysis="alignment",
        selectors=("model", "checkpoint", "control", "threshold", "reference"),
        controls=(*ALL_CONTROLS, *BASELINES),
        every_checkpoint=True,
    ),
    "stability": Quantity(
        words="overlap of experts over disjoint folds",
        table="stability_concepts",
        value="overlap",
        way="paired",
        items=("concept",),
        replication="concepts",
        scale=Scale("Jaccard overlap of folds", 0.05),
        analysis="stability",
        selectors=("model", "checkpoint", "control", "threshold", "positives", "negatives"),
        controls=("measured", "untrained", "shuffled"),
    ),
    "false_discovery": Quantity(
        words="share of experts that chance gives",
        table="discoveries",
        value="expected",
        per="experts",
        way="pooled",
        items=("concept",),
        replication="concepts",
        scale=Scale("share of experts", 0.01),
        analysis="discoveries",
        selectors=("model", "checkpoint", "control", "threshold"),
        controls=("measured", "untrained"),
    ),
    "containment": Quantity(
        words="containment in the own category",
        value="own",
        only_against="wrong_containment",
        **_CONTAINMENT,
    ),
    "wrong_containment": Quantity(words="containment in other categories", value="wrong", **_CONTAINMENT),
    "tree_correlation": Quantity(
        words="correlation of the dendrogram with the lexicon's tree",
        table="hierarchy_tree",
        value="correlation",
        way="printed",
        items=("concept",),
        replication="concepts",
        scale=Scale("Pearson's r", 0.05),
        analysis="hierarchy",
        selectors=("model", "checkpoint", "control", "threshold"),
        controls=ALL_CONTROLS,
        only_against=0,
    ),
    "same_category_sharing": Quantity(
        words="share of a unit's pairs of concepts that are of one category",
        value="same_category",
        only_against="expected_sharing",
        **_SHARED,
    ),
    "expected_sharing": Quantity(words="share that chance gives", value="expected", **_SHARED),
    "unit_ap": Quantity(
        words="average precision of the best unit",
        selectors=("model", "checkpoint", "control"),
        fixed={"kind": "unit"},
        **_PROBED,
    ),
    "probe_ap": Quantity(
        words="average precision of a linear probe",
        selectors=("model", "checkpoint", "control", "size"),
        fixed={"kind": "probe"},
        **_PROBED,
    ),
    "effect": Quantity(
        words="effect of an intervention",
        table="interventions_concepts",
        value="effect",
        way="paired",
        items=("concept",),
        replication="concepts",
        scale={
            "occurs": _NATS,
            "absent": _NATS,
            "neutral": _NATS,
            "generated": Scale("share of continuations", 0.05),
        },
        analysis="interventions",
        selectors=("model", "action", "units", "size", "outcome"),
        columns={"outcome": "quantity"},
    ),
    "graph_f1": Quantity(
        words="F1 of neuron graphs",
        table="graph_scores",
        value="f1",
        way="paired",
        items=("site", "basis", "layer", "unit"),
        replication="units",
        scale=Scale("F1", 0.05),
        analysis="graphs",
        selectors=("model", "checkpoint", "method", "text", "windows"),
        every_checkpoint=True,
    ),
}
