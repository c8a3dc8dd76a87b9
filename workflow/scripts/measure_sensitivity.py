"""Measure experts and alignment with one choice of the study made otherwise."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.statistics.sensitivity import measure_sensitivity

    params, inputs, own = snakemake.params, snakemake.input, snakemake.params.own
    measure_sensitivity(
        ap=Path(inputs.ap),
        variants=Path(inputs.variants),
        responses=Path(inputs.responses),
        sets=Path(inputs.sets),
        concepts=Path(inputs.concepts),
        lexicon=Path(inputs.lexicon),
        references=params.references,
        reference_files={name: Path(path) for name, path in params.reference_files.items()},
        own={"pooling": own["pooling"], "site": " + ".join(own["sites"]), "bos": str(own["bos"]).lower()},
        sizes=params.sizes,
        thresholds=params.thresholds,
        threshold=params.threshold,
        bootstraps=params.bootstraps,
        seed=params.seed,
        threads=snakemake.threads,
        sensitivity=Path(snakemake.output.sensitivity),
    )
