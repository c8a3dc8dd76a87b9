"""Write the study's sentences, concepts and sets."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.concepts.sentences import write_sentences

    concepts, written = snakemake.params.concepts, snakemake.input.written
    write_sentences(
        lexicon=Path(snakemake.input.lexicon),
        categories=concepts.get("categories"),
        only=concepts.get("only"),
        source=concepts["sentences"]["source"],
        written=tuple(map(Path, written)) or None,
        positives=concepts["sentences"]["positives"],
        negatives=concepts["sentences"]["negatives"],
        seed=snakemake.params.seed,
        pool=Path(snakemake.output.pool),
        sets=Path(snakemake.output.sets),
        concepts=Path(snakemake.output.concepts),
    )
