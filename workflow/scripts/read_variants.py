"""Read every sentence in other ways than the study's own, and score the units for its concepts."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.experts.variants import score_variants
    from golgi.models.variants import plan_variants, read_variants

    params, responses = snakemake.params, Path(snakemake.output.responses)
    read_variants(
        folder=Path(params.opening["folder"]),
        who=params.opening["who"],
        untrained_seed=params.opening["untrained_seed"],
        pool=Path(snakemake.input.pool),
        concepts=Path(snakemake.input.concepts),
        variants=plan_variants(**params.reading, alternatives=params.alternatives),
        dtype=params.opening["dtype"],
        device=params.opening["device"],
        batch_tokens=params.opening["batch_tokens"],
        threads=snakemake.threads,
        responses=responses,
    )
    score_variants(
        responses=responses,
        sets=Path(snakemake.input.sets),
        concepts=Path(snakemake.input.concepts),
        ap=Path(snakemake.output.ap),
        threads=snakemake.threads,
    )
