"""The report of a study: one page, complete in itself, with every number taken from the tables."""

import base64
import os
from pathlib import Path

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from golgi.captions import TITLES
from golgi.figures.rows import CONTROLS, at_last, moment, p_value, share
from golgi.figures.style import SERIES
from golgi.files import read_json, write_atomically
from golgi.report_claims import claim_counts, claim_rows
from golgi.report_writing import writer_told
from golgi.tables import read_table

HERE = Path(__file__).resolve().parent
CHANCE_MARGIN = 0.05
FEW_PAIRS = 30
CLAIMS = "Claims"
ALIGNMENT = "Alignment with the references"
GRAPHS = "Neuron graphs"
SECTIONS = {
    CLAIMS: ("claims",),
    "Sentences": ("writing",),
    "Expert neurons": (
        "training_loss",
        "experts_by_layer",
        "ap_distribution",
        "threshold_sweep",
        "false_discovery",
        "stability",
    ),
    "Overlap of concepts": ("overlap", "within_between"),
    "Hierarchy": ("dendrogram", "containment"),
    "Polysemy and distributed coding": ("polysemy", "distributed"),
    ALIGNMENT: ("alignment_scatter", "alignment_over_training"),
    "Training dynamics": ("dynamics", "dynamics_by_layer"),
    "Causal role": ("interventions",),
    GRAPHS: ("graph_f1_by_layer", "graph_ablation", "graph_naming", "graph_gallery"),
    "Sensitivity": ("sensitivity",),
}
CONTROL_TEXTS = {
    "untrained": (
        "The same architecture with seeded random weights. What it shows too is architecture and token "
        "identity, not learning."
    ),
    "rotated": (
        "The same activations in a random orthogonal basis, before pooling. What it shows too does not need "
        "the basis of neurons."
    ),
    "shuffled": "Labels of the sentences permuted. What it shows is what chance gives.",
    "word": (
        "Each sentence without its own concept's word, positives and negatives alike, so that the mask "
        "itself cannot separate them. What is lost here was about the word, not the concept."
    ),
}


def write_report(
    *,
    study: str,
    title: str,
    fingerprint: str,
    tables: dict[str, Path],
    figures: dict[str, Path],
    captions: dict[str, Path],
    report: Path,
    references: dict[str, dict] | None = None,
    provenance: dict | None = None,
    warnings: list[str] | None = None,
    writer: Path | None = None,
) -> None:
    """Write the report of a study as one HTML file that needs no other file to be read.

    `tables` maps table names (schemas/tables) to Parquet files, `figures` and `captions` map figure names to
    SVG files and text files; PDF, PNG and CSV files beside them are linked relative to the report.
    `references` are those of the resolved spec, to say who rated the pairs; `provenance` is plain nested
    data; `warnings` are sentences to show before those that the tables give; `writer` are the facts about a
    language model that wrote the sentences.
    """
    frames = {name: read_table(path, schema=name) for name, path in tables.items()}
    weights = frames["models"].select("model", "checkpoint", "weights_sha256") if "models" in frames else None
    named = {} if weights is None else {"models": weights.to_dicts()}
    facts = {"study": study, "spec_sha256": fingerprint, **named, **(provenance or {})}
    page = template().render(
        study=study,
        title=title,
        models=model_names(frames),
        data=data_facts(frames.get("concepts")),
        writer=writer_told(read_json(writer) if writer else None),
        weights=model_rows(frames["models"]) if "models" in frames else [],
        sections=sections(figures, captions, report),
        controls=control_rows(frames),
        references=reference_rows(references or {}, frames.get("alignment")),
        references_under=ALIGNMENT,
        graphs=any(name in figures for name in SECTIONS[GRAPHS]),
        claims=claim_rows(frames.get("claims")),
        claims_under=CLAIMS,
        claim_counts=claim_counts(frames.get("claims")),
        alignment=alignment_rows(frames.get("alignment")),
        categories=category_rows(frames.get("categories")),
        warnings=[*(warnings or []), *table_warnings(frames)],
        provenance=flattened({name: value for name, value in facts.items() if name != "models"}),
        checkpoints=facts.get("models", []),
        files=[link(file, report) for path in tables.values() for file in beside(path, (".csv", ".parquet"))],
    )
    with write_atomically(report) as temporary:
        temporary.write_text(page, encoding="utf-8")


