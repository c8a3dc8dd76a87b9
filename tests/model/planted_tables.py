"""The tables of a study of the planted model, to be held against what was planted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch
from planted import Planted, vocabulary

Units = dict[str, set[tuple[int, int]]]  # of every concept: layer and unit


@dataclass(frozen=True)
class Found:
    """What was planted, and the tables of what was found."""

    world: Planted
    table: Callable[[str], pl.DataFrame]

    def rows(self, table: str, **where: Any) -> pl.DataFrame:
        """Return the rows that are as said: else measured, at step 1 and threshold 0.7."""
        frame = self.table(table)
        twin = where.get("control") == "untrained"
        usual = {"checkpoint": "untrained" if twin else "1", "control": "measured", "threshold": 0.7}
        usual = {name: value for name, value in usual.items() if name in frame.columns}
        return frame.filter(**usual | where)

    def row(self, table: str, **where: Any) -> dict[str, Any]:
        """Return the one row that is as said."""
        found = self.rows(table, **where)
        assert found.height == 1
        return found.row(0, named=True)

    def experts(self, threshold: float = 0.7, **where: Any) -> Units:
        """Return the experts of every concept that has some."""
        found: Units = {}
        for one in self.rows("experts", **where).filter(pl.col("ap") >= threshold).iter_rows(named=True):
            found.setdefault(one["concept"], set()).add((one["layer"], one["unit"]))
        return found

    def planted(self, *kinds: str) -> Units:
        """Return what was planted for every concept: units of its word, its herald, its category."""
        world = self.world
        units = {
            "word": world.word_units,
            "herald": world.herald_units,
            "category": {name: world.category_units[world.category[name]] for name in world.concepts},
        }
        return {name: {units[kind][name] for kind in kinds} for name in world.concepts}

    def effects(self, **where: Any) -> np.ndarray:
        """Return the effects of interventions on every prompt of every concept."""
        found = self.table("intervention_prompts").filter(**where)
        assert found["concept"].n_unique() == len(self.world.concepts)
        return (found["value"] - found["base"]).to_numpy()


def log_probabilities(cause: float) -> tuple[float, float]:
    """Return log P of a word whose two forms are raised by `cause`, and of any other word, in nats."""
    size = len(vocabulary())
    stream = torch.zeros(2 * size, dtype=torch.float64)
    stream[0], stream[size], stream[size + 1] = 1.0, cause, cause
    centred = stream - stream.mean()
    logits = (centred / (centred.square().mean() + 1e-5).sqrt())[size:]
    word, _, other, *_ = (logits - logits.logsumexp(0)).tolist()
    return word, other
