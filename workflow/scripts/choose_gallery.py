"""Choose the best, the median and the worst graphs of a checkpoint, with texts."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.graphs.gallery import write_gallery

    given, settings = snakemake.input, snakemake.params.settings
    write_gallery(
        chosen=Path(given.chosen),
        scores=list(map(Path, given.scores)),
        graphs=list(map(Path, given.graphs)),
        texts=Path(given.texts),
        tokens=Path(given.tokens),
        fires=settings["fires"],
        rate=settings["rate"],
        seed=snakemake.params.seed,
        gallery=Path(snakemake.output.gallery),
    )
