"""Compare linear probes with the best single unit, and bases at equal numbers of units."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.distributed import measure_distributed

    params = snakemake.params
    measure_distributed(
        probes=Path(snakemake.input.probes),
        aps=[Path(path) for path in snakemake.input.aps],
        concepts=Path(snakemake.input.concepts),
        sizes=params.distributed["sizes"],
        last_checkpoints=params.last_checkpoints,
        permutations=params.distributed["permutations"],
        bootstraps=params.distributed["bootstraps"],
        seed=params.seed,
        distributed=Path(snakemake.output.distributed),
        equal_units=Path(snakemake.output.equal_units),
    )
