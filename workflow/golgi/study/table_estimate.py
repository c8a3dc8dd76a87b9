"""How much work the jobs are that run no model: text, tables, statistics, drawings. Bytes and seconds."""

from __future__ import annotations

import os
from collections.abc import Callable

from golgi.study.analysis_estimate import all_units
from golgi.study.claims import claimed_tables
from golgi.study.costs import ARITHMETIC_RATE, DISK_RATE, TABLES, TEXT_HELD, TEXT_RATE
from golgi.study.graph_estimate import count_units
from golgi.study.outputs import FIGURE_TABLES
from golgi.study.plan import UNTRAINED, Study
from golgi.study.reading_estimate import count_experts, expertise_bytes, expertise_seconds
from golgi.study.shapes import Shape, model_shape

Rows = list[tuple[str, str]]
# Measured on studies of 48 concepts at 7 checkpoints and of 242 at 25, and rounded up.
PAIR_BYTES = (
    100  # of two concepts in one set of experts: measures of their overlap, read, stacked and compared
)
ROW_BYTES = 400  # of a row of a table that is made, sorted and put on its way to CSV, or read whole
PART_BYTES = 450  # of a row of the largest of tables that follow one another: 420 at 1.25 million rows
ROW_SECONDS, PART_SECONDS, STATISTICS_SECONDS = 2e-6, 0.05, 5.0
DRAW_SECONDS = 4e-10  # a pair of concepts in one set of experts, under one permutation or bootstrap
NODES, NODE_BYTES, NODE_SECONDS = 300, 1500, 5e-5  # of a graph that is indexed, searched and named
FIGURE_SECONDS, DRAWING_SECONDS, CLAIM_SECONDS = (
    10.0,
    0.5,
    2.0,
)  # a figure; a unit's graph; a claim of a model
# Units that have a profile in the atlas, at most; a concept of one; the products that tell which are alike.
MOST_PROFILES, LIKENESS_BYTES, PRODUCT_BYTES, PRODUCT_SECONDS = 20_000, 16, 128e6, 1e-8
PLACE_SECONDS, GRAPH_SECONDS = 1.0, 0.02  # a checkpoint of the atlas; a unit's graph and texts in it
COUNT_PASSES = 4  # as long as reading it: average precision held against every threshold and bin
MICROWORLD_BYTES = 10e6  # of text, where a source does not say how much
SUMMARY_ROWS = 1e5  # more than tables have that grow neither with units nor with pairs of concepts


def sets_of(study: Study, rows: Rows) -> int:
    """Return how many lists of experts these rows have: one of a twin, one a control of other checkpoints."""
    controls = 1 + len([control for control in study.controls if control != UNTRAINED])
    return sum(1 if checkpoint == UNTRAINED else controls for _, checkpoint in rows)


def pairs_of(study: Study, rows: Rows) -> int:
    """Return how many pairs of concepts are compared in these rows, at every threshold."""
    return sets_of(study, rows) * len(study.spec["experts"]["thresholds"]) * len(study.concepts) ** 2


def precision_bytes(study: Study, rows: Rows) -> float:
    """Return the bytes of average precision that are read of these rows."""
    shapes = {model: model_shape(study, model) for model in study.models}
    return sum(_read_bytes(study, shapes[row[0]], [row]) for row in rows if shapes[row[0]] is not None)


def _read_bytes(study: Study, shape: Shape, rows: Rows) -> float:
    return 4.0 * len(study.concepts) * all_units(study, shape) * sets_of(study, rows)


def layers_of(study: Study, model: str) -> int:
    """Return the layers of a model; 0 where its shape is not known yet."""
    shape = model_shape(study, model)
    return 0 if shape is None else shape.layers


def draws_of(study: Study, analysis: str) -> int:
    """Return how often an analysis draws anew, permutations and bootstraps together."""
    chosen = study.spec["analyses"].get(analysis, {})
    return chosen.get("permutations", 0) + chosen.get("bootstraps", 0)


def text_bytes(study: Study, files: str | list[str]) -> float:
    """Return the bytes of the text of a source; of files, those that are there."""
    if isinstance(files, str) or not files:
        return MICROWORLD_BYTES
    return float(sum(os.path.getsize(file) for file in files if os.path.isfile(file)))


def text_held(size: float) -> float:
    """Return the bytes that a job holds that takes sentences or documents from so much text."""
    return TABLES + TEXT_HELD * size


def text_seconds(size: float) -> float:
    """Return the seconds of such a job."""
    return size / TEXT_RATE


