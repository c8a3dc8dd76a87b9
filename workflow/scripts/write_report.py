"""Write the report of a study as one page."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.provenance.facts import provenance
    from golgi.reporting.report import write_report

    params, study = snakemake.params, snakemake.wildcards.study
    writer, report = snakemake.input.writer, Path(snakemake.output.report)
    drawings = [Path(folder, "index.html") for folder in snakemake.input.drawings]
    tables = dict(zip(params.names, map(Path, snakemake.input.tables), strict=True))
    write_report(
        study=study,
        title=params.title,
        asked=params.asked,
        settings=params.settings,
        fingerprint=params.fingerprint,
        tables=tables,
        figures=dict(zip(params.figures, map(Path, snakemake.input.figures), strict=True)),
        captions=dict(zip(params.figures, map(Path, snakemake.input.captions), strict=True)),
        provenance=provenance(
            study=study, fingerprint=params.fingerprint, tables=tables, models=tables["models"]
        ),
        warnings=params.warnings,
        references=params.references,
        writer=Path(writer[0]) if writer else None,
        drawings=dict(zip(map(tuple, params.graphs), drawings, strict=True)),
        atlas=report.parent / "atlas" / "index.html" if params.atlas else None,
        citation=Path(snakemake.input.citation),
        report=report,
    )
