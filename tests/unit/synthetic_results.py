"""Synthetic result tables that follow schemas/tables, for tests of figures, captions and the report."""

from functools import cache
from itertools import combinations

import numpy as np
import polars as pl
from synthetic_claims import claims_table
from synthetic_distributed import distributed_tables
from synthetic_dynamics import dynamics_tables
from synthetic_graphs import graph_tables
from synthetic_hierarchy import hierarchy_tables
from synthetic_interventions import intervention_tables
from synthetic_sensitivity import sensitivity_tables
from synthetic_stability import stability_tables
from synthetic_tables import table
from synthetic_writing import writing_tables

CONTROLS = ("rotated", "shuffled", "word")
CATEGORY_SIZE = 8


def concept_names(count: int, long: bool) -> list[tuple[str, str]]:
    tail = " of the very long and winding compound name" if long else ""
    return [
        (f"thing{place:03d}{tail}", f"category {chr(97 + place // CATEGORY_SIZE % 26)}{tail}")
        for place in range(count)
    ]


def points(checkpoints: list[str], controls: bool) -> list[tuple[str, int | None, str]]:
    """(checkpoint, step, control) of every row group, the untrained twin included."""
    names = ["measured", *(CONTROLS if controls else ())]
    rows = [
        (name, int(name) if name.isdigit() else None, control) for name in checkpoints for control in names
    ]
    return rows + ([("untrained", None, "untrained")] if controls else [])


def where(model: str, checkpoint: str, step: int | None, control: str) -> dict:
    return {"model": model, "checkpoint": checkpoint, "step": step, "control": control}


def strength(checkpoints: list[str], checkpoint: str, control: str) -> float:
    if control in ("untrained", "shuffled"):
        return 0.06
    progress = (checkpoints.index(checkpoint) + 1) / len(checkpoints)
    return progress * {"measured": 1.0, "rotated": 0.5, "word": 0.7}[control]


def study(
    *,
    models: tuple[str, ...] = ("mini-s",),
    checkpoints: tuple[str, ...] = ("0", "1", "512", "1000", "4000", "36000", "72000", "143000"),
    concepts: int = 12,
    layers: int = 4,
    sites: tuple[str, ...] = ("mlp_post",),
    thresholds: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 0.9),
    references: tuple[str, ...] = ("men",),
    controls: bool = True,
    no_experts: bool = False,
    null_rho: bool = False,
    long: bool = False,
    seed: int = 0,
) -> dict[str, pl.DataFrame]:
    """Every table of a study whose experts grow in number and in alignment over training."""
    rng = np.random.default_rng(seed)
    names = concept_names(concepts, long)
    grid = [
        (m, *point, strength(list(checkpoints), point[0], point[2]))
        for m in models
        for point in points(list(checkpoints), controls)
    ]
    scale = 0.0 if no_experts else 1.0
    return {
        "concepts": concepts_table(names),
        "counts": counts_table(rng, grid, names, layers, sites, thresholds, scale),
        "distribution": distribution_table(grid),
        "overlap": overlap_table(rng, grid, names, thresholds[0], no_experts, list(checkpoints)),
        "categories": categories_table(grid, thresholds[0], concepts, no_experts, list(checkpoints)),
        "alignment": alignment_table(grid, thresholds, references, null_rho or no_experts, list(checkpoints)),
        "alignment_pairs": pairs_table(rng, grid, names, references, no_experts, list(checkpoints)),
        "training": training_table(models),
        "models": models_table(models, list(checkpoints), controls),
        **claims_table(models=models, concepts=concepts, undefined=no_experts, long=long),
        **distributed_tables(models=models, checkpoint=checkpoints[-1], concepts=concepts, controls=controls),
        **intervention_tables(
            models=models, checkpoint=checkpoints[-1], concepts=concepts, undefined=no_experts
        ),
        **dynamics_tables(
            grid,
            checkpoints=list(checkpoints),
            concepts=concepts,
            layers=layers,
            references=references,
            threshold=thresholds[0],
            no_experts=no_experts,
            null_rho=null_rho,
        ),
        **sensitivity_tables(
            models=models,
            checkpoint=checkpoints[-1],
            concepts=concepts,
            references=references,
            controls=controls,
            no_experts=no_experts,
            null_rho=null_rho,
        ),
        **hierarchy_tables(
            models=models,
            checkpoint=checkpoints[-1],
            names=names,
            threshold=thresholds[0],
            controls=controls,
            no_experts=no_experts,
        ),
        **stability_tables(grid, names, checkpoints[-1], thresholds, no_experts),
        **graph_tables(
            models=models,
            checkpoint=checkpoints[-1],
            layers=layers,
            sites=sites,
            shifted=controls,
            untrained=controls,
            undefined=no_experts,
        ),
        **writing_tables(names, short=0 if null_rho else 5, silent=no_experts),
    }


