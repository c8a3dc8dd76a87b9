"""Synthetic tables of training dynamics and of polysemy, for tests of figures and captions."""

import numpy as np
import polars as pl
from synthetic_tables import table

UNITS_PER_LAYER = 512


def dynamics_tables(
    grid: list[tuple],
    *,
    checkpoints: list[str],
    concepts: int,
    layers: int,
    references: tuple[str, ...],
    threshold: float,
    no_experts: bool,
    null_rho: bool,
    grows: float = 1.0,
) -> dict[str, pl.DataFrame]:
    """Tables of (model, checkpoint, step, control, force) rows; each model `grows` times the one before."""
    models = list(dict.fromkeys(row[0] for row in grid))
    last = [row for row in grid if row[1] in (checkpoints[-1], "untrained")]
    sizes = {model: grows**rank for rank, model in enumerate(models)}
    return {
        "dynamics": dynamics_table(grid, concepts, layers, threshold, no_experts, sizes),
        "dynamics_alignment": alignment_table(
            grid, layers, references, threshold, null_rho or no_experts, models
        ),
        "polysemy": polysemy_table(last, concepts, threshold, no_experts),
        "polysemy_sharing": sharing_table(last, concepts, threshold, no_experts),
    }


def where(model: str, checkpoint: str, step: int | None, control: str, threshold: float) -> dict:
    point = {"model": model, "checkpoint": checkpoint, "step": step, "control": control}
    return point | {"threshold": threshold}


def dynamics_table(grid, concepts, layers, threshold, no_experts, sizes) -> pl.DataFrame:
    rows = []
    for model, checkpoint, step, control, force in grid:
        units = round(UNITS_PER_LAYER * sizes[model])
        means = [0.0 if no_experts else 0.1 * units * force / (1 + layer) for layer in range(layers)]
        for layer, experts in [*enumerate(means), (None, sum(means))]:
            rows.append(
                {
                    **where(model, checkpoint, step, control, threshold),
                    "layer": layer,
                    "concepts": concepts,
                    "units": units * (layers if layer is None else 1),
                    "experts": experts,
                    "experts_low": 0.9 * experts,
                    "experts_high": 1.1 * experts,
                    "share": experts / (units * (layers if layer is None else 1)),
                }
            )
    return table("dynamics", rows)


def alignment_table(grid, layers, references, threshold, null, models) -> pl.DataFrame:
    rows = []
    for model, checkpoint, step, control, force in grid:
        for reference in references:
            for layer in (*range(layers), None):
                size = 1 - 0.1 * (len(models) - 1 - models.index(model))
                rho = 0.6 * force * size * (1 if layer is None else 0.5 + 0.4 * layer / layers)
                rows.append(
                    {
                        **where(model, checkpoint, step, control, threshold),
                        "layer": layer,
                        "reference": reference,
                        "pairs": 120,
                        "words": 12,
                        "rho": None if null else rho,
                        "low": None if null else rho - 0.1,
                        "high": None if null else rho + 0.08,
                        "ceiling": 0.84 if reference == "men" else None,
                        "empty_pairs": 1,
                    }
                )
    return table("dynamics_alignment", rows)


def spectrum(force: float, concepts: int, no_experts: bool) -> dict[int, int]:
    """Units by their number of concepts."""
    if no_experts:
        return {0: 2048}
    numbers = np.arange(1, min(concepts, 30) + 1)
    shares = np.exp(-numbers / (6 * force + 1))
    units = dict(
        zip(numbers.tolist(), (1500 * force * shares / shares.sum()).astype(int).tolist(), strict=True)
    )
    return {0: 2048 - sum(units.values())} | {number: count for number, count in units.items() if count}


def polysemy_table(last, concepts, threshold, no_experts) -> pl.DataFrame:
    rows = [
        {**where(model, checkpoint, step, control, threshold), "concepts": number, "units": units}
        for model, checkpoint, step, control, force in last
        for number, units in spectrum(force, concepts, no_experts).items()
    ]
    return table("polysemy", rows)


def sharing_table(last, concepts, threshold, no_experts) -> pl.DataFrame:
    return table("polysemy_sharing", [sharing_row(row, concepts, threshold, no_experts) for row in last])


def sharing_row(row: tuple, concepts: int, threshold: float, no_experts: bool) -> dict:
    model, checkpoint, step, control, force = row
    units = spectrum(force, concepts, no_experts)
    experts, polysemous = (sum(units[number] for number in units if number >= least) for least in (1, 2))
    paired, planned = polysemous > 0, control == "measured"
    same = 0.3 + 0.2 * force
    return {
        **where(model, checkpoint, step, control, threshold),
        "concepts": concepts,
        "units": 2048,
        "experts": experts,
        "polysemous": polysemous,
        "share": polysemous / experts if experts else None,
        "low": 0.9 * polysemous / experts if experts else None,
        "high": min(1.0, 1.05 * polysemous / experts) if experts else None,
        "mean_concepts": sum(number * units[number] for number in units) / experts if experts else None,
        "pairs": sum(units[number] * number * (number - 1) // 2 for number in units),
        "same_category": same if paired else None,
        "same_category_low": same - 0.08 if paired else None,
        "same_category_high": same + 0.1 if paired else None,
        "expected": 0.28 if paired else None,
        "one_category": polysemous // 3,
        "one_category_expected": 0.1 * polysemous,
        "p": 0.0004 if paired else None,
        "family": "planned" if planned else "exploratory",
        "p_holm": 0.0008 if planned and paired else None,
    }
