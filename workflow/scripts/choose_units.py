"""Choose the units of a checkpoint that get a graph."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.graphs.units import choose_units

    choose_units(
        expertise=Path(snakemake.input.expertise),
        experts=Path(snakemake.input.experts),
        choice=snakemake.params.choice,
        model=snakemake.wildcards.model,
        checkpoint=snakemake.wildcards.checkpoint,
        step=snakemake.params.step,
        seed=snakemake.params.seed,
        chosen=Path(snakemake.output.chosen),
    )
