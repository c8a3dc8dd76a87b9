"""Write the atlas of a study: pages, what they run, and the chunks that they load."""

import base64
import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from golgi.atlas.checkpoints import (
    add_experts,
    add_overlap,
    add_profiles,
    add_sentences,
    add_units,
    no_graphs,
)
from golgi.atlas.chunks import NO_INDEX, Chunks
from golgi.atlas.contents import UNTRAINED, Place, Rows, checkpoint_label, concept_rows, rows_of
from golgi.atlas.graphed import WINDOW_KINDS, add_graphs
from golgi.experts.interventions import rank_units, read_units
from golgi.models.folders import write_folder
from golgi.tables import read_table

logger = logging.getLogger(__name__)

PAGE = Path(__file__).with_name("page")
# What all pages share comes first, and last what starts them.
FIRST, LAST = ("atlas", "dom", "data", "router", "charts", "controls"), "main"


def write_atlas(
    *,
    study: str,
    title: str,
    seed: int,
    sites: Sequence[str],
    threshold: float,
    thresholds: Sequence[float],
    fires: float | None,
    places: Sequence[Place],
    tables: dict[str, Path],
    references: dict[str, dict],
    single_file: bool,
    folder: Path,
) -> None:
    """Write the atlas of a study into a folder that appears whole; `index.html` opens without a server.

    `places` are all models and checkpoints, each model's in the order of training, its untrained twin last.
    `tables` are files of tables by name: concepts and models, and where the study has them graph_units and
    graph_nodes, alignment_pairs and interventions_concepts. `fires` is the share of its maximum from which a
    unit fires, None in a study without graphs. With `single_file` there is nothing but the page, chunks and
    all.
    """
    concepts = read_table(tables["concepts"], schema="concepts").sort("index")
    names = concepts["concept"].to_list()
    categories, told = concept_rows(concepts)
    units = read_table(tables["graph_units"], schema="graph_units") if "graph_units" in tables else None
    models = read_table(tables["models"], schema="models")
    with write_folder(folder) as temporary:
        chunks = Chunks(None if single_file else temporary / "data")
        entries: dict[str, dict[str, Any]] = {}
        notes: list[str] = []
        for place in places:
            rows = rows_of(place.expertise, list(sites))
            if place.model not in entries:
                entries[place.model] = _model(models, place.model, rows)
            entry = _add_place(
                chunks, place, rows, names, (threshold, min(thresholds)), tables.get("graph_nodes"), units
            )
            entries[place.model]["checkpoints"].append(entry)
            notes += _notes(place, entry, units)
        ratings = _add_ratings(chunks, tables, references, names)
        acted = _add_interventions(chunks, tables, places, list(sites), names)
        head = {
            "study": study,
            "title": title,
            "seed": seed,
            "threshold": threshold,
            "thresholds": list(thresholds),
            "overlap_threshold": threshold,
            "fires": fires,
            "categories": categories,
            "concepts": told,
            "window_kinds": list(WINDOW_KINDS),
            "has": {
                "graphs": any(place.windows for place in places),
                "overlap": any(place.overlap for place in places),
                "ratings": ratings,
                "interventions": acted,
            },
            "models": list(entries.values()),
            "notes": notes,
            "report": "../report.html",
        }
        chunks.add("study", head)
        write_page(temporary, chunks, study=study, title=title)
    logger.info("%.1f MB that pages load as they need it.", chunks.bytes / 1e6)


def _model(models: pl.DataFrame, name: str, rows: Rows) -> dict[str, Any]:
    facts = models.filter(pl.col("model") == name).row(0, named=True)
    return {
        "name": name,
        "family": facts["family"],
        "layers": facts["layers"],
        "parameters": facts["parameters"],
        "sites": rows.told(),
        "units": rows.total,
        "checkpoints": [],
    }


def _add_place(
    chunks: Chunks,
    place: Place,
    rows: Rows,
    concepts: list[str],
    thresholds: tuple[float, float],
    nodes: Path | None,
    units: pl.DataFrame | None,
) -> dict[str, Any]:
    graphed = place.windows is not None and nodes is not None and units is not None
    graphs = add_graphs(chunks, place, rows, nodes, units) if graphed else no_graphs(rows)
    add_units(chunks, place, rows, graphs)
    firsts, profiles = add_profiles(chunks, place, rows)
    add_experts(chunks, place, rows, thresholds[1])
    add_sentences(chunks, place, concepts)
    most = add_overlap(chunks, place, concepts, thresholds[0]) if place.overlap else None
    return {
        "name": place.checkpoint,
        "step": int(place.checkpoint) if place.checkpoint.isdigit() else None,
        "untrained": place.checkpoint == UNTRAINED,
        "label": checkpoint_label(place.checkpoint),
        "overlap": place.overlap is not None,
        "overlap_most": most,
        "graphs": int((graphs["graph"] != NO_INDEX).sum()),
        "tokens": f"tokens/{place.name}" if graphed else None,
        "profiles": firsts,
        "profile_rows": profiles,
        "units": rows.total,
    }


