"""Read the build corpus, and keep where each unit is strongest, where it fires, and a random sample."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.graphs.reading import find_exemplars

    settings, out = snakemake.params.settings, snakemake.output
    find_exemplars(
        text=Path(snakemake.input.text),
        chosen=Path(snakemake.input.chosen),
        window=settings["window"],
        tokens=settings["tokens"]["build"],
        strongest=settings["exemplars"],
        firings=settings["firings"],
        sampled=settings["calibration"],
        fires=settings["fires"],
        weakest=settings["weakest"],
        seed=snakemake.params.seed,
        exemplars=Path(out.exemplars),
        sample=Path(out.sample),
        vocabulary=Path(out.vocabulary),
        facts=Path(out.facts),
        threads=snakemake.threads,
        **snakemake.params.opening,
    )
