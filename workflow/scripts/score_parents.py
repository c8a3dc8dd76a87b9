"""Score every unit as a classifier of the parents of the concepts."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.experts.parents import score_parents

    params = snakemake.params
    score_parents(
        responses=Path(snakemake.input.responses),
        rotated=Path(snakemake.input.rotated),
        pool=Path(snakemake.input.pool),
        sets=Path(snakemake.input.sets),
        concepts=Path(snakemake.input.concepts),
        parents=Path(snakemake.output.parents),
        model=snakemake.wildcards.model,
        checkpoint=snakemake.wildcards.checkpoint,
        step=params.step,
        controls=params.controls,
        seed=params.seed,
        threads=snakemake.threads,
        untrained=snakemake.wildcards.checkpoint == "untrained",
    )
