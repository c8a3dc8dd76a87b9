"""Count the experts that chance would give, and those that are left when false ones are controlled."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.discoveries import measure_discoveries
    from golgi.statistics.precision import Point

    params = snakemake.params
    measure_discoveries(
        responses=Path(snakemake.input.responses),
        ap=Path(snakemake.input.ap),
        sets=Path(snakemake.input.sets),
        concepts=Path(snakemake.input.concepts),
        point=Point(snakemake.wildcards.model, snakemake.wildcards.checkpoint, params.step),
        thresholds=params.thresholds,
        level=params.discoveries["level"],
        shuffles=params.discoveries["shuffles"],
        seed=params.seed,
        threads=snakemake.threads,
        discoveries=Path(snakemake.output.discoveries),
    )
