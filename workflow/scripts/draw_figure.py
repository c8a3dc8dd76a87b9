"""Draw one figure, and write its caption with the numbers of the tables in it."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.captions import caption
    from golgi.figures import draw_figure
    from golgi.figures.saving import save_figure
    from golgi.files import write_atomically
    from golgi.provenance.facts import provenance
    from golgi.tables import read_table

    params, out = snakemake.params, snakemake.output
    paths = dict(zip(params.names, map(Path, snakemake.input.tables), strict=True))
    tables = {name: read_table(path, schema=name) for name, path in paths.items()}
    facts = provenance(
        study=snakemake.wildcards.study,
        fingerprint=params.fingerprint,
        origin=params.origin,
        tables=paths,
        models=Path(snakemake.input.models) if snakemake.input.models else None,
    )
    figure = draw_figure(params.figure, tables, params.options)
    save_figure(figure, [Path(out.pdf), Path(out.svg), Path(out.png)], facts, dpi=params.options["dpi"])
    with write_atomically(out.caption) as temporary:
        temporary.write_text(caption(params.figure, tables, params.options) + "\n", encoding="utf-8")
