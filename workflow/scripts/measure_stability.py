"""Find the experts of disjoint folds of sentences, and how far they agree."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.folds import Grid
    from golgi.statistics.precision import Point
    from golgi.statistics.stability import measure_stability

    params = snakemake.params
    sizes = params.sizes
    measure_stability(
        responses=Path(snakemake.input.responses),
        pool=Path(snakemake.input.pool),
        sets=Path(snakemake.input.sets),
        concepts=Path(snakemake.input.concepts),
        point=Point(snakemake.wildcards.model, snakemake.wildcards.checkpoint, params.step),
        controls=params.controls,
        thresholds=params.thresholds,
        grid=Grid(sizes["folds"], sizes["positives"], sizes["negatives"]),
        seed=params.seed,
        threads=snakemake.threads,
        stability=Path(snakemake.output.stability),
    )
