"""Count how many concepts each unit is an expert of, and whether they are of one category."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.polysemy import measure_polysemy

    params = snakemake.params
    measure_polysemy(
        aps=[Path(path) for path in snakemake.input.aps],
        concepts=Path(snakemake.input.concepts),
        threshold=params.threshold,
        permutations=params.polysemy["permutations"],
        bootstraps=params.polysemy["bootstraps"],
        seed=params.seed,
        polysemy=Path(snakemake.output.polysemy),
        sharing=Path(snakemake.output.sharing),
    )
