"""Download one checkpoint of a model from the hub."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.models.hub import fetch_model

    fetch_model(
        name=snakemake.params.name,
        revision=snakemake.wildcards.revision,
        folder=Path(snakemake.output.folder),
    )
