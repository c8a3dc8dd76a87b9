"""A study's results as the atlas reads them, made up: any size in seconds, and what is in them is known.

Units stand in groups of nine that follow one another: what a unit makes of the concepts is much as the
others of its group make of them, so these are its nearest; a last group may have fewer. Some groups are
experts: of one concept, or of all concepts of a category. Training finds more of them; the twin has none.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from synthetic_graph_files import Graphs, write_graph_files
from synthetic_study_tables import identified, point_of, write_concepts, write_sentences, write_tables

from golgi.atlas.contents import Place, rows_of
from golgi.experts.scoring import point_metadata, shortest_float64
from golgi.statistics.overlap import measure_overlap
from golgi.tables import write_arrays, write_table

GROUP, NEAREST = 9, 8
OF_CATEGORY = 6  # concepts
CHANCE, THRESHOLD = 0.2, 0.5
THRESHOLDS = (0.5, 0.7)
TRAINED_GROUPS = 3  # groups of experts of each concept when training is over, where there are units enough
SITES = ("mlp_post",)
TITLE = "Made-up neurons <b>& more</b>"
CONCEPTS = (
    *("dog", "cat", "horse", "mouse", "eagle", "shark"),
    *("oak", "rose", "cactus", "tulip", "moss", "wheat"),
    *("car", "boat", "train", "bicycle", "lorry", "aeroplane"),
    *("hammer", "saw", "axe", "drill", "broom", "knife"),
)
CATEGORIES = ("animal", "plant", "vehicle", "tool")


@dataclass(frozen=True)
class Study:
    """Where the results are, and what was put into them; rows count units as the atlas does."""

    folder: Path
    model: str
    checkpoints: tuple[str, ...]
    graphed: tuple[str, ...]  # checkpoints with graphs
    concepts: tuple[str, ...]
    categories: tuple[str, ...]
    units: int
    own: dict[str, list[int]]  # concept -> first rows of its groups of experts, in the order they are learnt
    shared: dict[str, int]  # category -> first row of the group that is expert of all its concepts
    graphs: Graphs = field(repr=False)

    def category(self, concept: str) -> str:
        """The category of a concept."""
        return self.categories[self.concepts.index(concept) // OF_CATEGORY]

    def experts(self, checkpoint: str, concept: str) -> dict[int, float]:
        """Rows of the concept's experts at a checkpoint, and their average precision, the best first."""
        learnt = learnt_groups(self.checkpoints, checkpoint)
        starts = {first: 0.95 - 0.05 * number for number, first in enumerate(self.own[concept][:learnt])}
        if learnt:
            starts[self.shared[self.category(concept)]] = 0.8
        found = {
            first + place: round(ap - 0.02 * place, 2)
            for first, ap in starts.items()
            for place in range(GROUP)
        }
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def nearest(self, row: int) -> set[int]:
        """The rows of the units most like one, at every checkpoint."""
        first = row // GROUP * GROUP
        return set(range(first, min(first + GROUP, self.units))) - {row}

    def places(self) -> list[Place]:
        """The files of every checkpoint, in the order of training."""
        return [self.place(checkpoint) for checkpoint in self.checkpoints]

    def place(self, checkpoint: str) -> Place:
        """The files of a checkpoint."""
        here = f"{self.model}/{checkpoint}"
        graphs = self.folder / "graphs" / here if checkpoint in self.graphed else None
        return Place(
            model=self.model,
            checkpoint=checkpoint,
            expertise=self.folder / "expertise" / here / "ap.safetensors",
            units=self.folder / "views" / here / "units.safetensors",
            sentences=self.folder / "views" / here / "sentences.parquet",
            overlap=self.folder / "overlap" / f"{here}.parquet",
            tokens=graphs and graphs / "tokens.json",
            windows=graphs and graphs / "windows.parquet",
        )

    def tables(self) -> dict[str, Path]:
        """The tables of the study, by name."""
        return {path.stem: path for path in sorted((self.folder / "tables").glob("*.parquet"))}

    def options(self) -> dict:
        """What `write_atlas` takes, but for how and where it writes."""
        return {
            "study": self.folder.name,
            "title": TITLE,
            "seed": 7,
            "sites": list(SITES),
            "threshold": THRESHOLD,
            "thresholds": list(THRESHOLDS),
            "fires": 0.5 if self.graphed else None,
            "places": self.places(),
            "tables": self.tables(),
            "references": {"people": {"ceiling": 0.84}, "taxonomy": {"lexicon": True}},
        }


