"""Count the experts of every layer and concept, and draw up the distribution of average precision."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.counts import measure_counts

    measure_counts(
        aps=[Path(path) for path in snakemake.input.aps],
        concepts=Path(snakemake.input.concepts),
        thresholds=snakemake.params.thresholds,
        counts=Path(snakemake.output.counts),
        distribution=Path(snakemake.output.distribution),
    )