def table_held(rows: float) -> float:
    """Return the bytes that a job holds that puts so many rows into a table."""
    return TABLES + ROW_BYTES * rows


def table_seconds(rows: float, parts: int = 1) -> float:
    """Return the seconds of such a job, from so many parts."""
    return ROW_SECONDS * rows + PART_SECONDS * parts


def gathered_held(largest: float) -> float:
    """Return the bytes that a job holds that puts tables one after another, by the rows of the largest."""
    return TABLES + PART_BYTES * largest


def largest_part(study: Study, rows: Rows, count: Callable[[Study, Rows], float]) -> float:
    """Return how many rows the largest table of a checkpoint has, as `count` says."""
    return max((count(study, [row]) for row in rows), default=0.0)


def counted_part(study: Study) -> float:
    """Return the rows of the largest table of counts of a shard; at most, of all checkpoints of a model."""
    of_models = [[row for row in study.rows() if row[0] == model] for model in study.models]
    return max(count_rows(study, rows) for rows in of_models)


def count_rows(study: Study, rows: Rows) -> float:
    """Return the rows of the table of counts: a concept, threshold and layer of every list of experts."""
    cells = len(study.spec["experts"]["thresholds"]) * len(study.concepts)
    sites = len(study.spec["experts"]["sites"])
    return sum(cells * sites * layers_of(study, row[0]) * sets_of(study, [row]) for row in rows)


def expert_rows(study: Study, rows: Rows) -> float:
    """Return the rows of the table of experts at these points."""
    shapes = {model: model_shape(study, model) for model, _ in rows}
    known = [shapes[model] for model, _ in rows if shapes[model] is not None]
    return sum(count_experts(study, shape) for shape in known)


def overlap_held(study: Study, model: str, shape: Shape) -> float:
    """Return the bytes that a job holds that measures the overlaps of one checkpoint."""
    rows = [(model, study.last_checkpoint(model))]
    return precision_block(study, shape) + table_held(pairs_of(study, rows) / 2)


def overlap_seconds(study: Study, model: str, shape: Shape) -> float:
    """Return the seconds in which the overlaps of one checkpoint are measured."""
    rows = [(model, study.last_checkpoint(model))]
    products = (1 + len(study.spec["experts"]["thresholds"])) * len(study.concepts) ** 2
    arithmetic = sets_of(study, rows) * all_units(study, shape) * products / ARITHMETIC_RATE
    read = _read_bytes(study, shape, rows) / DISK_RATE
    return arithmetic + read + table_seconds(pairs_of(study, rows) / 2)


def precision_block(study: Study, shape: Shape) -> float:
    """Return the bytes of the average precision of one layer, and of a copy that is compared."""
    widest = max(shape.widths(study.spec["experts"]["sites"]))
    return 3.0 * 8 * len(study.concepts) * widest


def counted_held(study: Study, model: str, shape: Shape) -> float:
    """Return the bytes of a job that counts the experts of some checkpoints."""
    return precision_block(study, shape) + table_held(
        count_rows(study, [(model, study.last_checkpoint(model))])
    )


def counted_seconds(study: Study, model: str, shape: Shape) -> float:
    """Return the seconds of such a job, for one checkpoint."""
    rows = [(model, study.last_checkpoint(model))]
    read = COUNT_PASSES * _read_bytes(study, shape, rows) / DISK_RATE
    return read + table_seconds(count_rows(study, rows))


def chosen_held(study: Study, model: str, shape: Shape) -> float:
    """Return the bytes of a job that chooses units of a checkpoint among its experts."""
    return table_held(count_experts(study, shape)) + precision_block(study, shape)


def chosen_seconds(study: Study, model: str, shape: Shape) -> float:
    """Return the seconds of such a job."""
    read = _read_bytes(study, shape, [(model, study.last_checkpoint(model))])
    return table_seconds(count_experts(study, shape)) + read / DISK_RATE


def compared_held(study: Study, rows: Rows) -> float:
    """Return the bytes that a job holds that compares the overlaps of these rows with something else."""
    return TABLES + PAIR_BYTES * pairs_of(study, rows)


def tested_held(study: Study, rows: Rows) -> float:
    """Return the bytes of a job that reads the overlaps of these rows one after another, and tests them."""
    return TABLES + (PAIR_BYTES + ROW_BYTES / 2) * largest_part(study, rows, pairs_of)


def compared_seconds(study: Study, rows: Rows, analysis: str) -> float:
    """Return the seconds of such a job: every comparison, under every draw."""
    aligned = max(1, len(study.references)) if analysis == "alignment" else 1
    return STATISTICS_SECONDS + pairs_of(study, rows) * (
        DRAW_SECONDS * draws_of(study, analysis) * aligned + ROW_SECONDS / 2
    )


