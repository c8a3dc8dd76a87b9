"""Write the pages to browse a study's units in."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.atlas.contents import places_of
    from golgi.atlas.writing import write_atlas

    given, params = snakemake.input, snakemake.params
    write_atlas(
        study=snakemake.wildcards.study,
        title=params.title,
        seed=params.seed,
        sites=params.sites,
        threshold=params.threshold,
        thresholds=params.thresholds,
        fires=params.fires,
        places=places_of(
            params.rows,
            params.graph_rows,
            expertise=given.expertise,
            units=given.units,
            sentences=given.sentences,
            overlap=given.overlap,
            tokens=given.tokens,
            windows=given.windows,
        ),
        tables=dict(zip(params.names, map(Path, given.tables), strict=True)),
        references=params.references,
        single_file=params.single_file,
        folder=Path(snakemake.output.folder),
    )
