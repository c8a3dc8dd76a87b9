"""Put the rows of several tables of one kind into one."""

from golgi.jobs import job

with job(snakemake):
    from golgi.tables import gather_tables

    gather_tables(
        snakemake.input.parts,
        snakemake.output.table,
        schema=snakemake.params.schema,
        threshold=snakemake.params.get("threshold"),
        csv=snakemake.params.get("csv", True),
    )
