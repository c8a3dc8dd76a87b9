"""Write the held-out sentences that interventions are measured on."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.concepts.intervention_text import write_intervention_text

    params = snakemake.params
    write_intervention_text(
        source=params.source,
        lexicon=Path(snakemake.input.lexicon),
        pool=Path(snakemake.input.pool),
        concepts=Path(snakemake.input.concepts),
        chosen=params.chosen,
        **params.amounts,
        seed=params.seed,
        texts=Path(snakemake.output.texts),
    )
