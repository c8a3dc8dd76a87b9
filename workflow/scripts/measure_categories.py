"""Compare the overlap of concepts within and between categories."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.categories import measure_categories

    params = snakemake.params
    measure_categories(
        overlaps=[Path(path) for path in snakemake.input.overlaps],
        concepts=Path(snakemake.input.concepts),
        planned_threshold=params.planned_threshold,
        last_checkpoints=params.last_checkpoints,
        permutations=params.categories["permutations"],
        bootstraps=params.categories["bootstraps"],
        seed=params.seed,
        categories=Path(snakemake.output.categories),
    )
