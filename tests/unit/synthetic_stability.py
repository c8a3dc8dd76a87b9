"""Synthetic tables of stability and of false discoveries that follow schemas/tables."""

import polars as pl
from synthetic_tables import table

SIZES = [(positives, negatives) for positives in (25, 50, 100) for negatives in (60, 125, 250)]
CONTROLS = ("measured", "shuffled", "untrained")


def stability_tables(grid, names, last, thresholds, no_experts) -> dict[str, pl.DataFrame]:
    """Tables of experts whose folds agree the more, the more sentences there are."""
    places = [place for place in grid if place[1] in (last, "untrained") and place[3] in CONTROLS]
    scale = 0.0 if no_experts else 1.0
    return {
        "stability": stability_table(places, len(names), thresholds, scale),
        "stability_concepts": stability_concepts_table(places, names[:2], thresholds, scale),
        "discoveries": discoveries_table(places, names, thresholds, scale),
    }


def point(model, checkpoint, step, control) -> dict:
    return {"model": model, "checkpoint": checkpoint, "step": step, "control": control}


def agreement(positives: int, negatives: int, force: float, scale: float) -> float:
    return scale * force * (0.3 + 0.2 * positives / 100 + 0.4 * negatives / 250)


def stability_table(places, concepts, thresholds, scale) -> pl.DataFrame:
    rows = []
    for model, checkpoint, step, control, force in places:
        for positives, negatives in SIZES:
            chance, overlap = (
                positives / (positives + negatives),
                agreement(positives, negatives, force, scale),
            )
            for tau in thresholds:
                experts = scale * 400 * force * (1.5 - tau) ** 3
                best = (positives, negatives) == SIZES[-1] and control == "measured" and overlap > 0
                rows.append(
                    {
                        **point(model, checkpoint, step, control),
                        "positives": positives,
                        "negatives": negatives,
                        "threshold": tau,
                        "chance": chance,
                        "by_chance": 0.0 if tau > chance + 0.1 else 0.2,
                        "beyond_chance": tau > chance + 0.1,
                        "folds": 4,
                        "concepts": concepts,
                        "sharing_concepts": 0,
                        "overlap": overlap,
                        "overlap_low": 0.95 * overlap,
                        "overlap_high": 1.05 * overlap,
                        "experts": experts,
                        "experts_low": 0.9 * experts,
                        "experts_high": 1.1 * experts,
                        "empty_pairs": 0 if overlap else 6 * concepts,
                        "recommended": best and tau > chance + 0.1,
                    }
                )
    return table("stability", rows)


def stability_concepts_table(places, names, thresholds, scale) -> pl.DataFrame:
    rows = [
        {
            **point(model, checkpoint, step, control),
            "positives": positives,
            "negatives": negatives,
            "threshold": tau,
            "concept": name,
            "overlap": agreement(positives, negatives, force, scale),
            "experts": scale * 100 * force,
            "empty_pairs": 0 if scale else 6,
            "shared_origins": 0,
        }
        for model, checkpoint, step, control, force in places
        for positives, negatives in SIZES
        for tau in thresholds
        for name, _ in names
    ]
    return table("stability_concepts", rows)


def discoveries_table(places, names, thresholds, scale) -> pl.DataFrame:
    rows = []
    for model, checkpoint, step, control, force in places:
        if control == "shuffled":
            continue
        for name, category in names:
            for tau in thresholds:
                experts = int(scale * 400 * force * (1.5 - tau) ** 3)
                expected = 60 * max(0.7 - tau, 0) ** 2
                rows.append(
                    {
                        **point(model, checkpoint, step, control),
                        "threshold": tau,
                        "concept": name,
                        "category": category,
                        "chance": 0.289,
                        "units": 2048,
                        "experts": experts,
                        "expected": expected,
                        "fdr": min(expected / experts, 1.0) if experts else None,
                        "controlled": int(0.9 * experts),
                        "rejected": int(scale * 350 * force),
                        "shuffles": 20,
                        "level": 0.05,
                    }
                )
    return table("discoveries", rows)
