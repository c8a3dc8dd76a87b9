"""Describe all units of a checkpoint for the atlas, and the sentences that the best ones tell apart."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.atlas.units import describe_units

    given, params = snakemake.input, snakemake.params
    describe_units(
        responses=Path(given.responses),
        expertise=Path(given.expertise),
        pool=Path(given.pool),
        sets=Path(given.sets),
        concepts=Path(given.concepts),
        sites=params.sites,
        threshold=params.threshold,
        units=Path(snakemake.output.units),
        sentences=Path(snakemake.output.sentences),
    )
