"""Draw graphs of a checkpoint, a unit each, and a page that shows them."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.graphs.drawing import draw_graphs
    from golgi.provenance.facts import provenance

    given, params, names = snakemake.input, snakemake.params, snakemake.wildcards
    tables = {"graph_nodes": Path(given.nodes), "graph_units": Path(given.units)}
    facts = provenance(
        study=names.study,
        fingerprint=params.fingerprint,
        origin=params.origin,
        tables=tables,
        models=Path(given.models),
    )
    draw_graphs(
        nodes=tables["graph_nodes"],
        units=tables["graph_units"],
        experts=Path(given.experts[0]) if given.experts else None,
        model=names.model,
        checkpoint=names.checkpoint,
        drawings=params.drawings,
        metadata=facts,
        folder=Path(snakemake.output.folder),
    )
