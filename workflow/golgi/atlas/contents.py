"""What is in an atlas and where: models, sites, checkpoints, concepts, and which chunks hold what of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from golgi.tables import open_arrays

UNTRAINED = "untrained"


@dataclass(frozen=True)
class Place:
    """The files of one model and checkpoint; those of graphs are None, and empty, where it has none."""

    model: str
    checkpoint: str
    expertise: Path
    units: Path
    sentences: Path
    overlap: Path | None = None
    tokens: Path | None = None
    windows: Path | None = None

    @property
    def name(self) -> str:
        """How chunks of this place end."""
        return f"{self.model}/{self.checkpoint}"

    @property
    def where(self) -> pl.Expr:
        """Rows of a table that are of this place."""
        return (pl.col("model") == self.model) & (pl.col("checkpoint") == self.checkpoint)


@dataclass(frozen=True)
class Rows:
    """All units of a model in a row: by site as the study lists them, then layer, then number."""

    places: list[tuple[str, int]]  # site, layer
    widths: list[int]
    starts: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self):
        ends = np.cumsum([0, *self.widths])
        self.starts.update(zip(self.places, map(int, ends[:-1]), strict=True))

    @property
    def total(self) -> int:
        """Number of units."""
        return sum(self.widths)

    def of(self, frame: pl.DataFrame) -> np.ndarray:
        """Return the row of every unit of a table with the columns site, layer and unit, int32."""
        starts = pl.DataFrame(
            [(site, layer, start) for (site, layer), start in self.starts.items()],
            schema={"site": pl.String, "layer": pl.Int64, "start": pl.Int64},
            orient="row",
        )
        keyed = frame.select("site", "layer", "unit").join(
            starts, on=["site", "layer"], how="left", maintain_order="left"
        )
        return (keyed["start"] + keyed["unit"]).to_numpy().astype(np.int32)

    def told(self) -> list[dict[str, Any]]:
        """Return sites with layers and widths, as pages know them."""
        sites = list(dict.fromkeys(site for site, _ in self.places))
        return [
            {
                "name": site,
                "layers": [layer for one, layer in self.places if one == site],
                "widths": [
                    width for (one, _), width in zip(self.places, self.widths, strict=True) if one == site
                ],
            }
            for site in sites
        ]


def rows_of(expertise: Path, sites: list[str]) -> Rows:
    """Return the rows of the units that a file of average precisions holds."""
    with open_arrays(expertise) as arrays:
        keys = [name.split("/")[1:] for name in arrays.names if name.startswith("measured/")]
        places = sorted(
            ((site, int(layer)) for site, layer in keys), key=lambda key: (sites.index(key[0]), key[1])
        )
        return Rows(places, [arrays.shape(f"measured/{site}/{layer}")[1] for site, layer in places])


def checkpoint_label(checkpoint: str) -> str:
    """Return a checkpoint as a page names it."""
    return f"step {int(checkpoint):,}" if checkpoint.isdigit() else checkpoint


def concept_rows(concepts: pl.DataFrame) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the categories, and every concept of table `concepts` as pages know it, by index."""
    categories = concepts["category"].unique(maintain_order=True).to_list()
    told = concepts.select(
        pl.col("concept").alias("name"),
        pl.col("category").replace_strict(categories, list(range(len(categories))), return_dtype=pl.Int64),
        pl.col("gloss").fill_null(""),
        pl.col("prevalence").alias("chance"),
        "positives",
        "negatives",
    )
    return categories, told.to_dicts()


def places_of(
    rows: Sequence[Sequence[str]],
    graph_rows: Sequence[Sequence[str]],
    *,
    expertise: Sequence[str],
    units: Sequence[str],
    sentences: Sequence[str],
    overlap: Sequence[str],
    tokens: Sequence[str],
    windows: Sequence[str],
) -> list[Place]:
    """Return the places of a study from lists of files: one for each of `rows`, or of `graph_rows`.

    `rows` and `graph_rows` are models and checkpoints; `overlap` is empty where overlap was not measured.
    """
    graphed = {
        tuple(row): (Path(vocabulary), Path(texts))
        for row, vocabulary, texts in zip(graph_rows, tokens, windows, strict=True)
    }
    files = zip(rows, expertise, units, sentences, overlap or [None] * len(rows), strict=True)
    return [
        Place(
            *row,
            *map(Path, measured),
            Path(pairs) if pairs else None,
            *graphed.get(tuple(row), (None, None)),
        )
        for row, *measured, pairs in files
    ]
