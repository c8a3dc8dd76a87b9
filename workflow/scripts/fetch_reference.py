"""Download a table of human ratings and check it against its checksum."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.references import fetch_reference

    fetch_reference(
        url=snakemake.params.source[0],
        sha256=snakemake.params.source[1],
        file=Path(snakemake.output.file),
    )
