"""Read every sentence once and keep each unit's pooled response."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake, threads=snakemake.params.compute["threads"]):
    from golgi.models.responses import collect_responses
    from golgi.tables import write_arrays

    params, rotated = snakemake.params, Path(snakemake.output.rotated)
    if params.rotation_seed is None:
        write_arrays({}, rotated)  # Snakemake wants every output, this one without content
    collect_responses(
        folder=Path(params.folder),
        model=snakemake.wildcards.model,
        checkpoint=snakemake.wildcards.checkpoint,
        step=params.step,
        source=params.source,
        untrained_seed=params.untrained_seed,
        pool=Path(snakemake.input.pool),
        concepts=Path(snakemake.input.concepts),
        sites=params.sites,
        pooling=params.pooling,
        bos=params.bos,
        dtype=params.dtype,
        device=params.compute["device"],
        batch_tokens=params.compute["batch_tokens"],
        threads=params.compute["threads"],
        rotation_seed=params.rotation_seed,
        masked=params.masked,
        responses=Path(snakemake.output.responses),
        rotated=None if params.rotation_seed is None else rotated,
        embeddings=Path(snakemake.output.embeddings),
        facts=Path(snakemake.output.facts),
    )
