"""Train a small language model and keep its checkpoints."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake, threads=snakemake.params.threads):
    from golgi.models.training import train_model

    source, root = snakemake.params.source, Path(snakemake.output.folder)
    shape = ("layers", "width", "heads", "context", "vocabulary", "steps", "batch", "learning_rate")
    train_model(
        training=Path(snakemake.input.training),
        heldout=Path(snakemake.input.heldout),
        folders={step: root / f"step{step}" for step in snakemake.params.checkpoints},
        losses=Path(snakemake.output.losses),
        model=snakemake.wildcards.model,
        **{name: source[name] for name in shape},
        seed=snakemake.params.seed,
        threads=snakemake.params.threads,
    )
