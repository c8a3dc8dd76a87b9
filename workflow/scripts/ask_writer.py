"""Ask a language model for sentences, and keep what it wrote and what the gates said of it."""

from pathlib import Path

from golgi.jobs import job

with job(snakemake):
    from golgi.writing.reach import read_reach
    from golgi.writing.rounds import write_with_model
    from golgi.writing.transcript import Transcript

    params, output = snakemake.params, snakemake.output
    source = read_reach(params.spec)
    if params.folder is None:
        from golgi.writing.server import Server

        writer = Server(**source)
    else:
        from golgi.models.writer import LocalWriter

        writer = LocalWriter(Path(params.folder), source=source, device=params.device)
    write_with_model(
        lexicon=Path(snakemake.input.lexicon),
        categories=params.categories,
        only=params.only,
        llm=params.llm,
        price=source.get("price"),
        positives=params.positives,
        seed=params.seed,
        writer=writer,
        transcript=Transcript(Path(params.transcript), map(Path, snakemake.input.transcripts)),
        written=Path(output.written),
        replies=Path(output.replies),
        facts=Path(output.facts),
        table=Path(output.table),
    )