def concepts_table(names: list[tuple[str, str]]) -> pl.DataFrame:
    rows = [
        {
            "index": place,
            "concept": name,
            "word": name,
            "plural": f"{name}s",
            "category": category,
            "parent": "entity",
            "part_of_speech": "noun",
            "gloss": "a thing",
            "found": 420,
            "duplicates_within": 3,
            "duplicates_across": 2,
            "surplus": 15,
            "shared": 4,
            "positives": 400,
            "negatives": 1000,
            "prevalence": 400 / 1400,
        }
        for place, (name, category) in enumerate(names)
    ]
    return table("concepts", rows)


def counts_table(rng, grid, names, layers, sites, thresholds, scale) -> pl.DataFrame:
    rows = []
    for model, checkpoint, step, control, force in grid:
        for site in sites:
            for layer in range(layers):
                mean = 60 * force * scale * (0.3 + layer / max(layers, 1))
                top = rng.poisson(mean, size=len(names))
                rows += [
                    {
                        **where(model, checkpoint, step, control),
                        "site": site,
                        "layer": layer,
                        "concept": name,
                        "category": category,
                        "threshold": tau,
                        "experts": int(experts * (1.5 - tau) ** 3),
                        "units": 512,
                    }
                    for (name, category), experts in zip(names, top, strict=True)
                    for tau in thresholds
                ]
    return table("counts", rows)


def distribution_table(grid) -> pl.DataFrame:
    edges = np.linspace(0, 1, 51)
    rows = []
    for model, checkpoint, step, control, force in grid:
        centres = (edges[:-1] + edges[1:]) / 2
        pairs = 1e6 * np.exp(-np.abs(centres - 0.29) / (0.02 + 0.06 * force))
        rows += [
            {
                **where(model, checkpoint, step, control),
                "low": low,
                "high": high,
                "pairs": int(count),
                "chance": 400 / 1400,
            }
            for low, high, count in zip(edges[:-1], edges[1:], pairs, strict=True)
        ]
    return table("distribution", rows)


def overlap_table(rng, grid, names, threshold, no_experts, checkpoints) -> pl.DataFrame:
    rows = []
    for model, checkpoint, step, control, force in grid:
        if checkpoint != checkpoints[-1]:
            continue
        for (first, category_a), (second, category_b) in combinations(names, 2):
            empty = no_experts or bool(rng.random() < 0.03)
            value = (
                0.0 if empty else force * (0.35 if category_a == category_b else 0.08) * (0.5 + rng.random())
            )
            rows.append(
                {
                    **where(model, checkpoint, step, control),
                    "threshold": threshold,
                    "concept_a": first,
                    "concept_b": second,
                    "experts_a": 0 if empty else 40,
                    "experts_b": 0 if empty else 40,
                    "shared": 0,
                    "jaccard": value,
                    "overlap_coefficient": value,
                    "containment_a": value,
                    "containment_b": value,
                    "ap_cosine": 0.4,
                    "empty": empty,
                }
            )
    return table("overlap", rows)


def categories_table(grid, threshold, concepts, no_experts, checkpoints) -> pl.DataFrame:
    if concepts <= CATEGORY_SIZE:
        return table("categories", [])
    rows = []
    for model, checkpoint, step, control, force in grid:
        within, between = (0.0, 0.0) if no_experts else (0.35 * force, 0.08 * force)
        planned = checkpoint == checkpoints[-1] and control == "measured"
        rows.append(
            {
                **where(model, checkpoint, step, control),
                "threshold": threshold,
                "within": within,
                "between": between,
                "ratio": None if no_experts else within / between,
                "difference": within - between,
                "low": within - between - 0.03 * force,
                "high": within - between + 0.04 * force,
                "p": 1.0 if no_experts else 0.0001,
                "family": "planned" if planned else "exploratory",
                "p_holm": (1.0 if no_experts else 0.0002) if planned else None,
                "pairs_within": 28,
                "pairs_between": 38,
                "empty_pairs": 2,
            }
        )
    return table("categories", rows)