def make(
    folder: Path,
    *,
    layers: int = 2,
    width: int = 128,
    checkpoints: tuple[str, ...] = ("0", "512", "143000", "untrained"),
    concepts: int = 12,
    graph_units: int = 40,
    windows: int = 16,
    seed: int = 0,
    model: str = "made-up",
    graphed: tuple[str, ...] | None = None,
) -> Study:
    """Write the results of a study of one model into a folder `results/STUDY`; return what is in them.

    Graphs are of the checkpoints `graphed`, without it of the last one that was trained. ValueError where
    there are fewer units than groups of experts need.
    """
    rng = np.random.default_rng(seed)
    units = layers * width
    names = (*CONCEPTS, *(f"thing{place}" for place in range(len(CONCEPTS), concepts)))[:concepts]
    count = -(-concepts // OF_CATEGORY)
    categories = (*CATEGORIES, *(f"kind{place}" for place in range(len(CATEGORIES), count)))[:count]
    groups = units // GROUP
    if groups < concepts + count:
        raise ValueError(f"{units} units are {groups} groups, and {concepts + count} are experts")
    firsts = iter((rng.permutation(groups) * GROUP).tolist())
    shared = {category: next(firsts) for category in categories}
    each = min(TRAINED_GROUPS, (groups - count) // concepts)
    own = {name: [next(firsts) for _ in range(each)] for name in names}
    trained = [one for one in checkpoints if one != "untrained"]
    wanted = tuple(trained[-1:]) if graphed is None else graphed
    rows = graph_rows(own, units, graph_units)
    concept_of = {
        first + place: name for name, starts in own.items() for first in starts for place in range(GROUP)
    }
    graphs = write_graph_files(
        Path(folder),
        model=model,
        checkpoints=wanted,
        rows=rows,
        width=width,
        concepts=np.array(
            [names.index(concept_of[row]) if row in concept_of else -1 for row in rows.tolist()]
        ),
        names=names,
        windows=windows,
        rng=rng,
    )
    study = Study(
        Path(folder), model, tuple(checkpoints), wanted, names, categories, units, own, shared, graphs
    )
    write_scores(study, layers, width, rng)
    write_tables(study, layers)
    return study


def graph_rows(own: dict[str, list[int]], units: int, wanted: int) -> np.ndarray:
    """Rows of units that get a graph: the best expert of each concept, then others at even distances."""
    best = [starts[0] for starts in own.values()][:wanted]
    others = np.setdiff1d(np.arange(units), best)
    more = min(wanted - len(best), len(others))
    even = others[np.linspace(0, len(others) - 1, more).astype(np.int64)]
    return np.sort(np.concatenate([np.array(best, np.int64), even]))


def learnt_groups(checkpoints: tuple[str, ...], checkpoint: str) -> int:
    """How many groups of experts a concept has at a checkpoint: none in the twin, nor before training."""
    trained = [one for one in checkpoints if one != "untrained"]
    if checkpoint not in trained:
        return 0
    share = trained.index(checkpoint) / (len(trained) - 1) if len(trained) > 1 else 1.0
    return round(TRAINED_GROUPS * share)


def write_scores(study: Study, layers: int, width: int, rng: np.random.Generator) -> None:
    """Write what is known of all units at every checkpoint: expertise, views of it, sentences, overlap."""
    shape = (len(study.concepts), study.units)
    pattern = rng.random((len(study.concepts), -(-study.units // GROUP)), np.float32)
    write_concepts(study)
    for place in study.places():
        ap = CHANCE - 0.05 + 0.1 * np.repeat(pattern, GROUP, axis=1)[:, : study.units]
        ap += 0.002 * rng.random(shape, np.float32)
        for index, name in enumerate(study.concepts):
            experts = study.experts(place.checkpoint, name)
            ap[index, list(experts)] = list(experts.values())
        write_expertise(study, place, ap, layers, width)
        write_units(study, place, ap, rng)
        write_sentences(study, place)
        measure_overlap(
            ap=place.expertise,
            concepts=study.folder / "tables" / "concepts.parquet",
            thresholds=THRESHOLDS,
            overlap=place.overlap,
        )


def write_expertise(study: Study, place: Place, ap: np.ndarray, layers: int, width: int) -> None:
    """Write `ap.safetensors` and `experts.parquet` of a checkpoint."""
    summaries = {"negative_mean": 0.1, "positive_median": 0.5, "positive_p90": 0.9}
    arrays = {}
    for layer in range(layers):
        name, own = f"{SITES[0]}/{layer}", ap[:, layer * width : (layer + 1) * width]
        arrays[f"measured/{name}"] = own
        arrays |= {f"{kind}/{name}": value * own for kind, value in summaries.items()}
    twin = place.checkpoint == "untrained"
    metadata = point_metadata(*point_of(place), 7, untrained=twin)
    write_arrays(arrays, place.expertise, metadata=metadata)
    concept, row = np.nonzero(ap >= np.float32(THRESHOLDS[0]))
    frame = pl.DataFrame(
        {
            "concept": np.array(study.concepts, object)[concept],
            "layer": row // width,
            "unit": row % width,
            "ap": shortest_float64(ap[concept, row]),
        },
        schema_overrides={"concept": pl.String, "ap": pl.Float64},
    ).with_columns(
        pl.lit(SITES[0]).alias("site"),
        pl.lit("untrained" if twin else "measured").alias("control"),
        *(pl.lit(None if twin else value, pl.Float64).alias(kind) for kind, value in summaries.items()),
    )
    write_table(identified(place, frame), place.expertise.with_name("experts.parquet"), schema="experts")


def write_units(study: Study, place: Place, ap: np.ndarray, rng: np.random.Generator) -> None:
    """Write `units.safetensors` of a checkpoint, neighbours and all."""
    rows = rows_of(place.expertise, list(SITES))
    neighbour, likeness = within_groups(ap)
    arrays = {
        "best": ap.argmax(axis=0).astype(np.uint16),
        "ap": ap.max(axis=0),
        "concepts": (ap >= np.float32(THRESHOLD)).sum(axis=0).astype(np.uint16),
        "rate": (0.3 * rng.random(study.units) ** 2).astype(np.float32),
        "row": np.arange(study.units, dtype=np.int32),
        "neighbour": neighbour,
        "likeness": likeness,
    }
    metadata = {
        **{
            "model": place.model,
            "checkpoint": place.checkpoint,
            "threshold": str(THRESHOLD),
            "sites": json.dumps(rows.told()),
        },
        **{"units": str(study.units), "kept": str(study.units), "cut": "0", "sentences": "1000"},
        **{"without_neighbours": "0", "without_response": "0"},
    }
    write_arrays(arrays, place.units, metadata=metadata)


def within_groups(ap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Units most alike within each group, and how alike: int32 and float32 [unit, 8]; -1 and NaN for none."""
    units = ap.shape[1]
    profiles = np.full((-(-units // GROUP) * GROUP, len(ap)), np.nan)
    profiles[:units] = ap.T
    profiles -= profiles.mean(axis=1, keepdims=True)
    profiles /= np.sqrt((profiles**2).sum(axis=1, keepdims=True))
    groups = profiles.reshape(-1, GROUP, len(ap))
    alike = groups @ groups.transpose(0, 2, 1)
    alike[:, np.arange(GROUP), np.arange(GROUP)] = np.nan
    alike = alike.reshape(-1, GROUP)[:units]
    order = np.argsort(-alike, axis=1, kind="stable")[:, :NEAREST]  # NaN last
    likeness = np.take_along_axis(alike, order, axis=1)
    first = np.arange(units)[:, None] // GROUP * GROUP
    return np.where(np.isnan(likeness), -1, first + order).astype(np.int32), likeness.astype(np.float32)
