"""Join experts with their graphs: does what a unit fires on name its concept?"""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.graphs.naming import name_experts

    params, given, out = snakemake.params, snakemake.input, snakemake.output
    tokens = zip(params.rows, map(Path, given.tokens), strict=True)
    name_experts(
        experts=Path(given.experts),
        concepts=Path(given.concepts),
        nodes=Path(given.nodes),
        units=Path(given.units),
        tokens=[(*row, path) for row, path in tokens],
        threshold=params.threshold,
        per_concept=params.per_concept,
        rate=params.settings["rate"],
        last_checkpoints=params.last_checkpoints,
        draws=params.settings["bootstraps"],
        seed=params.seed,
        graph_experts=Path(out.graph_experts),
        graph_naming=Path(out.graph_naming),
    )
