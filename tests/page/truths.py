"""What is true of the units of a made-up study, read from its results and not from its atlas."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import polars as pl
from atlases import Atlas, place_of
from synthetic_study import SITES

from golgi.atlas.contents import rows_of
from golgi.tables import open_arrays, read_table


def units_of(atlas: Atlas, checkpoint: str | None = None) -> pl.DataFrame:
    """A row per unit, in the order of rows: row, name, layer, unit, best, ap, concepts, rate, f1, graph."""
    place = atlas.study.place(checkpoint or atlas.last)
    with open_arrays(place.units) as arrays:
        frame = pl.DataFrame({name: arrays.read(name) for name in ("best", "ap", "concepts", "rate")})
    rows = rows_of(place.expertise, list(SITES))
    layers = np.repeat([layer for _, layer in rows.places], rows.widths)
    numbers = np.concatenate([np.arange(width) for width in rows.widths])
    frame = frame.with_row_index("row").with_columns(
        pl.Series("layer", layers, pl.Int64), pl.Series("unit", numbers, pl.Int64)
    )
    frame = frame.with_columns(pl.format("{}.{}", "layer", "unit").alias("name"))
    graphs = graph_table(atlas, "graph_units", checkpoint).select("layer", "unit", "f1", graph=pl.lit(True))
    joined = frame.join(graphs, on=["layer", "unit"], how="left", maintain_order="left")
    # The pages hold numbers in 32 bits.
    return joined.with_columns(pl.col("f1").cast(pl.Float32), pl.col("graph").fill_null(False))


def graph_table(atlas: Atlas, name: str, checkpoint: str | None = None) -> pl.DataFrame:
    """The rows of a table of graphs at a checkpoint."""
    table = read_table(atlas.study.tables()[name], schema=name)
    return table.filter(pl.col("checkpoint") == (checkpoint or atlas.last))


def profiles_of(atlas: Atlas, checkpoint: str | None = None) -> np.ndarray:
    """Average precision of every unit for every concept [concept, row]."""
    with open_arrays(atlas.study.place(checkpoint or atlas.last).expertise) as arrays:
        names = sorted(name for name in arrays.names if name.startswith("measured/"))
        return np.concatenate([arrays.read(name) for name in names], axis=1)


def names_of(frame: pl.DataFrame) -> list[str]:
    """Units as a page names them, of a table with the columns layer and unit."""
    return [f"{layer}.{unit}" for layer, unit in frame.select("layer", "unit").iter_rows()]


def share(x: float | None, digits: int = 2) -> str:
    """A number as the pages write it, which hold it in 32 bits."""
    if x is None or np.isnan(x):
        return "–"
    text = str(Decimal(float(np.float32(x))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
    sign = "−" if text.startswith("-") and float(text) else ""
    return sign + text.lstrip("-").removeprefix("0" if abs(float(text)) < 1 else "")


def nodes_of(atlas: Atlas, row: int) -> list[dict]:
    """The nodes of a unit's graph, in its order."""
    _, layer, unit = place_of(atlas.study, row)
    return graph_table(atlas, "graph_nodes").filter(layer=layer, unit=unit).sort("node").to_dicts()


def windows_of(atlas: Atlas, row: int) -> list[pl.DataFrame]:
    """The texts of a unit: token, activation and predicted of each, in order, and of what kind they are."""
    _, layer, unit = place_of(atlas.study, row)
    table = read_table(atlas.study.place(atlas.last).windows, schema="atlas_windows")
    own = table.filter(layer=layer, unit=unit).sort("window", "place")
    return own.partition_by("window", maintain_order=True)


def texts_matching(nodes: list[dict], node: int, windows: list[pl.DataFrame]) -> int:
    """In how many texts the path from a node to its activating token matches."""
    line = [node]
    while nodes[line[-1]]["parent"] is not None:
        line.append(nodes[line[-1]]["parent"])
    path = [nodes[each]["token"] for each in line]

    def matches(tokens: list[int]) -> bool:
        starts = range(len(tokens) - len(path) + 1)
        return any(
            all(wanted in (None, tokens[start + step]) for step, wanted in enumerate(path))
            for start in starts
        )

    return sum(matches(window["token"].to_list()) for window in windows)
