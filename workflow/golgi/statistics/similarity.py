"""Overlap tables read back as matrices over the concept axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.statistics.precision import Point
from golgi.tables import read_table


@dataclass(frozen=True)
class Overlap:
    """Overlap of all pairs of concepts, [concept, concept], at one point, control and threshold."""

    point: Point
    control: str
    threshold: float
    matrices: dict[str, np.ndarray]  # jaccard, overlap_coefficient, ap_cosine; the diagonal is 0
    empty: np.ndarray  # neither concept has an expert

    def is_planned(self, threshold: float, last_checkpoints: dict[str, str]) -> bool:
        """Return whether this is a model's last checkpoint at the study's threshold."""
        return self.is_last(last_checkpoints) and self.is_threshold(threshold)

    def is_threshold(self, threshold: float) -> bool:
        """Return whether this is the given threshold."""
        return bool(np.isclose(self.threshold, threshold, rtol=0, atol=1e-9))

    def is_last(self, last_checkpoints: dict[str, str]) -> bool:
        """Return whether this is a model's last checkpoint."""
        return self.point.checkpoint == last_checkpoints.get(self.point.model)


def read_overlaps(path: Path, names: Sequence[str]) -> list[Overlap]:
    """Read a table `overlap`; GolgiError unless it has every pair of the named concepts once."""
    frame = read_table(path, schema="overlap")
    keys = ["model", "checkpoint", "step", "control", "threshold"]
    return [_overlap(path, *key, group, names) for key, group in frame.group_by(keys, maintain_order=True)]


def _overlap(
    path: Path,
    model: str,
    checkpoint: str,
    step: int | None,
    control: str,
    threshold: float,
    group: pl.DataFrame,
    names: Sequence[str],
) -> Overlap:
    place = {name: index for index, name in enumerate(names)}
    first = group["concept_a"].replace_strict(place, default=None, return_dtype=pl.Int64)
    second = group["concept_b"].replace_strict(place, default=None, return_dtype=pl.Int64)
    expected = len(names) * (len(names) - 1) // 2
    if (
        first.null_count()
        or second.null_count()
        or group.select("concept_a", "concept_b").n_unique() != expected
    ):
        raise GolgiError(
            f"{path}: the pairs of {control} at tau = {threshold:g} are not those of the study's concepts."
        )
    pairs = first.to_numpy(), second.to_numpy()
    measures = ("jaccard", "overlap_coefficient", "ap_cosine")
    return Overlap(
        point=Point(model, checkpoint, step),
        control=control,
        threshold=threshold,
        matrices={measure: _symmetric(pairs, group[measure].to_numpy(), len(names)) for measure in measures},
        empty=_symmetric(pairs, group["empty"].to_numpy(), len(names)),
    )


def _symmetric(pairs: tuple[np.ndarray, np.ndarray], values: np.ndarray, items: int) -> np.ndarray:
    matrix = np.zeros((items, items), values.dtype)
    matrix[pairs] = values
    return matrix + matrix.T if values.dtype != bool else matrix | matrix.T
