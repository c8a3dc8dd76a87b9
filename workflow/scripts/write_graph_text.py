"""Write a text that neuron graphs are grown from, or scored on."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.concepts.graph_text import write_graph_text

    params = snakemake.params
    write_graph_text(
        part=snakemake.wildcards.part,
        source=params.source,
        split=params.split,
        lexicon=Path(snakemake.input.lexicon),
        pool=Path(snakemake.input.pool),
        tokens=params.tokens,
        seed=params.seed,
        build=Path(snakemake.input.build) if snakemake.input.build else None,
        text=Path(snakemake.output.text),
    )
