"""Score the graphs of one layer, and n-gram baselines, on texts that neither has seen."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.graphs.agreement import Expectation, Truth, compare
from golgi.graphs.baselines import BASELINES, Ngrams, add_strongest, last_tokens, strongest
from golgi.graphs.forest import Forest, Matches
from golgi.graphs.store import read_graphs
from golgi.tables import POLARS_TYPES, Arrays, open_arrays, read_table, table_schema, write_table

logger = logging.getLogger(__name__)

TEXTS = ("test", "shifted")
CELLS = 1 << 22  # units x tokens held at a time: about 100 MB
IDENTITY = ("model", "checkpoint", "step", "site", "basis", "layer", "unit")


@dataclass(frozen=True)
class _Limits:
    fires: float
    rate: float
    strong: int


class _Text:
    """A text, and the n-grams that end at its tokens; `place` counts tokens, padding left out."""

    def __init__(self, name: str, ids: np.ndarray):
        self.name = name
        self.ids = ids
        self.there = ids >= 0
        self.windows = np.nonzero(self.there)[0]  # [place]
        self.starts = np.flatnonzero(np.diff(self.windows, prepend=-1))  # of the windows with a token
        self.places = np.where(self.there, np.cumsum(self.there).reshape(ids.shape) - 1, -1)
        self.numbers: dict[str, np.ndarray] = {}  # method -> [place]

    def strong(self, activations: np.ndarray, most: int) -> np.ndarray:
        """Return the places in the `most` windows with the highest maxima of activations [place]."""
        highest = np.maximum.reduceat(activations.astype(np.float32), self.starts)
        first = np.sort(np.argsort(-highest, kind="stable")[:most])  # the earlier one in a tie
        stops = np.append(self.starts[1:], activations.size)
        return np.concatenate([np.arange(self.starts[one], stops[one]) for one in first])


@dataclass(frozen=True)
class _Site:
    """Some units of one site and layer, the maxima of these, and the files to read."""

    members: pl.DataFrame
    rows: slice  # of the arrays of the site and layer
    maxima: np.ndarray  # [unit] float32
    exemplars: Arrays
    sample: Arrays
    texts: Arrays

    @property
    def name(self) -> str:
        return f"{self.members['site'][0]}/{self.members['layer'][0]}"


def score_graphs(
    *,
    exemplars: Path,
    sample: Path,
    texts: Path,
    chosen: Path,
    graphs: dict[str, Path],
    layer: int,
    fires: float,
    rate: float,
    strong: int,
    scores: Path,
) -> None:
    """Write table `graph_scores` of one layer: counts and measures of firing, by unit, text and method.

    A unit fires from the share `fires` of its maximum on. A graph expects that where its path fires at the
    rate `rate` or above, a baseline where its value reaches `fires`: the largest share of the token, or of
    the n tokens, among the exemplars and in the sample that the graph was grown from. Scored are all windows
    (`random`) and, of each unit, the `strong` ones in which it is most active (Foote et al. 2023, sec. 4).
    `graphs` are files by method, or variant of it; `graph` or `full` has every unit of table `chosen`, in its
    order, the others may have some. Raises GolgiError where the files do not fit one another.
    """
    units = read_table(chosen, schema="graph_chosen").filter(pl.col("layer") == layer).sort("index")
    limits = _Limits(fires, rate, strong)
    grown = {"graph" if name == "full" else name: _InOrder(path) for name, path in graphs.items()}
    types = {one["name"]: POLARS_TYPES[one["type"]] for one in table_schema("graph_scores")["columns"]}
    frames = [pl.DataFrame(schema=types)]
    with open_arrays(exemplars) as seen, open_arrays(sample) as drawn, open_arrays(texts) as read:
        read_texts = [_Text(name, read.read(name)) for name in TEXTS if name in read.names]
        if not read_texts:
            raise GolgiError(f"{texts} holds no text.")
        tables = {name: Ngrams([text.ids for text in read_texts], n) for name, n in BASELINES.items()}
        random = _Text("sample", drawn.read("sample"))
        for text in (*read_texts, random):
            text.numbers = {name: table.numbers(text.ids)[text.there] for name, table in tables.items()}
        most = max(text.ids.size for text in (*read_texts, random))
        for part in _parts(units, (seen, drawn, read), max(1, CELLS // max(most, 1))):
            found = {method: graphs_of.take(part.members) for method, graphs_of in grown.items()}
            baselines = _baselines(part, tables, random)
            for text in read_texts:
                frames.append(pl.DataFrame(_score_part(part, text, found, baselines, limits), schema=types))
    for graphs_of in grown.values():
        graphs_of.finish()
    logger.info("Scored %d units of layer %d on %d texts.", len(units), layer, len(read_texts))
    write_table(pl.concat(frames), scores, schema="graph_scores")


class _InOrder:
    """The graphs of a file, a few at a time."""

    def __init__(self, path: Path):
        self.path = path
        self._graphs: Iterator[nx.DiGraph] = read_graphs(path)
        self._next = next(self._graphs, None)

    def take(self, members: pl.DataFrame) -> dict[int, nx.DiGraph]:
        """Return the graphs of units that are next, by their row in members."""
        names = [name for name in IDENTITY if name != "step"]
        rows = {identity: row for row, identity in enumerate(members.select(names).iter_rows())}
        found = {}
        while self._next is not None:
            row = rows.get(tuple(self._next.graph[name] for name in names))
            if row is None:
                break
            found[row] = self._next
            self._next = next(self._graphs, None)
        return found

    def finish(self) -> None:
        """GolgiError if a graph is left."""
        if self._next is not None:
            of = self._next.graph
            unit = f"{of['layer']}.{of['unit']} at {of['site']}"
            raise GolgiError(f"{self.path}: unit {unit} was not chosen, or stands out of order.")


def _parts(units: pl.DataFrame, files: tuple[Arrays, Arrays, Arrays], size: int) -> Iterator[_Site]:
    seen, drawn, read = files
    maxima = seen.read("maximum")
    for members in units.partition_by("site", maintain_order=True):
        name = f"{members['site'][0]}/{members['layer'][0]}"
        _check_units(drawn, f"sample/{name}", len(members))
        for text in TEXTS:
            if text in read.names:
                _check_units(read, f"{text}/{name}", len(members))
        for start in range(0, len(members), size):
            some = members[start : start + size]
            yield _Site(some, slice(start, start + size), maxima[some["index"].to_numpy()], *files)


def _check_units(arrays: Arrays, name: str, units: int) -> None:
    there = arrays.shape(name)[0] if name in arrays.names else 0
    if there != units or arrays.dtype(name) != np.float16:
        raise GolgiError(f"{arrays.path}: {name} does not hold {units} units in half precision.")


def _baselines(part: _Site, tables: dict[str, Ngrams], sample: _Text) -> dict[str, np.ndarray]:
    """By method, [unit, n-gram]: the largest share of its maximum that a unit showed; -inf where unseen."""
    shares = _shares(part.sample.rows(f"sample/{part.name}", part.rows)[:, sample.there], part.maxima)
    members = part.members["index"].to_numpy()
    indices = part.exemplars.read("unit")
    chosen = np.flatnonzero(np.isin(indices, members))
    units = np.searchsorted(members, indices[chosen])
    windows = part.exemplars.rows("windows", part.exemplars.read("window")[chosen])
    tokens = part.exemplars.read("token")[chosen]
    at_pivots = _shares(part.exemplars.read("activation")[chosen, None], part.maxima[units])[:, 0]
    found = {}
    for name, table in tables.items():
        found[name] = strongest(sample.numbers[name], shares, table.size)
        numbers = table.numbers(last_tokens(windows, tokens, table.n))[:, -1]
        add_strongest(found[name], units, numbers, at_pivots)
    return found


def _shares(activations: np.ndarray, maxima: np.ndarray) -> np.ndarray:
    # A dead unit has no share of its maximum; 0 never fires.
    return activations.astype(np.float32) / np.where(maxima > 0, maxima, np.inf).astype(np.float32)[:, None]


def _score_part(
    part: _Site,
    text: _Text,
    graphs: dict[str, dict[int, nx.DiGraph]],
    baselines: dict[str, np.ndarray],
    limits: _Limits,
) -> Iterator[dict]:
    activations = part.texts.rows(f"{text.name}/{part.name}", part.rows)[:, text.there]
    firing = _shares(activations, part.maxima) >= np.float32(limits.fires)
    missing = [row for row in range(len(part.members)) if row not in graphs.get("graph", {})]
    if missing:
        unit = part.members["unit"][missing[0]]
        raise GolgiError(f"unit {unit} of {part.name} has no graph to be scored, or it stands out of order.")
    expected = {
        method: dict(zip(found, _expect(list(found.values()), text, limits, method), strict=True))
        for method, found in graphs.items()
    }
    for row, member in enumerate(part.members.select(IDENTITY).iter_rows(named=True)):
        methods = {name: by_unit[row] for name, by_unit in expected.items() if row in by_unit}
        for name, values in baselines.items():
            methods[name] = text.numbers[name], _expect_ngrams(values[row], limits.fires)
        windows = {"random": slice(None), "strong": text.strong(activations[row], limits.strong)}
        for kind, places in windows.items():
            truth = Truth.of(activations[row, places], firing[row, places])
            for name, (groups, expectation) in methods.items():
                measured = compare(truth, groups[places], expectation)
                yield member | {"text": text.name, "windows": kind, "method": name} | measured


def _expect(
    graphs: Sequence[nx.DiGraph], text: _Text, limits: _Limits, method: str
) -> Iterator[tuple[np.ndarray, Expectation]]:
    matches = Forest(graphs).predict(text.ids)
    bounds = np.searchsorted(matches.unit, np.arange(len(graphs) + 1))
    for unit, graph in enumerate(graphs):
        of_unit = Matches(*(column[bounds[unit] : bounds[unit + 1]] for column in matches))
        groups = np.zeros(text.windows.size, np.int32)
        groups[text.places[of_unit.window, of_unit.token]] = of_unit.node + 1  # 0 is where no path matches
        values, rates = np.zeros((2, len(graph) + 1), np.float32)
        values[of_unit.node + 1], rates[of_unit.node + 1] = of_unit.value, of_unit.rate
        # As published, what is expected of the activation is compared with what counts as firing.
        published = method == "published"
        fires = values >= np.float32(limits.fires) if published else rates >= np.float32(limits.rate)
        yield groups, Expectation(values, fires)


def _expect_ngrams(values: np.ndarray, fires: float) -> Expectation:
    return Expectation(np.where(np.isfinite(values), values, np.float32(0)), values >= np.float32(fires))
