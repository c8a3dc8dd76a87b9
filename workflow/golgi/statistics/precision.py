"""The arrays of average precision that `score_experts` writes, as the tables name them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.tables import Arrays

CONTROLS = ("measured", "rotated", "shuffled", "word")
BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Point:
    """One set of weights: a model at a checkpoint; `step` is None for `final` and `untrained`."""

    model: str
    checkpoint: str
    step: int | None

    def columns(self) -> tuple[pl.Expr, ...]:
        """Return the columns that name this point in a table."""
        return (
            pl.lit(self.model).alias("model"),
            pl.lit(self.checkpoint).alias("checkpoint"),
            pl.lit(self.step, pl.Int64).alias("step"),
        )


@dataclass(frozen=True)
class Layer:
    """Average precision of one layer under one control: array `key` [concept, unit] of the file."""

    control: str
    site: str
    layer: int
    key: str


def read_point(arrays: Arrays) -> Point:
    """Return the model and checkpoint whose units were scored; GolgiError if the file does not say."""
    try:
        step = arrays.metadata["step"]
        return Point(arrays.metadata["model"], arrays.metadata["checkpoint"], int(step) if step else None)
    except KeyError as error:
        raise GolgiError(
            f"{arrays.path} does not name its {error.args[0]}. Delete it and run again."
        ) from error


def scored_layers(arrays: Arrays) -> list[Layer]:
    """Return every layer under every control, controls as tables name them: the twin's are `untrained`."""
    twin = json.loads(arrays.metadata.get("untrained", "false"))
    layers = []
    for key in arrays.names:
        control, site, layer = key.split("/", 1)[0], *key.split("/", 1)[1].rsplit("/", 1)
        if control in CONTROLS:
            layers.append(Layer("untrained" if twin else control, site, int(layer), key))
    return sorted(layers, key=lambda layer: (layer.control, layer.site, layer.layer))


def unit_blocks(arrays: Arrays, key: str) -> Iterator[np.ndarray]:
    """Yield average precision [concept, block of units], a bounded amount of memory at a time."""
    concepts, units = arrays.shape(key)
    width = max(1, BLOCK_BYTES // (4 * max(concepts, 1)))
    for start in range(0, units, width):
        yield arrays.columns(key, start, min(start + width, units))


def layer_blocks(arrays: Arrays, layers: Iterable[Layer]) -> Iterator[np.ndarray]:
    """Yield average precision [concept, block of units] of several layers, one after the other."""
    return (block for layer in layers for block in unit_blocks(arrays, layer.key))


def check_concepts(arrays: Arrays, names: list[str]) -> None:
    """Raise GolgiError unless the arrays' concept axis has the concepts' length."""
    for layer in scored_layers(arrays):
        scored = arrays.shape(layer.key)[0]
        if scored != len(names):
            raise GolgiError(
                f"{arrays.path}, {layer.key}: {scored} concepts, but the study has {len(names)}."
            )
