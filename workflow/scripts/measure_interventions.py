"""Test what interventions on the units of a concept do to its words and to neutral text."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.interventions import measure_interventions

    params = snakemake.params
    measure_interventions(
        prompts=Path(snakemake.input.prompts),
        planned_size=params.settings["size"],
        permutations=params.settings["permutations"],
        bootstraps=params.settings["bootstraps"],
        seed=params.seed,
        interventions=Path(snakemake.output.interventions),
        concepts=Path(snakemake.output.concepts),
    )
