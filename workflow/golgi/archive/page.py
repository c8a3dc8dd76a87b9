"""The page that an archive opens with: what to do with it, what is in it, and what was left out."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from golgi.archive import contents
from golgi.archive.contents import Archive
from golgi.provenance.display import size
from golgi.study.plan import UNTRAINED, Study
from golgi.tables import read_table

PAGE = """# {title}

The study `{name}`, as [Golgi](README.md) made it: the code, the study's own files, its tables and figures.
Its spec is `{spec}`, its code that of commit {commit}.

## Look

Open `{results}/report.html`. Figures are in `{results}/figures/`, tables in `{results}/tables/`.

## Draw the figures again from the tables

You need Python 3.11 or newer, and `make`. In this folder:

```console
$ make .venv/ready                        # once: an environment with what is pinned in envs/requirements.txt
$ source .venv/bin/activate{variables}
$ rm -r {drawn}
$ snakemake --cores 2 redraw
$ sha256sum --check --quiet SHA256SUMS    # silent where every byte is the same
```

## Make the tables again from scratch

`golgi plan {name}` says first how much work that is. With the same environment:

```console
$ rm -rf {made}
$ snakemake --cores 4
$ sha256sum --check --quiet SHA256SUMS
```

On another kind of processor the last digits of responses can differ, and with them what follows from these.
{replaying}{placing}
## What is in it

| kind | files | size |
|---|---:|---:|
{kinds}

`{results}/records/` and `{results}/provenance.json` say for each file what it was made from and what making
it took. `SHA256SUMS` has the hash of every other file.

## What was left out

{left}
"""
REPLAYING = """
A language model wrote the sentences. Its replies are in {transcripts}: they are read, and it is not asked, as
long as prompts, model and settings stay what they are.{weights}
"""
WRITER_WEIGHTS = {
    "directory": " Its weights have to be there all the same: their hash is its name.",
    "hub": " Its weights are downloaded all the same.",
}
PLACING = """
## First: files from elsewhere

The study names these by places outside its folder. Before anything is run, each has to be put there, as a
copy or a link:

| put | at |
|---|---|
{rows}
"""


def archive_page(study: Study, archive: Archive) -> str:
    """Return the page of an archive, as Markdown."""
    drawings = [f"{study.results}/graphs/*/*/drawings"] if study.graph_rows() else []
    kinds = [study.writer_kind, *map(study.kind, study.models)]
    fetched = ["resources/models"] if "hub" in kinds else []
    sourced = f"\n$ source {contents.VARIABLES}" if contents.variables(study) else ""
    return PAGE.format(
        title=study.spec["title"],
        name=study.name,
        spec=contents.study_name(study),
        commit=archive.commit or "unknown",
        results=study.results,
        variables=sourced,
        drawn=" ".join([f"{study.results}/figures", *drawings]),
        made=" ".join([study.results, *fetched]),
        replaying=_replaying(study, archive),
        placing=_placing(study),
        kinds="\n".join(
            f"| {kind} | {files} | {size(total)} |" for kind, (files, total) in archive.kinds().items()
        ),
        left="\n".join(_left(study, archive)),
    )


def variables_page(names: list[str]) -> str:
    """Return shell lines that set variables of the environment to what the archive has in their place."""
    lines = [f"export {name}={shlex.quote(contents.variable_value(name))}" for name in names]
    return "\n".join(
        ["# What the study's paths begin with. In the archive's folder: source this file.", *lines, ""]
    )


def _replaying(study: Study, archive: Archive) -> str:
    if not study.llm:
        return ""
    named = replace(study, spec=study.written).transcripts
    own = [member.name for member in archive.members if member.kind == "transcript"]
    files = [f"`{name}`" for name in (*own, *map(contents.placed, named))]
    weights = WRITER_WEIGHTS.get(study.writer_kind, "")
    return REPLAYING.format(transcripts=" and ".join(files), weights=weights)


def _placing(study: Study) -> str:
    rows = [f"| `{name}` | `{place}` |" for place, name in contents.elsewhere(study).items()]
    return PLACING.format(rows="\n".join(rows)) if rows else ""


def _left(study: Study, archive: Archive) -> list[str]:
    made = ", ".join(f"`{folder}` ({size(total)})" for folder, total in archive.left_out.items())
    lines = [f"Of `{study.results}`, since it is made again from scratch: {made}."] if made else []
    if archive.weights:
        folders = ", ".join(f"`{contents.placed(folder)}`" for folder in contents.written_folders(study))
        lines += ["", f"Weights ({size(archive.weights)}) that belong as `.safetensors` into {folders}."]
    lines += [
        "",
        "| model | checkpoint | weights | revision | SHA-256 of all parameters |",
        "|---|---|---|---|---|",
    ]
    return [*lines, *_weights(study, archive)]


def _weights(study: Study, archive: Archive) -> list[str]:
    models = read_table(Path(study.results, "tables", "models.parquet"), schema="models")
    rows = models.filter(models["checkpoint"] != UNTRAINED).to_dicts()
    return [
        f"| {row['model']} | {row['checkpoint']} | {_origin(study, row['model'], archive)} "
        f"| {row['revision']} | {row['weights_sha256']} |"
        for row in rows
    ]


def _origin(study: Study, model: str, archive: Archive) -> str:
    source = study.source(model)
    if "train" in source:
        return "trained here, and again from scratch"
    if "hub" in source:
        return f"`{source['hub']}` on the Hugging Face hub, fetched from scratch"
    return "left out: to be had from the study's authors" if archive.weights else "in this archive"
