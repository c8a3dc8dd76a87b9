"""Fit linear probes to the responses of a checkpoint, and find the best unit of each concept."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.models.probes import fit_probes

    params = snakemake.params
    fit_probes(
        responses=Path(snakemake.input.responses),
        rotated=Path(snakemake.input.rotated),
        pool=Path(snakemake.input.pool),
        sets=Path(snakemake.input.sets),
        concepts=Path(snakemake.input.concepts),
        probes=Path(snakemake.output.probes),
        model=snakemake.wildcards.model,
        checkpoint=snakemake.wildcards.checkpoint,
        step=params.step,
        controls=params.controls,
        sizes=params.sizes,
        heldout=params.heldout,
        seed=params.seed,
        threads=snakemake.threads,
        untrained=snakemake.wildcards.checkpoint == "untrained",
    )
