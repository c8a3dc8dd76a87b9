"""Compare concepts with their parents, and their clusters with the lexicon's tree."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.hierarchy import measure_hierarchy

    params = snakemake.params
    measure_hierarchy(
        aps=[Path(path) for path in snakemake.input.aps],
        parents=[Path(path) for path in snakemake.input.parents],
        concepts=Path(snakemake.input.concepts),
        lexicon=Path(snakemake.input.lexicon),
        thresholds=params.thresholds,
        planned_threshold=params.planned_threshold,
        last_checkpoints=params.last_checkpoints,
        permutations=params.hierarchy["permutations"],
        bootstraps=params.hierarchy["bootstraps"],
        seed=params.seed,
        hierarchy=Path(snakemake.output.hierarchy),
        children=Path(snakemake.output.children),
        tree=Path(snakemake.output.tree),
        merges=Path(snakemake.output.merges),
    )
