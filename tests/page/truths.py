"""What is true of the units of a made-up study, read from its results and not from its atlas."""

import numpy as np
import polars as pl
from atlases import Atlas, place_of

from golgi.tables import open_arrays, read_table


def units_of(atlas: Atlas, checkpoint: str | None = None) -> pl.DataFrame:
    """A row per unit, in the order of rows: row, name, layer, unit, best, ap, concepts, rate, f1, graph."""
    place = atlas.study.place(checkpoint or atlas.last)
    with open_arrays(place.units) as arrays:
        frame = pl.DataFrame({name: arrays.read(name) for name in ("best", "ap", "concepts", "rate")})
    places = [place_of(atlas.study, row) for row in range(len(frame))]
    frame = frame.with_row_index("row").with_columns(
        pl.Series("layer", [layer for _, layer, _ in places], pl.Int64),
        pl.Series("unit", [unit for _, _, unit in places], pl.Int64),
        pl.Series("name", [f"{layer}.{unit}" for _, layer, unit in places]),
    )
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
