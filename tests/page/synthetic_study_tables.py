"""The tables of a made-up study that are not about graphs; what they say is simple enough to be looked up."""

from itertools import combinations, product

import numpy as np
import polars as pl
from synthetic_graph_files import HOSTILE
from synthetic_tables import table

from golgi.tables import write_table

STANDINGS = {"best": 0.98, "worst": 0.55, "confused": 0.3}  # separation of the first in rank
PEOPLE, TAXONOMY = "people", "taxonomy"
FORCED = 3  # concepts that are intervened on
SIZES = (1, 3, 10)
# Effect of the top units by action and quantity, in natural logarithms of the number of units plus one.
EFFECTS = {
    **{("force", quantity): 0.5 for quantity in ("absent", "generated", "occurs")},
    **{("zero", quantity): -0.25 for quantity in ("absent", "generated", "occurs")},
    ("force", "neutral"): 0.02,
    ("zero", "neutral"): 0.01,
}
STRENGTH = {"top": 1.0, "next": 0.4, "random": 0.1}
POINT = {"model": pl.String, "checkpoint": pl.String, "step": pl.Int64}


def point_of(place) -> tuple[str, str, int | None]:
    """Model, checkpoint and step of a place, as tables name them."""
    return place.model, place.checkpoint, int(place.checkpoint) if place.checkpoint.isdigit() else None


def identified(place, frame: pl.DataFrame) -> pl.DataFrame:
    """A frame with the columns that name its place."""
    columns = zip(POINT.items(), point_of(place), strict=True)
    return frame.with_columns(pl.lit(value, kind).alias(name) for (name, kind), value in columns)


def write_concepts(study) -> None:
    """Write table `concepts`; every gloss has a string in it that is not text to a browser."""
    counts = {"found": 40, "duplicates_within": 0, "duplicates_across": 0, "surplus": 0, "shared": 0}
    rows = [
        {
            **{"index": index, "concept": name, "word": name, "plural": f"{name}s"},
            **{"category": study.category(name), "parent": "", "part_of_speech": "noun"},
            **{"gloss": f"what {name} means, {HOSTILE[index % len(HOSTILE)]}", **counts},
            **{"positives": 40, "negatives": 160, "prevalence": 0.2},
        }
        for index, name in enumerate(study.concepts)
    ]
    write_table(table("concepts", rows), study.folder / "tables" / "concepts.parquet", schema="concepts")


def write_sentences(study, place) -> None:
    """Write table `atlas_sentences` of a checkpoint: four sentences of each standing for every concept."""
    rows = []
    for index, name in enumerate(study.concepts):
        experts = len(study.experts(place.checkpoint, name))
        other = study.concepts[(index + 1) % len(study.concepts)]
        for standing, rank in product(STANDINGS, range(1, 5)):
            about = other if standing == "confused" else name
            separation = STANDINGS[standing] + 0.02 * rank * (-1 if standing == "best" else 1)
            rows.append(
                {
                    **dict(zip(POINT, point_of(place), strict=True)),
                    **{"concept": name, "standing": standing, "rank": rank},
                    **{"sentence": 12 * index + len(rows) % 12, "kind": ("fact", "story")[rank % 2]},
                    "text": f"The {about} {HOSTILE[rank % len(HOSTILE)]} is {standing} number {rank}.",
                    **{"about": about, "positive": standing != "confused"},
                    **{"separation": round(separation, 2), "units": min(experts, 10)},
                }
            )
    write_table(table("atlas_sentences", rows), place.sentences, schema="atlas_sentences")


def write_tables(study, layers: int) -> None:
    """Write the tables of the study as a whole: models, experts, overlap, ratings, interventions."""
    last = study.place([one for one in study.checkpoints if one != "untrained"][-1])
    frames = {
        "models": models_table(study, layers),
        "overlap": overlap_of(last),
        "alignment_pairs": pairs_table(study, last),
        "interventions_concepts": interventions_table(study, last),
    }
    if study.graphed:
        frames["graph_experts"] = graph_experts_table(study)
    for name, frame in frames.items():
        write_table(frame, study.folder / "tables" / f"{name}.parquet", schema=name)


