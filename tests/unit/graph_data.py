"""Small files of exemplars, texts and chosen units, for scoring the graphs of two layers without a model."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from golgi.graphs.store import write_graphs
from golgi.graphs.trie import grow
from golgi.tables import write_arrays, write_table

POINT = {"model": "mini", "checkpoint": "20"}
LIMITS = {"fires": 0.5, "rate": 0.3, "strong": 2}
PLACES = [("attn_out", 0), ("mlp_post", 0), ("mlp_post", 1)]


@dataclass
class Made:
    """What one model made of some windows; everything [unit, ...] in the order of the index."""

    texts: dict[str, np.ndarray]  # "test", "shifted", "sample": [window, token] int32
    activations: dict[str, np.ndarray]  # the same: [unit, window, token] float16
    maxima: np.ndarray  # [unit] float32
    units: list[tuple[str, int, int]]  # site, layer, unit
    windows: np.ndarray  # of the exemplars
    exemplars: list[tuple[int, int, int, float]] = field(default_factory=list)  # index, window, token, raw

    def identity(self, index):
        site, layer, unit = self.units[index]
        return POINT | {"site": site, "layer": layer, "unit": unit, "maximum": float(self.maxima[index])}

    def grow(self, index, paths):
        return grow(paths, **self.identity(index))


def invent(seed=0, *, units=3, windows=7, longest=9, tokens=4, shifted=True):
    """Random units, the last of each place dead, over few tokens; windows of any length from 1 on."""
    random = np.random.default_rng(seed)
    names = ["sample", "test", "shifted"][: 2 + shifted]
    texts = {name: invent_text(random, windows, longest, tokens) for name in names}
    places = [(site, layer, unit) for site, layer in PLACES for unit in range(units)]
    maxima = random.uniform(1, 3, len(places)).astype(np.float32)
    dead = np.array([unit == units - 1 for _, _, unit in places])
    maxima[dead] = -0.25
    made = {name: invent_activations(random, ids, maxima) for name, ids in texts.items()}
    read = invent_text(random, windows, longest, tokens)
    pivots = [
        (index, window, int(random.integers((read[window] >= 0).sum())), float(np.float32(random.random())))
        for index in np.flatnonzero(~dead)
        for window in random.integers(0, windows, 2)
    ]
    return Made(texts, made, maxima, places, read, [pivots[row] for row in random.permutation(len(pivots))])


def invent_text(random, windows, longest, tokens):
    ids = random.integers(0, tokens, (windows, longest)).astype(np.int32)
    lengths = random.integers(1, longest + 1, windows)
    return np.where(np.arange(longest) < lengths[:, None], ids, -1).astype(np.int32)


def invent_activations(random, ids, maxima):
    # Few values, so that there are ties; some units never fire.
    shares = random.choice([-0.1, 0.0, 0.2, 0.5, 0.9], (len(maxima), *ids.shape), p=[0.3, 0.3, 0.1, 0.1, 0.2])
    shares[1] = np.minimum(shares[1], 0.2)
    return np.where(ids >= 0, shares * maxima[:, None, None], 0).astype(np.float16)


def write_made(made: Made, folder: Path) -> dict[str, Path]:
    """Write the files that `score_graphs` reads, but for the graphs."""
    paths = {name: folder / f"{name}.safetensors" for name in ("exemplars", "sample", "texts")}
    paths["chosen"] = folder / "units.parquet"
    columns = [np.array(column) for column in zip(*made.exemplars, strict=True)] or [np.zeros(0)] * 4
    arrays = {
        name: column.astype(kind)
        for name, column, kind in zip(
            ("unit", "window", "token", "activation"), columns, ("i4", "i4", "i4", "f4"), strict=True
        )
    }
    arrays |= {"strongest": np.ones(len(columns[0]), np.uint8), "windows": made.windows}
    arrays |= {"documents": np.arange(len(made.windows)), "maximum": made.maxima}
    arrays["weak"] = np.zeros(len(made.units), np.int32)
    write_arrays(arrays, paths["exemplars"])
    write_arrays(by_place(made, "sample"), paths["sample"])
    texts = {}
    for name in set(made.texts) - {"sample"}:
        texts |= by_place(made, name) | {f"{name}/documents": np.arange(len(made.texts[name]))}
    write_arrays(texts, paths["texts"])
    write_table(chosen_table(made), paths["chosen"], schema="graph_chosen")
    return paths


def by_place(made, text):
    found = {text: made.texts[text]}
    for site, layer in dict.fromkeys(unit[:2] for unit in made.units):
        rows = [index for index, unit in enumerate(made.units) if unit[:2] == (site, layer)]
        found[f"{text}/{site}/{layer}"] = made.activations[text][rows]
    return found


def chosen_table(made) -> pl.DataFrame:
    rows = [
        POINT | {"step": 20, "index": index, "site": site, "basis": "neuron", "layer": layer, "unit": unit}
        for index, (site, layer, unit) in enumerate(made.units)
    ]
    return pl.DataFrame(rows).with_columns(chosen=pl.lit("sample"))


def write_layer(made, graphs, layer, path):
    """Write the graphs [index], None for none, of one layer."""
    write_graphs([one for one in graphs if one is not None and one.graph["layer"] == layer], path)
    return path
