"""Follow the number of experts and their alignment over training, layer by layer."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.dynamics import measure_dynamics

    params = snakemake.params
    measure_dynamics(
        aps=[Path(path) for path in snakemake.input.aps],
        concepts=Path(snakemake.input.concepts),
        lexicon=Path(snakemake.input.lexicon),
        references=params.references,
        reference_files={name: Path(path) for name, path in params.reference_files.items()},
        threshold=params.threshold,
        bootstraps=params.dynamics["bootstraps"],
        seed=params.seed,
        dynamics=Path(snakemake.output.dynamics),
        alignment=Path(snakemake.output.alignment),
    )
