"""Graphs of made-up units, as files and tables, with texts whose strings are no text to a careless page.

Each unit fires on a token of its own, more so after one that it needs, and on a hostile string. One in fifty
has more nodes than a page shows; the fifth is dead, and has none.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from synthetic_tables import table

from golgi.graphs.texts import readable
from golgi.tables import write_table

HOSTILE = (
    "<script>window.pwned=1</script>",
    "</script>",
    "<img src=x onerror=window.pwned=1>",
    " gnp\u202e.exe",
    "${window.pwned=1}",
    "\"'`",
    "\\",
    "\u2028",
    "<!--",
    "]]>",
    " <b>bold</b>",
    '<a href="javascript:window.pwned=1">link</a>',
    "&lt;script&gt;",
    "\u05d0\u05d1",
    "\n",
    "日本",
    "\U0001f600",
)
FILLERS, USED = 1000, 900  # filler tokens, and how many of these are in texts
BIG, FAN = 50, 300  # one unit in so many has a further root with so many contexts
DEAD = 4
LENGTH, PIVOT, STRANGE = 24, 17, 3  # tokens of a window; places of what it is about and of a hostile string
KINDS = ("strongest", "firing", "mistake", "random")
OF_KIND = (6, 4, 2, 4)
# Nodes of every unit, depth first, and their facts as NODE names them. A rate from .5 on foretells firing.
SMALL = (
    (None, "hostile", 0, 1.0, 0.55, 2, 0.55, 0.6, 0.55),
    (None, "pivot", 0, 1.0, 0.85, 40, 0.8, 0.9, 0.95),
    (1, "needed", 1, 0.9, 0.95, 20, 0.95, 1.0, 0.95),
    (1, "after", 1, 0.8, 0.7, 10, None, None, 0.7),
    (3, None, 2, 0.1, 0.7, 10, None, None, 0.7),
    (4, "hostile", 3, 0.85, 0.7, 9, 0.7, 0.8, 0.7),
    (1, None, 1, 0.1, 0.6, 5, None, None, None),
    (6, "needed", 2, 0.8, 0.6, 5, 0.6, 0.4, None),
)
NODE = ("parent", "token", "distance", "importance", "activation", "count", "value", "rate", "reach")


@dataclass(frozen=True)
class Graphs:
    """Which units have a graph, and on what they fire: rows count units as the atlas does."""

    rows: np.ndarray  # [unit] ascending
    pivots: np.ndarray  # [unit] token id on which it fires
    needed: np.ndarray  # [unit] token id before which stands more
    hostile: np.ndarray  # [unit] token id of a hostile string on which it fires too
    tokens: list[str] = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    places: dict[int, tuple[str, int, int]] = field(repr=False)  # row -> site, layer, unit
    readable: list[str] = field(repr=False)

    def word(self, concept: str) -> int:
        """The token id of a concept's word."""
        return 1 + len(HOSTILE) + self.names.index(concept)


