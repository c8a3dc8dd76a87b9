"""Grow some graphs of one layer again, without each stage of the method."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.graphs.growth import ablate_graphs

    params, given = snakemake.params, snakemake.input
    ablate_graphs(
        exemplars=Path(given.exemplars),
        sample=Path(given.sample),
        chosen=Path(given.chosen),
        layer=int(snakemake.wildcards.layer),
        per_site=params.units,
        method={name: value for name, value in params.method.items() if name != "augment"},
        augment=params.method["augment"],
        masked_lm=params.masked_lm and Path(params.masked_lm),
        seed=params.seed,
        graphs={variant: Path(path) for variant, path in snakemake.output.items()},
        threads=snakemake.threads,
        **params.opening,
    )