def template():
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        share=share,
        p=lambda value: p_value(value).removeprefix("p = "),
        at=lambda checkpoint: moment(checkpoint) if checkpoint.isdigit() else checkpoint,
    )
    environment.filters["thousands"] = lambda number: f"{number:,}"
    return environment.get_template("report.html")


def model_names(frames: dict[str, pl.DataFrame]) -> list[str]:
    named = next((frames[name] for name in ("models", "counts", "alignment") if name in frames), None)
    return [] if named is None else named["model"].unique(maintain_order=True).to_list()


def model_rows(models: pl.DataFrame) -> list[dict]:
    """One row per model: what its checkpoints have in common, and which they are."""
    rows = []
    for _, checkpoints in models.group_by(["model"], maintain_order=True):
        trained = checkpoints.filter(pl.col("checkpoint") != "untrained")
        first = (checkpoints if trained.is_empty() else trained).row(0, named=True)
        reasons = f"{first['model']}: {first['dtype']} is {first['dtype_reason']}"
        rows.append(first | {"checkpoints": checkpoints["checkpoint"].to_list(), "reasons": reasons})
    return rows


def data_facts(concepts: pl.DataFrame | None) -> dict | None:
    """Totals over the concepts, and one row per category."""
    if concepts is None or concepts.is_empty():
        return None
    dropped = [
        pl.col(name).sum()
        for name in ("found", "duplicates_within", "duplicates_across", "surplus", "shared")
    ]
    by_category = concepts.group_by("category").agg(
        pl.len().alias("concepts"),
        pl.col("concept").sort().str.join(", ").alias("names"),
        *dropped,
        pl.col("positives").min().alias("positives_least"),
        pl.col("positives").max().alias("positives_most"),
        pl.col("negatives").min().alias("negatives_least"),
        pl.col("negatives").max().alias("negatives_most"),
    )
    return {
        "concepts": concepts.height,
        "prevalence_least": concepts["prevalence"].min(),
        "prevalence_most": concepts["prevalence"].max(),
        "categories": by_category.sort("category").to_dicts(),
        **concepts.select(dropped).row(0, named=True),
    }


def sections(figures: dict[str, Path], captions: dict[str, Path], report: Path) -> list[dict]:
    """Figures in the order in which the study is told, under those headings that have any."""
    grouped = [
        {
            "heading": heading,
            "figures": [figure_entry(name, figures, captions, report) for name in names if name in figures],
        }
        for heading, names in SECTIONS.items()
    ]
    return [section for section in grouped if section["figures"]]


def figure_entry(name: str, figures: dict[str, Path], captions: dict[str, Path], report: Path) -> dict:
    picture = base64.b64encode(figures[name].read_bytes()).decode("ascii")
    lines = captions[name].read_text(encoding="utf-8").splitlines() if name in captions else [TITLES[name]]
    return {
        "name": name,
        # Inside an image nothing is run, and the identifiers of two figures cannot meet.
        "picture": f"data:image/svg+xml;base64,{picture}",
        "title": lines[0].removesuffix("."),
        "shown": lines[1] if len(lines) > 1 else "",
        "findings": lines[2:],
        "files": [link(file, report) for file in beside(figures[name], (".pdf", ".svg", ".png"))],
    }


