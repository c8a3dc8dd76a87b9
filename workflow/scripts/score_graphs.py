"""Score the graphs of one layer, and n-grams beside them, on texts that they have not seen."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.graphs.scoring import score_graphs

    params, given = snakemake.params, snakemake.input
    score_graphs(
        exemplars=Path(given.exemplars),
        sample=Path(given.sample),
        texts=Path(given.texts),
        chosen=Path(given.chosen),
        graphs=dict(zip(params.variants, map(Path, given.graphs), strict=True)),
        layer=int(snakemake.wildcards.layer),
        fires=params.settings["fires"],
        rate=params.settings["rate"],
        strong=params.settings["exemplars"],
        scores=Path(snakemake.output.scores),
    )