def _notes(place: Place, entry: dict[str, Any], graphs: pl.DataFrame | None) -> list[str]:
    notes, where = [], f"{place.model} at {entry['label']}"
    if others := entry["units"] - entry["profile_rows"]:
        notes.append(
            f"{where}: what units make of every concept is here of the {entry['profile_rows']:,} with the "
            f"highest average precision, and not of the other {others:,}."
        )
    grown = graphs.filter(place.where).height if place.windows is not None and graphs is not None else 0
    if elsewhere := grown - entry["graphs"]:
        notes.append(
            f"{where}: of {grown:,} neuron graphs {elsewhere:,} are not here, for average precision was not "
            "measured at the sites of their units."
        )
    return notes


def _add_ratings(
    chunks: Chunks, tables: dict[str, Path], references: dict[str, dict], concepts: list[str]
) -> bool:
    if "alignment_pairs" not in tables:
        return False
    pairs = read_table(tables["alignment_pairs"], schema="alignment_pairs")
    pairs = pairs.select("reference", "concept_a", "concept_b", "rating").unique().sort(pl.all())
    names = [name for name in references if name in set(pairs["reference"])]
    number = {name: place for place, name in enumerate(concepts)}
    first, second = (
        pairs[f"concept_{one}"].replace_strict(number, return_dtype=pl.Int64).to_numpy() for one in "ab"
    )
    reference = pairs["reference"].replace_strict(names, list(range(len(names))), return_dtype=pl.Int64)
    columns = {
        "reference": reference.to_numpy().astype(np.uint8),
        "a": np.minimum(first, second).astype(np.uint16),
        "b": np.maximum(first, second).astype(np.uint16),
        "rating": pairs["rating"].to_numpy().astype(np.float32),
    }
    told = [
        {
            "name": name,
            "people": not references[name].get("lexicon"),
            "ceiling": references[name].get("ceiling"),
        }
        for name in names
    ]
    chunks.add("ratings", {"references": told}, columns)
    return True


def _add_interventions(
    chunks: Chunks, tables: dict[str, Path], places: Sequence[Place], sites: list[str], concepts: list[str]
) -> bool:
    if "interventions_concepts" not in tables:
        return False
    number = {name: place for place, name in enumerate(concepts)}
    effects = read_table(tables["interventions_concepts"], schema="interventions_concepts")
    keys = ["model", "checkpoint", "action", "size", "quantity", "concept"]
    random = effects.filter(pl.col("units") == "random").select(*keys, pl.col("effect").alias("random"))
    top = effects.filter(pl.col("units") == "top").join(random, on=keys, how="left").sort(keys)
    rows = [
        row | {"concept": number[row["concept"]]}
        for row in top.select(*keys, "prompts", "effect", "random").to_dicts()
    ]
    groups = []
    for place in places:
        forced = top.filter(place.where)
        if forced.is_empty():
            continue
        most, rows_here = forced["size"].max(), rows_of(place.expertise, sites)
        for concept in forced["concept"].unique().sort():
            seen = read_units(place.expertise, number[concept])
            starts = np.array([rows_here.starts[one] for one in seen.places])
            best = rank_units(seen)[:most]
            groups.append(
                {
                    "model": place.model,
                    "checkpoint": place.checkpoint,
                    "concept": number[concept],
                    "rows": (starts[seen.place[best]] + seen.number[best]).tolist(),
                }
            )
    chunks.add("interventions", {"rows": rows, "groups": groups})
    return True


def write_page(folder: Path, chunks: Chunks, *, study: str, title: str) -> None:
    """Write `index.html` into a folder, and beside it, unless chunks go into the page, what it runs."""
    plotly, own = get_plotlyjs(), _script()
    inside = chunks.folder is None
    if inside:
        scripts = [{"src": None, "inline": Markup(text)} for text in (plotly, own)]
        hashes = " ".join(f"'sha256-{_sha256(text)}'" for text in (plotly, own))
        allowed = hashes
    else:
        for name, text in {"plotly.min.js": plotly, "atlas.js": own}.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        # The first page stands before it draws: it loads what draws by itself.
        scripts = [{"src": "atlas.js"}]
        allowed = "'self' file:"
    style = Markup("\n".join(_pages(".css")))
    blocks = [{"name": block["name"], "json": Markup(block["json"])} for block in chunks.blocks]
    page = _template().render(
        study=study, title=title, csp=_policy(allowed), style=style, scripts=scripts, blocks=blocks
    )
    (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")


def _script() -> str:
    # In one scope: nothing of it is seen from outside, but for what takes chunks in.
    return "\n".join(['(() => {\n"use strict";', *_pages(".js"), "})();\n"])


def _pages(ending: str) -> list[str]:
    def order(path: Path) -> tuple[int, str]:
        first = FIRST.index(path.stem) if path.stem in FIRST else len(FIRST)
        return first + (path.stem == LAST), path.stem

    return [path.read_text(encoding="utf-8") for path in sorted(PAGE.glob(f"*{ending}"), key=order)]


def _policy(scripts: str) -> str:
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _template():
    environment = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("index.html")