def beside(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files that exist under one name with each of the suffixes."""
    return [path.with_suffix(suffix) for suffix in suffixes if path.with_suffix(suffix).exists()]


def link(path: Path, report: Path) -> dict[str, str]:
    return {"name": path.name, "target": Path(os.path.relpath(path, report.parent)).as_posix()}


def control_rows(frames: dict[str, pl.DataFrame]) -> list[tuple[str, str]]:
    """Name and meaning of each control that some table holds."""
    present = {
        name for frame in frames.values() if "control" in frame.columns for name in frame["control"].unique()
    }
    return [(SERIES[control].name, CONTROL_TEXTS[control]) for control in CONTROLS if control in present]


def reference_rows(references: dict[str, dict], alignment: pl.DataFrame | None) -> list[tuple[str, str]]:
    """Name of each reference that was compared, and whose judgement it is."""
    compared = set() if alignment is None else set(alignment["reference"])
    return [(name, reference_text(given)) for name, given in references.items() if name in compared]


def reference_text(given: dict) -> str:
    if given.get("lexicon"):
        return "Attributes that two concepts share in the study's lexicon. No person rated a pair."
    ceiling = given.get("ceiling")
    agreement = "" if ceiling is None else f" People agree with each other at {share(ceiling)}."
    return f"People's ratings of pairs of words.{agreement}"


def alignment_rows(alignment: pl.DataFrame | None) -> list[dict]:
    """The planned tests, each followed by the controls and baselines that it is compared with."""
    if alignment is None:
        return []
    rows = []
    for planned in alignment.filter(pl.col("family") == "planned").to_dicts():
        same = (pl.col("model") == planned["model"]) & (pl.col("reference") == planned["reference"])
        measure = pl.col("threshold").is_null() | (pl.col("threshold") == planned["threshold"])
        others = at_last(alignment.filter(pl.col("model") == planned["model"]))
        others = others.filter(same & measure & pl.col("measure").is_in(["jaccard", "cosine"]))
        rows += [planned, *ordered(others.filter(pl.col("family") != "planned"))]
    return [row | {"name": SERIES[row["control"]].name} for row in rows]


def category_rows(categories: pl.DataFrame | None) -> list[dict]:
    """The planned test of each model, followed by its controls at the same threshold."""
    if categories is None:
        return []
    rows = []
    for planned in categories.filter(pl.col("family") == "planned").to_dicts():
        others = at_last(categories.filter(pl.col("model") == planned["model"]))
        others = others.filter(pl.col("threshold") == planned["threshold"], pl.col("family") != "planned")
        rows += [planned, *ordered(others)]
    return [row | {"name": SERIES[row["control"]].name} for row in rows]


def ordered(rows: pl.DataFrame) -> list[dict]:
    return sorted(rows.to_dicts(), key=lambda row: list(SERIES).index(row["control"]))


def table_warnings(frames: dict[str, pl.DataFrame]) -> list[str]:
    """What a reader should know before believing the figures, from the tables alone."""
    found = [*chance_warnings(frames), *empty_warnings(frames)]
    alignment = frames.get("alignment")
    if alignment is not None:
        for row in alignment.filter(pl.col("family") == "planned").to_dicts():
            subject = f"Alignment of {row['model']} with {row['reference']}"
            if row["rho"] is None:
                found.append(
                    f"{subject} is undefined: the overlap of {row['pairs']:,} rated pairs does not vary."
                )
            elif row["pairs"] < FEW_PAIRS:
                found.append(f"{subject} rests on only {row['pairs']:,} pairs.")
    return found


def chance_warnings(frames: dict[str, pl.DataFrame]) -> list[str]:
    counts, distribution = frames.get("counts"), frames.get("distribution")
    if counts is None or distribution is None or counts.is_empty() or distribution.is_empty():
        return []
    chance, lowest = distribution["chance"].mean(), counts["threshold"].min()
    if lowest - chance > CHANCE_MARGIN:
        return []
    return [f"The lowest threshold, {share(lowest)}, is close to chance, AP {share(chance)}."]


def empty_warnings(frames: dict[str, pl.DataFrame]) -> list[str]:
    """Concepts without any expert at the last checkpoint and the lowest threshold, by model."""
    counts = frames.get("counts")
    if counts is None or counts.is_empty():
        return []
    lowest = counts.filter(pl.col("control") == "measured", pl.col("threshold") == counts["threshold"].min())
    totals = (
        at_last(lowest)
        .group_by("model", "concept")
        .agg(pl.col("experts").sum())
        .filter(pl.col("experts") == 0)
    )
    named = totals.group_by("model").agg(pl.col("concept").sort().str.join(", "), pl.len()).sort("model")
    return [
        f"{model} has no expert for {number} of its concepts: {names}."
        for model, names, number in named.rows()
    ]


def flattened(facts: dict, prefix: str = "") -> list[tuple[str, str]]:
    """Nested facts as rows of a dotted name and a text."""
    rows = []
    for name, value in facts.items():
        if isinstance(value, dict):
            rows += flattened(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            rows += flattened(dict(enumerate(value, start=1)), f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", str(value)))
    return rows
