"""Compare the similarity of concepts in the models with what people, or the lexicon, say."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.alignment import measure_alignment

    params = snakemake.params
    measure_alignment(
        overlaps=[Path(path) for path in snakemake.input.overlaps],
        concepts=Path(snakemake.input.concepts),
        lexicon=Path(snakemake.input.lexicon),
        embeddings=[Path(path) for path in snakemake.input.embeddings],
        references=params.alignment["references"],
        reference_files={name: Path(path) for name, path in params.reference_files.items()},
        planned_threshold=params.planned_threshold,
        last_checkpoints=params.last_checkpoints,
        permutations=params.alignment["permutations"],
        bootstraps=params.alignment["bootstraps"],
        seed=params.seed,
        alignment=Path(snakemake.output.alignment),
        pairs=Path(snakemake.output.pairs),
    )
