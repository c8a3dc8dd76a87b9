"""Sum up the stability of experts over the concepts, and recommend numbers of sentences."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.stability import summarise_stability

    params = snakemake.params
    summarise_stability(
        parts=[Path(path) for path in snakemake.input.parts],
        folds=params.folds,
        bootstraps=params.bootstraps,
        seed=params.seed,
        stability=Path(snakemake.output.stability),
        concepts=Path(snakemake.output.concepts),
    )
