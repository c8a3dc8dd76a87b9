"""Grow the graphs of one layer."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.graphs.growth import grow_graphs

    params, given = snakemake.params, snakemake.input
    grow_graphs(
        exemplars=Path(given.exemplars),
        sample=Path(given.sample),
        chosen=Path(given.chosen),
        layer=int(snakemake.wildcards.layer),
        method={name: value for name, value in params.method.items() if name != "augment"},
        augment=params.method["augment"],
        masked_lm=params.masked_lm and Path(params.masked_lm),
        seed=params.seed,
        graphs=Path(snakemake.output.graphs),
        growth=Path(snakemake.output.growth),
        threads=snakemake.threads,
        **params.opening,
    )