def alignment_table(grid, thresholds, references, null, checkpoints) -> pl.DataFrame:
    rows = []
    for model, checkpoint, step, control, force in grid:
        entries = [(control, "jaccard", tau, 0.7 * force * (1.4 - tau)) for tau in thresholds]
        if control == "measured":
            entries += [
                ("input_embedding", "cosine", None, 0.4 * force),
                ("sentence_embedding", "cosine", None, 0.5 * force),
            ]
        for reference in references:
            for name, measure, tau, rho in entries:
                unknown = null and measure == "jaccard"
                planned = name == "measured" and tau == thresholds[0] and checkpoint == checkpoints[-1]
                rows.append(
                    {
                        "model": model,
                        "checkpoint": checkpoint,
                        "step": step,
                        "control": name,
                        "measure": measure,
                        "threshold": tau,
                        "reference": reference,
                        "pairs": 120,
                        "words": 12,
                        "rho": None if unknown else rho,
                        "low": None if unknown else rho - 0.1,
                        "high": None if unknown else rho + 0.08,
                        "p": None if unknown else 0.0013,
                        "family": "planned" if planned else "exploratory",
                        "p_holm": 0.0026 if planned and not unknown else None,
                        "ceiling": 0.84 if reference == "men" else None,
                        "empty_pairs": 1,
                    }
                )
    return table("alignment", rows)


def pairs_table(rng, grid, names, references, no_experts, checkpoints) -> pl.DataFrame:
    rows = []
    for model, checkpoint, step, control, force in grid:
        if checkpoint not in (checkpoints[-1], "untrained"):
            continue
        for reference in references:
            for (first, category_a), (second, category_b) in combinations(names, 2):
                same = category_a == category_b
                rating = (
                    float(2 * same + (first[-1] == second[-1]))
                    if reference == "taxonomy"
                    else float(rng.uniform(20 * same, 50))
                )
                rows.append(
                    {
                        **where(model, checkpoint, step, control),
                        "reference": reference,
                        "concept_a": first,
                        "concept_b": second,
                        "rating": rating,
                        "similarity": 0.0 if no_experts else float(force * (0.1 + 0.3 * same) * rng.random()),
                        "same_category": same,
                    }
                )
    return table("alignment_pairs", rows)


def training_table(models) -> pl.DataFrame:
    rows = [
        {
            "model": model,
            "step": step,
            "tokens": step * 4096,
            "training_loss": None if step == 0 else 8 * (step + 3) ** -0.2,
            "heldout_loss": 7.6 * (step + 1) ** -0.18 if step in (0, 20, 100, 400) else None,
            "unigram_loss": 5.8,
            "bigram_loss": 4.1,
        }
        for model in models
        for step in range(0, 401, 10)
    ]
    return table("training", rows)


def models_table(models, checkpoints, controls) -> pl.DataFrame:
    rows = [
        {
            "model": model,
            "checkpoint": name,
            "step": int(name) if name.isdigit() else None,
            "source": "random" if name == "untrained" else "train",
            "revision": "",
            "weights_sha256": f"{place:064x}",
            "tokenizer_sha256": "a" * 64,
            "family": "GPTNeoXForCausalLM",
            "layers": 4,
            "units": 2048,
            "parameters": 1_300_000,
            "device": "cpu",
            "dtype": "float32",
            "dtype_reason": "stored in float32",
            "tokens": 100_000,
        }
        for model in models
        for place, name in enumerate([*checkpoints, *(["untrained"] if controls else [])])
    ]
    return table("models", rows)


CASES = {
    "small": {"checkpoints": ("0", "20", "100", "400"), "layers": 2, "references": ("taxonomy",)},
    "many": {
        "models": ("mini-s", "mini-m", "mini-l"),
        "concepts": 48,
        "layers": 6,
        "thresholds": (0.5, 0.75),
        "references": ("men", "taxonomy"),
    },
    "sites": {"sites": ("attn_out", "mlp_post", "resid_post"), "concepts": 20},
    "no experts": {"no_experts": True},
    "rho undefined": {"null_rho": True, "references": ("men", "taxonomy")},
    "final alone": {"checkpoints": ("final",), "layers": 1},
    "no controls": {"checkpoints": ("512",), "controls": False, "thresholds": (0.5,)},
    "one concept": {"concepts": 1, "checkpoints": ("0", "1000")},
    "200 concepts": {"concepts": 200, "checkpoints": ("0", "143000"), "layers": 2, "thresholds": (0.5, 0.9)},
    "long names": {
        "models": ("a-model-whose-name-is-as-long-as-the-study-allows-it-to-be-0000",),
        "concepts": 30,
        "long": True,
    },
}


@cache
def case(name: str) -> dict[str, pl.DataFrame]:
    """The tables of one named case; shared by tests, which never change a frame."""
    return study(**CASES[name])