def write_graph_files(
    folder: Path,
    *,
    model: str,
    checkpoints: tuple[str, ...],
    rows: np.ndarray,
    width: int,
    concepts: np.ndarray,
    names: tuple[str, ...],
    windows: int,
    rng: np.random.Generator,
) -> Graphs:
    """Write all there is of the graphs of `rows`, which fire on the words of `concepts`, -1 for none."""
    first = 1 + len(HOSTILE)
    filler = first + len(names)
    tokens = [
        "<|endoftext|>",
        *HOSTILE,
        *(f" {name}" for name in names),
        *map(" word{}".format, range(FILLERS)),
    ]
    graphs = Graphs(
        rows=rows,
        pivots=np.where(concepts >= 0, first + concepts, filler + rows * 7 % USED),
        needed=filler + rows * 13 % USED,
        hostile=1 + rows % len(HOSTILE),
        tokens=tokens,
        names=names,
        places={row: ("mlp_post", row // width, row % width) for row in rows.tolist()},
        readable=[readable(text) for text in tokens],
    )
    of_units = [unit_nodes(graphs, number, filler) for number in range(len(rows))]
    texts = windows_table(graphs, windows, filler, rng)
    frames = {"graph_nodes": [], "graph_units": []}
    for checkpoint in checkpoints:
        point = {"model": model, "checkpoint": checkpoint}
        here = folder / "graphs" / model / checkpoint
        here.mkdir(parents=True, exist_ok=True)
        (here / "tokens.json").write_text(json.dumps(tokens), encoding="utf-8")
        write_table(texts, here / "windows.parquet", schema="atlas_windows")
        write_lines(here / "full", point, graphs, of_units)
        for name, frame in (
            ("graph_nodes", nodes_table(graphs, of_units)),
            ("graph_units", units_table(graphs, of_units)),
        ):
            step = int(checkpoint) if checkpoint.isdigit() else None
            own = (pl.lit(value).alias(key) for key, value in point.items())
            frames[name].append(frame.with_columns(*own, pl.lit(step, pl.Int64).alias("step")))
    for name, parts in frames.items():
        if parts:
            write_table(pl.concat(parts), folder / "tables" / f"{name}.parquet", schema=name)
    return graphs


def unit_nodes(graphs: Graphs, number: int, filler: int) -> list[tuple]:
    """The nodes of a unit's graph, in its order and the columns of NODE."""
    if number == DEAD:
        return []
    needed = int(graphs.needed[number])
    known = {
        **{"hostile": int(graphs.hostile[number]), "pivot": int(graphs.pivots[number])},
        **{"needed": needed, "after": needed + 1, None: None},
    }
    nodes = [(parent, known[token], *rest) for parent, token, *rest in SMALL]
    if number % BIG == 0:
        root = len(nodes)
        values = [round(0.3 + 0.6 * place / FAN, 6) for place in range(FAN)]
        nodes.append((None, filler + FILLERS - 1, 0, 1.0, 0.6, 900, None, None, max(values)))
        nodes += [
            (root, filler + place, 1, 0.8, value, 1 + place % 7, value, 1.0, value)
            for place, value in enumerate(values)
        ]
    return nodes


def maximum(number: int) -> float:
    """The largest activation of a unit with a graph."""
    return 0.0 if number == DEAD else 1.5 + number % 10 / 4


def write_lines(folder: Path, point: dict, graphs: Graphs, of_units: list[list[tuple]]) -> None:
    """Write the graphs as JSON lines, a file for each layer."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[int, list[str]] = {}
    names = NODE[:-1]
    for number, (row, nodes) in enumerate(zip(graphs.rows.tolist(), of_units, strict=True)):
        site, layer, unit = graphs.places[row]
        record = {**point, "site": site, "basis": "neuron", "layer": layer, "unit": unit}
        record["maximum"] = maximum(number)
        record["nodes"] = [dict(zip(names, node, strict=False)) for node in nodes]
        files.setdefault(layer, []).append(json.dumps(record, separators=(",", ":")) + "\n")
    for layer, lines in files.items():
        (folder / f"layer{layer}.jsonl").write_text("".join(lines), encoding="utf-8")


def nodes_table(graphs: Graphs, of_units: list[list[tuple]]) -> pl.DataFrame:
    """Table `graph_nodes`, without the columns that name the checkpoint."""
    sizes = [len(nodes) for nodes in of_units]
    columns = zip(*(node for nodes in of_units for node in nodes), strict=True)
    floats = dict.fromkeys(("importance", "activation", "value", "rate", "reach"), pl.Float64)
    frame = pl.DataFrame(
        dict(zip(NODE, map(list, columns), strict=True)),
        schema_overrides=floats | dict.fromkeys(("parent", "token", "distance", "count"), pl.Int64),
    )
    texts = pl.Series(graphs.readable, dtype=pl.String)
    placed = [graphs.places[row] for row in graphs.rows.tolist()]
    return frame.with_columns(
        pl.lit("mlp_post").alias("site"),
        pl.Series("layer", np.repeat([layer for _, layer, _ in placed], sizes)),
        pl.Series("unit", np.repeat([unit for _, _, unit in placed], sizes)),
        pl.Series("node", np.concatenate([np.arange(size) for size in sizes])),
        pl.when(pl.col("parent").is_null())
        .then(pl.lit("activating"))
        .otherwise(pl.lit("context"))
        .alias("role"),
        texts.gather(frame["token"]).alias("text"),
    )


def units_table(graphs: Graphs, of_units: list[list[tuple]]) -> pl.DataFrame:
    """Table `graph_units`: F1 falls from 1 to .05 in twenty steps, every seventeenth unit has none."""
    rows = []
    for number, (row, nodes) in enumerate(zip(graphs.rows.tolist(), of_units, strict=True)):
        site, layer, unit = graphs.places[row]
        f1 = None if number % 17 == 16 or not nodes else 1 - number % 20 / 20
        scores = {
            **dict.fromkeys(("precision", "recall", "f1", "rank_correlation"), f1),
            **{f"f1_{name}": f1 and round(f1 * 0.8, 3) for name in ("token", "bigram", "trigram", "shifted")},
        }
        rows.append(
            {
                **{"model": "", "checkpoint": "", "step": None, "site": site, "basis": "neuron"},
                **{"layer": layer, "unit": unit, "chosen": "sample", "maximum": maximum(number)},
                **dict.fromkeys(("q50", "q90", "q99", "q999"), 0.1 if nodes else None),
                **{"firing_rate": 0.001 * (number % 100) if nodes else 0.0, "dead": not nodes},
                **{"exemplars": 20, "firings": 60, "weak": 0, "long_range": 0, "nodes": len(nodes)},
                **{"activating": 2, "context": 3, "repeats": False, **scores, "positions": 1000.0},
            }
        )
    return table("graph_units", rows).drop("model", "checkpoint", "step")


def windows_table(graphs: Graphs, windows: int, filler: int, rng: np.random.Generator) -> pl.DataFrame:
    """Table `atlas_windows`: so many pieces of text of every unit, all kinds; of the dead one the random."""
    kind = np.repeat(np.arange(len(KINDS)), OF_KIND)
    kind = kind[np.linspace(0, len(kind) - 1, windows).round().astype(np.int64)]  # [window]
    units, pivot = len(graphs.rows), graphs.pivots[:, None]
    of_unit = np.where(kind == KINDS.index("random"), 0, graphs.rows[:, None])  # [unit, window]
    number = np.arange(windows)
    steps = of_unit[..., None] * 31 + number[:, None] * 17 + np.arange(LENGTH) * 7
    token = filler + steps % USED  # [unit, window, token]
    token[..., STRANGE] = 1 + (of_unit + number) % len(HOSTILE)
    activation = (rng.random(token.shape, np.float32) * 0.15 - 0.05).astype(np.float32)
    predicted = np.zeros_like(activation)
    within = number - np.searchsorted(kind, kind)
    after = (kind == 0) & (within % 2 == 0)  # what it needs stands before
    missed = (kind == 2) & (within % 2 == 0)
    about = (kind < 3) & ~missed
    token[..., PIVOT] = np.where(about, pivot, token[..., PIVOT])
    token[..., PIVOT - 1] = np.where(after, graphs.needed[:, None], token[..., PIVOT - 1])
    true = np.select([kind == 0, kind == 1, missed, kind == 2], [1 - 0.04 * within, 0.6, 0.7, 0.05])
    activation[..., PIVOT] = np.where(kind < 3, true, activation[..., PIVOT])
    predicted[..., PIVOT] = np.select([after, about], [0.95, 0.8])
    there = np.ones((units, windows), bool)
    if units > DEAD:
        there[DEAD] = kind == KINDS.index("random")
        activation[DEAD] = predicted[DEAD] = 0
    shown = np.cumsum(there, axis=1) - 1
    placed = np.array([graphs.places[row][1:] for row in graphs.rows.tolist()])
    unit, window = (np.repeat(places, LENGTH) for places in np.nonzero(there))
    return pl.DataFrame(
        {
            "layer": placed[unit, 0],
            "unit": placed[unit, 1],
            "window": shown[unit, window],
            "kind": pl.Series(KINDS).gather(kind[window]),
            "place": np.tile(np.arange(LENGTH), int(there.sum())),
            "token": token[there].ravel(),
            "activation": activation[there].ravel(),
            "predicted": predicted[there].ravel(),
            "foretold": predicted[there].ravel() >= 0.5,
        }
    ).with_columns(pl.lit("mlp_post").alias("site"))
