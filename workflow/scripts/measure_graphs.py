"""Measure how well graphs foretell their units: by layer, by stage of the method, and by unit."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.graphs.measures import measure_graphs

    given, out, settings = snakemake.input, snakemake.output, snakemake.params.settings
    gathered = ("scores", "growth", "graphs", "chosen", "facts")
    measure_graphs(
        **{name: list(map(Path, given.get(name))) for name in gathered},
        rate=settings["rate"],
        bootstraps=settings["bootstraps"],
        seed=snakemake.params.seed,
        graph_scores=Path(out.graph_scores),
        graph_layers=Path(out.graph_layers),
        graph_units=Path(out.graph_units),
        graph_ablation=Path(out.graph_ablation),
    )
