"""Draw the graphs of units one by one: those most worth a look, or one that is asked for."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from golgi.errors import GolgiError
from golgi.figures.rows import at_studied
from golgi.figures.saving import save_figure
from golgi.figures.unit_graph import draw_unit
from golgi.graphs.lookup import no_unit, nodes_file, read_columns, unit_named, units_file, within
from golgi.graphs.page import Card, index_page
from golgi.graphs.search import UNIT, tokens_of
from golgi.models.folders import write_folder
from golgi.tables import read_table

FORMATS = ("svg", "pdf", "png")
POINT, PLACE = UNIT[:2], UNIT[2:]
NODE = ["node", "parent", "token", "text", "distance", "importance", "activation", "count", "value"]


def draw_graphs(
    *,
    nodes: Path,
    units: Path,
    experts: Path | None,
    model: str,
    checkpoint: str,
    drawings: int,
    metadata: dict,
    folder: Path,
) -> None:
    """Draw units of a model and checkpoint as SVG and PDF, into a folder that appears whole.

    `nodes`, `units` and `experts` are tables `graph_nodes`, `graph_units` and `graph_experts` (None where the
    study has none). At most `drawings` units are drawn, as `choose_units` has them, into files that are named
    SITE-LAYER.UNIT; `index.html` shows them all and needs no other file. `metadata` is written into each.
    """
    here = (pl.col("model") == model) & (pl.col("checkpoint") == checkpoint)
    every = read_table(units, schema="graph_units").filter(here)
    known = read_table(experts, schema="graph_experts").filter(here) if experts else None
    chosen = choose_units(every, known, drawings)
    rows = read_columns(nodes, [*UNIT, "role", "reach", *NODE], here)
    rows = rows.join(chosen, on=PLACE, how="semi", maintain_order="left")
    tokens = {row[:3]: row[3] for row in tokens_of(rows).select(*PLACE, "activating").iter_rows()}
    with write_folder(folder) as temporary:
        cards = []
        for unit in chosen.iter_rows(named=True):
            own = rows.filter(pl.col(name) == unit[name] for name in PLACE)
            drawing = temporary / f"{file_stem(unit)}.svg"
            figure = draw_unit(own.to_dicts(), unit)
            save_figure(figure, [drawing, temporary / f"{file_stem(unit)}.pdf"], metadata)
            place = tuple(unit[name] for name in PLACE)
            cards.append(Card(unit, drawing, tokens.get(place, []), _concepts(known, unit)))
        page = index_page(
            cards, study=metadata.get("study", ""), model=model, checkpoint=checkpoint, units=every
        )
        (temporary / "index.html").write_text(page, encoding="utf-8")


def choose_units(units: pl.DataFrame, experts: pl.DataFrame | None, most: int) -> pl.DataFrame:
    """Return at most `most` units that have a graph, with the `reason` of each: `expert`, `best`, `worst`.

    Half are experts, those of the highest AP; of the others, half are the best by F1 and half the worst.
    Where there are too few of one kind, the others take their places.
    """
    drawable = units.filter(pl.col("nodes") > 0)
    falling = [True, False, False, False]
    by_ap = drawable.clear()
    if experts is not None:
        highest = experts.group_by(PLACE).agg(pl.col("ap").max())
        by_ap = drawable.join(highest, on=PLACE).sort("ap", *PLACE, descending=falling).drop("ap")
    by_f1 = drawable.filter(pl.col("f1").is_not_null()).sort("f1", *PLACE, descending=falling)
    others = len(by_f1.join(by_ap, on=PLACE, how="anti"))
    first = by_ap.head(max((most + 1) // 2, most - others))
    rest = by_f1.join(first, on=PLACE, how="anti", maintain_order="left")
    left = min(most - len(first), len(rest))
    best = (left + 1) // 2
    parts = {"expert": first, "best": rest[:best], "worst": rest[len(rest) - (left - best) :]}
    return pl.concat([part.with_columns(reason=pl.lit(reason)) for reason, part in parts.items()])


def file_stem(unit: dict) -> str:
    """Return the name of a unit's drawing, without its ending."""
    return f"{unit['site']}-{unit['layer']}.{unit['unit']}"


def draw_named(
    results: str | Path,
    name: str,
    *,
    model: str | None = None,
    checkpoint: str | None = None,
    site: str | None = None,
    output: str | Path | None = None,
) -> tuple[Path, dict]:
    """Draw the unit LAYER.UNIT of a study; return the file, and which unit it is.

    `results` is the study's folder. Without `checkpoint` it is each model's last that has the unit, without
    `output` SITE-LAYER.UNIT.svg in the working directory. GolgiError where there is no such unit, or more
    than one.
    """
    unit = find_unit(results, name, model=model, checkpoint=checkpoint, site=site)
    path = Path(output or f"{file_stem(unit)}.svg")
    if path.suffix.removeprefix(".") not in FORMATS:
        endings = ", ".join(f".{one}" for one in FORMATS)
        raise GolgiError(f"--output {path}: the name of a drawing ends in one of {endings}.")
    chosen = pl.all_horizontal(pl.col(column) == unit[column] for column in UNIT)
    rows = read_columns(nodes_file(results), NODE, chosen).sort("node")
    options = dict(unit)
    if units_file(results).is_file():
        scored = read_columns(units_file(results), ["maximum", "f1"], chosen)
        options |= scored.row(0, named=True) if len(scored) else {}
    metadata = {"study": Path(results).name, **unit}
    save_figure(draw_unit(rows.to_dicts(), options), [path], metadata)
    return path, unit


def find_unit(
    results: str | Path, name: str, *, model: str | None, checkpoint: str | None, site: str | None
) -> dict:
    """Return model, checkpoint, site, layer and unit of the unit LAYER.UNIT that is asked for."""
    wanted = unit_named(name, "draw")
    every = read_columns(nodes_file(results), [*UNIT, "step"], pl.col("node") == 0)
    every = within(every, model=model, checkpoint=checkpoint, site=site)
    found = every.filter(wanted)
    if found.is_empty():
        raise no_unit(every, name)
    found = at_studied(found).sort(UNIT) if checkpoint is None else found.sort(UNIT)
    if len(found) > 1:
        places = "; ".join(f"{row[0]} at {row[1]}, {row[2]}" for row in found.select(UNIT[:3]).rows())
        said = f"unit {name} is there {len(found)} times: {places}."
        raise GolgiError(f"{said} Say which with --model, --checkpoint or --site.")
    return found.select(UNIT).row(0, named=True)


def _concepts(known: pl.DataFrame | None, unit: dict) -> list[dict]:
    # What the unit is an expert of, the surest first.
    if known is None:
        return []
    own = known.filter(pl.col(name) == unit[name] for name in PLACE)
    return own.sort("ap", "concept", descending=[True, False]).select("concept", "ap", "names").to_dicts()
