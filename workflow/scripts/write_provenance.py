"""Write where a finished study comes from."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.provenance.gathering import write_provenance

    params, given = snakemake.params, snakemake.input
    write_provenance(
        study=snakemake.wildcards.study,
        spec_sha256=params.spec_sha256,
        origin=params.origin,
        device=params.device,
        names=params.names,
        models=Path(given.models),
        ends=[given.report, given.atlas, *given.drawings],
        provenance=Path(snakemake.output.provenance),
        writer=Path(given.writer[0]) if given.writer else None,
    )
