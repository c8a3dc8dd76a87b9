"""The models and the sentences of a study, as its report describes them."""

import polars as pl

from golgi.figures.rows import share


def model_names(frames: dict[str, pl.DataFrame]) -> list[str]:
    """Return the models that the tables are about, in their order; none where no table names any."""
    named = next((frames[name] for name in ("models", "counts", "alignment") if name in frames), None)
    return [] if named is None else named["model"].unique(maintain_order=True).to_list()


def model_rows(models: pl.DataFrame | None) -> list[dict]:
    """Return one row per model of table `models`: what its checkpoints have in common, and which they are."""
    rows = []
    for _, checkpoints in [] if models is None else models.group_by(["model"], maintain_order=True):
        trained = checkpoints.filter(pl.col("checkpoint") != "untrained")
        first = (checkpoints if trained.is_empty() else trained).row(0, named=True)
        reasons = f"{first['model']}: {first['dtype']} is {first['dtype_reason']}"
        rows.append(first | {"checkpoints": checkpoints["checkpoint"].to_list(), "reasons": reasons})
    return rows


def data_facts(concepts: pl.DataFrame | None) -> dict | None:
    """Return totals over table `concepts`, and one row per category; None without concepts."""
    if concepts is None or concepts.is_empty():
        return None
    dropped = [
        pl.col(name).sum()
        for name in ("found", "duplicates_within", "duplicates_across", "surplus", "shared")
    ]
    by_category = concepts.group_by("category").agg(
        pl.len().alias("concepts"),
        pl.col("concept").sort().str.join(", ").alias("names"),
        *dropped,
        pl.col("positives").min().alias("positives_least"),
        pl.col("positives").max().alias("positives_most"),
        pl.col("negatives").min().alias("negatives_least"),
        pl.col("negatives").max().alias("negatives_most"),
    )
    return {
        "concepts": concepts.height,
        "prevalence_least": concepts["prevalence"].min(),
        "prevalence_most": concepts["prevalence"].max(),
        "categories": by_category.sort("category").to_dicts(),
        **concepts.select(dropped).row(0, named=True),
    }


def reference_rows(references: dict[str, dict], alignment: pl.DataFrame | None) -> list[tuple[str, str]]:
    """Return name of each reference that was compared, and whose judgement it is."""
    compared = set() if alignment is None else set(alignment["reference"])
    return [(name, _judged(given)) for name, given in references.items() if name in compared]


def _judged(given: dict) -> str:
    if given.get("lexicon"):
        return "Attributes that two concepts share in the study's lexicon. No person rated a pair."
    ceiling = given.get("ceiling")
    agreement = "" if ceiling is None else f" People agree with each other at {share(ceiling)}."
    return f"People's ratings of pairs of words.{agreement}"
