"""Write the text that a model is trained on."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.concepts.training_text import write_corpus

    write_corpus(
        corpus=snakemake.params.source["corpus"],
        documents=snakemake.params.source["documents"],
        lexicon=Path(snakemake.input.lexicon),
        seed=snakemake.params.seed,
        training=Path(snakemake.output.training),
        heldout=Path(snakemake.output.heldout),
    )
