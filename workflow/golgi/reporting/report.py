"""The report of a study: one page, complete in itself, with every number taken from the tables."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from golgi.figures.rows import moment, p_value, share, study_threshold
from golgi.files import read_json, write_atomically
from golgi.reporting.answers import answers, question
from golgi.reporting.besides import beside_rows
from golgi.reporting.citations import CITATION, Cited, cited
from golgi.reporting.claims import claim_counts, claim_rows
from golgi.reporting.controls import control_rows, meanings
from golgi.reporting.described import data_facts, model_names, model_rows, reference_rows
from golgi.reporting.failed_experts import near_chance
from golgi.reporting.failures import failures, not_asked
from golgi.reporting.figures import parts
from golgi.reporting.links import link, table_links
from golgi.reporting.methods import methods
from golgi.reporting.planned import alignment_rows, category_rows, planned
from golgi.reporting.writer import writer_told
from golgi.tables import read_table, table_schema

PAGES = Path(__file__).resolve().parent / "pages"
# Tables whose numbers the report tells; the others, which may be large, it links to.
TOLD = (
    *("concepts", "writing", "models", "training", "counts", "distribution", "discoveries", "stability"),
    *("categories", "hierarchy", "hierarchy_tree", "polysemy_sharing", "distributed", "alignment"),
    *("dynamics", "interventions", "sensitivity", "graph_layers", "graph_units", "graph_naming", "claims"),
)


def write_report(
    *,
    study: str,
    title: str,
    fingerprint: str,
    tables: Mapping[str, Path],
    figures: Mapping[str, Path],
    captions: Mapping[str, Path],
    report: Path,
    asked: str | None = None,
    settings: dict[str, Any] | None = None,
    references: dict[str, dict] | None = None,
    provenance: dict | None = None,
    warnings: list[str] | None = None,
    writer: Path | None = None,
    drawings: Mapping[tuple[str, str], Path] | None = None,
    atlas: Path | None = None,
    citation: Path = CITATION,
) -> None:
    """Write the report of a study as one HTML file that needs no other file to be read.

    `tables` maps table names (schemas/tables) to Parquet files, `figures` and `captions` figure names to SVG
    and text files; PDF, PNG and CSV files beside them are linked, and so are the pages `drawings` of neuron
    graphs by (model, checkpoint), and `atlas`. `asked` is the study's question, `settings` what `methods`
    tells of its spec, `references` those of the spec, to say who rated the pairs, `provenance` plain nested
    data, `warnings` what to say first, `writer` the facts about a language model that wrote the sentences,
    `citation` the file CITATION.cff. Raises GolgiError for a table that cannot be read.
    """
    settings, given = settings or {}, references or {}
    frames = {name: read_table(path, schema=name) for name, path in tables.items() if name in TOLD}
    links = table_links(tables, report)
    text = page().render(
        study=study,
        title=title,
        question=question(asked, model_names(frames)),
        warnings=[*(warnings or []), *near_chance(frames)],
        parts=parts(figures, captions, report, links),
        references=reference_rows(given, frames.get("alignment")),
        writer=writer_told(read_json(writer) if writer else None),
        atlas=link(atlas, report) if atlas else None,
        drawings=[_drawn(*place, file, report) for place, file in (drawings or {}).items()],
        links=links,
        tables=[{"name": name, "holds": table_schema(name)["title"]} for name in tables],
        **_methods(frames, settings, cited(citation)),
        **_results(frames, settings),
        **_provenance(study, fingerprint, frames, provenance or {}),
    )
    with write_atomically(report) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _drawn(model: str, checkpoint: str, file: Path, report: Path) -> dict[str, str]:
    return {"model": model, "checkpoint": checkpoint, **link(file, report)}


def _methods(frames: dict[str, pl.DataFrame], settings: dict[str, Any], source: Cited) -> dict[str, Any]:
    """What was done, and the works that this cites."""
    done = methods(settings, frames.get("concepts"), model_names(frames), source.works)
    used = [work for work in source.works.values() if any(work in sentence for sentence in done)]
    return {"methods": done, "cited": source, "works": used}


def _results(frames: dict[str, pl.DataFrame], settings: dict[str, Any]) -> dict[str, Any]:
    """What the page tells from the tables."""
    threshold = settings.get("threshold")
    if threshold is None:
        threshold = study_threshold(frames["counts"], {}) if "counts" in frames else 0.5
    tests, claims = planned(frames), frames.get("claims")
    controls, besides = control_rows(frames, threshold), beside_rows(frames, threshold)
    return {
        "threshold": threshold,
        "answers": answers(claims, tests),
        "weights": model_rows(frames.get("models")),
        "data": data_facts(frames.get("concepts")),
        "controls": meanings(frames),
        "measures": controls,
        "besides": besides,
        "alignment": alignment_rows(frames.get("alignment")),
        "categories": category_rows(frames.get("categories")),
        "claims": claim_rows(claims),
        "claim_counts": claim_counts(claims),
        "planned": tests,
        "failures": failures(
            frames,
            threshold=threshold,
            planned=tests,
            controls=controls,
            besides=besides,
            asked=settings.get("sentences", {}),
        ),
        "not_asked": not_asked(settings) if settings else [],
    }


def _provenance(study: str, fingerprint: str, frames: dict, facts: dict) -> dict[str, Any]:
    """Where the page says that all of it comes from: facts, hashes of tables, packages, weights."""
    weights = frames["models"].select("model", "checkpoint", "weights_sha256") if "models" in frames else None
    told = ("tables_sha256", "packages", "models")
    plain = {name: value for name, value in facts.items() if name not in told}
    return {
        "provenance": flattened({"study": study, "spec_sha256": fingerprint, **plain}),
        "hashes": facts.get("tables_sha256", {}),
        "packages": facts.get("packages", {}),
        "checkpoints": facts.get("models") or ([] if weights is None else weights.to_dicts()),
    }


def page() -> Template:
    """Return the template of the report, and the parts that it includes, with the filters that they use."""
    found = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        share=share,
        p=lambda value: p_value(value).removeprefix("p ").removeprefix("= "),
        at=lambda checkpoint: moment(checkpoint) if checkpoint.isdigit() else checkpoint,
        thousands=lambda number: f"{number:,}",
        anchor=lambda heading: "-".join(re.findall(r"\w+", heading.lower())),
    )
    return found.get_template("report.html")


def flattened(facts: dict, prefix: str = "") -> list[tuple[str, str]]:
    """Return nested facts as rows of a dotted name and a text.

    >>> flattened({"seeds": {"study": 7}, "commit": "ab"})
    [('seeds.study', '7'), ('commit', 'ab')]
    """
    rows = []
    for name, value in facts.items():
        if isinstance(value, dict):
            rows += flattened(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            rows += flattened(dict(enumerate(value, start=1)), f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", str(value)))
    return rows
