"""Compare the expert sets of every pair of concepts."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.overlap import measure_overlap

    measure_overlap(
        ap=Path(snakemake.input.ap),
        concepts=Path(snakemake.input.concepts),
        thresholds=snakemake.params.thresholds,
        overlap=Path(snakemake.output.overlap),
    )
