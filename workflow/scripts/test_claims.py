"""Test the claims of a study on its finished tables."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.claims import test_claims

    params = snakemake.params
    test_claims(
        rows=params.rows,
        tables=dict(zip(params.names, map(Path, snakemake.input.tables), strict=True)),
        draws=params.draws,
        seed=params.seed,
        claims=Path(snakemake.output.claims),
    )
