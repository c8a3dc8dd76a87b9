"""Put the nodes of all graphs into one table, and find units that are alike."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.graphs.index import index_graphs

    tokens = zip(snakemake.params.rows, map(Path, snakemake.input.tokens), strict=True)
    index_graphs(
        graphs=list(map(Path, snakemake.input.graphs)),
        tokens=[(*row, path) for row, path in tokens],
        rate=snakemake.params.settings["rate"],
        nodes=Path(snakemake.output.nodes),
        pairs=Path(snakemake.output.pairs),
    )
