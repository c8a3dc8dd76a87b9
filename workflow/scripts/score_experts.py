"""Score every unit as a detector of every concept, controls included."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.experts.scoring import score_experts

    params = snakemake.params
    score_experts(
        responses=Path(snakemake.input.responses),
        rotated=Path(snakemake.input.rotated),
        sets=Path(snakemake.input.sets),
        concepts=Path(snakemake.input.concepts),
        model=snakemake.wildcards.model,
        checkpoint=snakemake.wildcards.checkpoint,
        step=params.step,
        controls=params.controls,
        untrained=snakemake.wildcards.checkpoint == "untrained",
        thresholds=[params.lowest],
        seed=params.seed,
        threads=snakemake.threads,
        ap=Path(snakemake.output.ap),
        experts=Path(snakemake.output.experts),
    )
