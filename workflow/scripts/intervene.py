"""Set expert units, and others to compare with, and keep what the model does then."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.models.interventions import intervene

    params = snakemake.params
    intervene(
        **params.opening,
        model=snakemake.wildcards.model,
        checkpoint=snakemake.wildcards.checkpoint,
        step=params.step,
        ap=Path(snakemake.input.ap),
        concepts=Path(snakemake.input.concepts),
        texts=Path(snakemake.input.texts),
        chosen=params.chosen,
        settings=params.settings,
        seed=params.seed,
        prompts=Path(snakemake.output.prompts),
        threads=snakemake.threads,
    )