def followed_held(study: Study, rows: Rows) -> float:
    """Return the bytes of a job that reads the average precision of these rows, one after another."""
    shapes = [model_shape(study, model) for model in study.models]
    block = max((precision_block(study, shape) for shape in shapes if shape is not None), default=0.0)
    return block + table_held(count_rows(study, rows))


def followed_seconds(study: Study, rows: Rows, analysis: str) -> float:
    """Return the seconds of such a job."""
    layers = sum((1 + layers_of(study, model)) * sets_of(study, [(model, one)]) for model, one in rows)
    drawn = layers * len(study.concepts) ** 2 * draws_of(study, analysis)
    return STATISTICS_SECONDS + 3 * precision_bytes(study, rows) / DISK_RATE + DRAW_SECONDS * drawn


def graph_count(study: Study, rows: Rows) -> float:
    """Return how many units have graphs in these rows; 0 for models whose shape is not known yet."""
    shapes = {model: model_shape(study, model) for model in study.models}
    return sum(count_units(study, model, shapes[model]) for model, _ in rows if shapes[model] is not None)


def graphs_held(study: Study, rows: Rows) -> float:
    """Return the bytes of a job that reads all graphs of these rows, and what was measured of them."""
    return TABLES + NODE_BYTES * NODES * graph_count(study, rows)


def graphs_seconds(study: Study, rows: Rows) -> float:
    """Return the seconds of such a job."""
    bootstraps = study.spec["graphs"]["bootstraps"] if study.has_graphs else 0
    return NODE_SECONDS * (NODES + bootstraps) * graph_count(study, rows)


def described_held(study: Study, model: str, shape: Shape) -> float:
    """Return the bytes of a job that reads a checkpoint's responses, then tells which units are alike."""
    alike = LIKENESS_BYTES * len(study.concepts) * min(all_units(study, shape), MOST_PROFILES)
    return max(expertise_bytes(study, model, shape), TABLES + PRODUCT_BYTES + alike)


def described_seconds(study: Study, model: str, shape: Shape) -> float:
    """Return the seconds of such a job."""
    pairs = float(min(all_units(study, shape), MOST_PROFILES)) ** 2
    alike = PRODUCT_SECONDS * pairs * (1 + len(study.concepts) / 200)
    return expertise_seconds(study, model, shape) + alike


def atlas_held(study: Study) -> float:
    """Return the bytes of a job that reads every checkpoint's average precision and graphs, one at a time."""
    precision = max(precision_bytes(study, [row]) for row in study.rows())
    return TABLES + precision + 2 * max([0.0, *(graphs_held(study, [row]) for row in study.graph_rows())])


def atlas_seconds(study: Study) -> float:
    """Return the seconds of such a job."""
    rows = study.rows()
    read = precision_bytes(study, rows) / DISK_RATE
    return PLACE_SECONDS * len(rows) + 2 * read + GRAPH_SECONDS * graph_count(study, study.graph_rows())


def prompt_rows(study: Study) -> float:
    """Return the rows of the table of prompts under interventions."""
    chosen = study.spec["analyses"].get("interventions")
    if chosen is None:
        return 0
    concepts = chosen["concepts"] if isinstance(chosen["concepts"], int) else len(chosen["concepts"])
    conditions = len(chosen["actions"]) * len(chosen["sizes"]) * (2 + chosen["draws"]) + 1
    return len(study.models) * concepts * conditions * 2 * chosen["prompts"]


def claims_held(study: Study) -> float:
    """Return the bytes of a job that reads the tables that claims are about."""
    return table_held(_claimed_rows(study))


def claim_seconds(study: Study) -> float:
    """Return the seconds in which claims are tested, on the rows of their tables under many draws."""
    return CLAIM_SECONDS * len(study.claims) * len(study.models) + table_seconds(_claimed_rows(study))


def _claimed_rows(study: Study) -> float:
    return sum(_rows_of(study, table) for table in claimed_tables(study.spec))


def drawn_rows(study: Study, figure: str) -> float:
    """Return the rows of the tables that a figure is drawn from."""
    return sum(_rows_of(study, table) for table in FIGURE_TABLES[figure] if table in study.tables)


def _rows_of(study: Study, table: str) -> float:
    if table == "counts":
        return count_rows(study, study.rows())
    if table == "overlap":
        return pairs_of(study, study.last_rows()) / 2
    return SUMMARY_ROWS
