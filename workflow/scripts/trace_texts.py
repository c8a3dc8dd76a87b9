"""Read the texts that graphs are scored on."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.graphs.reading import trace_texts

    params = snakemake.params
    trace_texts(
        texts=dict(zip(params.names, map(Path, snakemake.input.texts), strict=True)),
        chosen=Path(snakemake.input.chosen),
        window=params.settings["window"],
        tokens=params.settings["tokens"],
        activations=Path(snakemake.output.activations),
        threads=snakemake.threads,
        **params.opening,
    )
