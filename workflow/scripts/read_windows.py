"""Choose texts to show beside graphs of a checkpoint: where units fire, where graphs err, random ones."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.atlas.windows import read_windows

    given, settings = snakemake.input, snakemake.params.settings
    read_windows(
        chosen=Path(given.chosen),
        graphs=list(map(Path, given.graphs)),
        texts=Path(given.texts),
        fires=settings["fires"],
        rate=settings["rate"],
        seed=snakemake.params.seed,
        windows=Path(snakemake.output.windows),
    )