def models_table(study, layers: int) -> pl.DataFrame:
    """How the weights were read."""
    rows = [
        {
            **dict(zip(POINT, point_of(place), strict=True)),
            **{"source": "random" if place.checkpoint == "untrained" else "train", "revision": ""},
            **{"weights_sha256": "0" * 64, "tokenizer_sha256": "1" * 64, "family": "GPT2LMHeadModel"},
            **{"layers": layers, "units": study.units, "parameters": 1000 * study.units, "tokens": 10_000},
            **{"device": "cpu", "dtype": "float32", "dtype_reason": "as the spec says"},
        }
        for place in study.places()
    ]
    return table("models", rows)


def overlap_of(place) -> pl.DataFrame:
    """The overlap of the last checkpoint at the lowest threshold, as the gathered table has it."""
    frame = pl.read_parquet(place.overlap)
    return frame.filter(pl.col("threshold") == frame["threshold"].min())


def pairs_table(study, place) -> pl.DataFrame:
    """Ratings: people say 40 of 50 for two of one category and 10 for others, the taxonomy 1 and 0."""
    ratings = {PEOPLE: (10.0, 40.0), TAXONOMY: (0.0, 1.0)}
    experts = {name: set(study.experts(place.checkpoint, name)) for name in study.concepts}
    rows = []
    for (first, second), reference in product(combinations(study.concepts, 2), ratings):
        both, either = experts[first] & experts[second], experts[first] | experts[second]
        same = study.category(first) == study.category(second)
        rows.append(
            {
                **{"control": "measured", "reference": reference, "concept_a": first, "concept_b": second},
                "rating": ratings[reference][same],
                "similarity": len(both) / len(either) if either else 0.0,
                "same_category": same,
            }
        )
    return identified(place, pl.DataFrame(rows))


def interventions_table(study, place) -> pl.DataFrame:
    """Effects that grow with the number of units, and are a tenth with random ones."""
    rows = []
    for (action, quantity), size, concept in product(EFFECTS, SIZES, study.concepts[:FORCED]):
        effects = {
            kind: EFFECTS[action, quantity] * strength * float(np.log(size + 1))
            for kind, strength in STRENGTH.items()
        }
        rows += [
            {
                **dict(zip(POINT, point_of(place), strict=True)),
                **{"action": action, "units": kind, "size": size, "quantity": quantity},
                **{"concept": concept, "prompts": 32, "effect": effect},
                "difference": effect - effects["random"] if kind == "top" else None,
            }
            for kind, effect in effects.items()
        ]
    return table("interventions_concepts", rows)


def graph_experts_table(study) -> pl.DataFrame:
    """Experts that have a graph: those of one concept fire on its word, those of a category on no word."""
    graphed = set(study.graphs.rows.tolist())
    own = dict(zip(study.graphs.rows.tolist(), study.graphs.pivots, strict=True))
    rows = []
    for checkpoint, concept in product(study.graphed, study.concepts):
        experts = study.experts(checkpoint, concept)
        for rank, (row, ap) in enumerate(experts.items(), start=1):
            if row not in graphed:
                continue
            names = own[row] == study.graphs.word(concept)
            site, layer, unit = study.graphs.places[row]
            rows.append(
                {
                    **dict(zip(POINT, point_of(study.place(checkpoint)), strict=True)),
                    **{"concept": concept, "site": site, "basis": "neuron", "layer": layer, "unit": unit},
                    **{"ap": ap, "rank": rank, "f1": None, "activating_share": float(names)},
                    **{"context_share": 0.0, "names": bool(names), "other_share": 0.0},
                    "tokens": study.graphs.readable[own[row]],
                }
            )
    return table("graph_experts", rows)
