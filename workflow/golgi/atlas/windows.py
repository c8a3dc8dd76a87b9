"""Texts to show beside a unit's graph: where the unit is strongest, where it fires, where the graph errs."""

from __future__ import annotations

import logging
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import networkx as nx
import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.graphs.examples import Example, Examples, Reading, mistakes, read_each
from golgi.graphs.store import read_graphs
from golgi.tables import (
    POLARS_TYPES,
    Arrays,
    gather_tables,
    open_arrays,
    read_table,
    table_schema,
    write_table,
)

logger = logging.getLogger(__name__)

TEXT = "test"
SHOWN = {"strongest": 6, "firing": 4, "mistake": 2, "random": 4}
KINDS = tuple(SHOWN)
CELLS = 1 << 22  # units x tokens held at a time: about 100 MB
MOST_GRAPHS = 256  # held at a time, as objects
SCHEMA = "atlas_windows"


def read_windows(
    *,
    chosen: Path,
    graphs: Sequence[Path],
    texts: Path,
    fires: float,
    rate: float,
    seed: int,
    windows: Path,
) -> None:
    """Write table `atlas_windows`: pieces of the test text for every unit with a graph of a checkpoint.

    Of each unit those around its `strongest` activations, some around random tokens on which it fires
    (`firing`), those of the worst mistakes, and `random` ones, the same for all units: they depend on the
    text and the seed alone. `graphs` are files by layer. A unit fires from the share `fires` of its maximum
    on; its graph foretells that where a path fires at the rate `rate` or above. A mistake is one without the
    other; the worst is where true and expected activation lie furthest apart. Windows of a unit share no
    token where the text has others to offer; only the strongest do not make way for the random ones. Takes
    memory for the text and for some units at a time. GolgiError where the files do not fit one another.
    """
    types = {one["name"]: POLARS_TYPES[one["type"]] for one in table_schema(SCHEMA)["columns"]}
    counts: Counter[str] = Counter()
    with open_arrays(texts) as arrays, TemporaryDirectory() as folder:
        if TEXT not in arrays.names:
            raise GolgiError(f"{texts} does not hold the text `{TEXT}`.")
        found = _frames(arrays, graphs, _places(chosen), chosen=chosen, fires=fires, rate=rate, seed=seed)
        parts = []
        for frame in chain([pl.DataFrame(schema=types)], found):
            parts.append(Path(folder) / f"{len(parts)}.parquet")
            write_table(frame, parts[-1], schema=SCHEMA)
            counts.update(frame.filter(pl.col("place") == 0)["kind"].to_list())
            counts["units"] += frame["unit"].n_unique()
        gather_tables(parts, windows, schema=SCHEMA, csv=False)
    told = ", ".join(f"{counts[kind]} {kind} of at most {counts['units'] * SHOWN[kind]}" for kind in KINDS)
    logger.info("Windows of %d units: %s.", counts["units"], told)


def random_examples(ids: np.ndarray, seed: int) -> list[Example]:
    """Return the windows of a text ids [window, token] that are shown for every unit."""
    examples = Examples(ids, apart=True)
    examples.draw("random", np.flatnonzero(ids >= 0), SHOWN["random"], np.random.default_rng([seed, 6]))
    return examples.found


def choose_windows(reading: Reading, shared: Sequence[Example], random: np.random.Generator) -> list[Example]:
    """Return the windows that are shown for a unit, those `shared` with all units last.

    Fewer of a kind where fewer are there: strongest is only what is above 0, and of what a window shows
    already no other is made.
    """
    examples = Examples(reading.ids, apart=True)
    for place in examples.highest(reading.shares, SHOWN["strongest"], above=0):
        examples.show("strongest", place)
    for example in shared:
        examples.avoid(example)
    examples.draw("firing", np.flatnonzero(reading.firing), SHOWN["firing"], random)
    for place in examples.highest(mistakes(reading), SHOWN["mistake"]):
        examples.show("mistake", place)
    return [*examples.found, *shared]


def tokens_of(units: Sequence[int], shown: Sequence[tuple[Reading, Sequence[Example]]]) -> pl.DataFrame:
    """Return the rows of table `atlas_windows` of some units, without site and layer: one for each token."""
    examples = [example for _, of_unit in shown for example in of_unit]
    lengths = np.array([example.stop - example.start for example in examples], np.int64)
    numbers = [number for _, of_unit in shown for number in range(len(of_unit))]
    place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    texts = zip(*map(_texts, shown), strict=True)
    token, activation, predicted, foretold = (np.concatenate(parts) for parts in texts)
    kinds = pl.Series(KINDS).gather([KINDS.index(example.kind) for example in examples])
    return pl.DataFrame(
        {
            "unit": np.repeat(np.repeat(units, [len(of_unit) for _, of_unit in shown]), lengths),
            "window": np.repeat(np.array(numbers, np.int64), lengths),
            "kind": kinds.gather(np.repeat(np.arange(len(examples)), lengths)),
            "place": place,
            "token": token,
            "activation": activation,
            "predicted": predicted,
            "foretold": foretold,
        }
    )


def _texts(shown: tuple[Reading, Sequence[Example]]) -> tuple[np.ndarray, ...]:
    # Token, activation, expectation and whether it says that the unit fires, one window after another.
    reading, examples = shown
    width = reading.ids.shape[1]
    starts = [example.window * width + example.start for example in examples]
    stops = [example.window * width + example.stop for example in examples]
    places = np.concatenate([np.empty(0, np.int64), *map(np.arange, starts, stops)])
    columns = reading.ids, reading.shares, reading.values, reading.foretold
    return tuple(column.ravel()[places] for column in columns)


Places = dict[tuple[str, int], dict[int, int]]  # site and layer -> unit -> row of the arrays


def _places(chosen: Path) -> Places:
    members = read_table(chosen, schema="graph_chosen").sort("index")
    parts = members.partition_by("site", "layer", as_dict=True, maintain_order=True)
    return {
        (str(site), int(layer)): {unit: row for row, unit in enumerate(part["unit"])}
        for (site, layer), part in parts.items()
    }


def _frames(
    arrays: Arrays,
    paths: Sequence[Path],
    places: Places,
    *,
    chosen: Path,
    fires: float,
    rate: float,
    seed: int,
) -> Iterator[pl.DataFrame]:
    ids = arrays.read(TEXT)
    shared = random_examples(ids, seed)
    missing = {(*place, unit) for place, units in places.items() for unit in units}
    for site, layer, graphs in _batches(paths, ids.size):
        units = [graph.graph["unit"] for graph in graphs]
        unknown = sorted(unit for unit in units if (site, layer, unit) not in missing)
        if unknown:
            raise GolgiError(f"{chosen}: unit {site} {layer}.{unknown[0]} has a graph, but was not chosen.")
        missing.difference_update((site, layer, unit) for unit in units)
        activations = _activations(arrays, f"{site}/{layer}", places[site, layer], units)
        readings = read_each(graphs, ids, activations, fires=fires, rate=rate)
        shown = [
            (reading, choose_windows(reading, shared, _generator(seed, site, layer, unit)))
            for unit, reading in zip(units, readings, strict=True)
        ]
        where = pl.lit(site).alias("site"), pl.lit(layer, pl.Int64).alias("layer")
        yield tokens_of(units, shown).with_columns(*where)
    if missing:
        site, layer, unit = min(missing)
        raise GolgiError(f"{chosen}: unit {site} {layer}.{unit} was chosen, but has no graph.")


def _batches(paths: Sequence[Path], tokens: int) -> Iterator[tuple[str, int, list[nx.DiGraph]]]:
    size = max(1, min(MOST_GRAPHS, CELLS // max(tokens, 1)))
    for path in paths:
        of_places = groupby(read_graphs(path), key=lambda graph: (graph.graph["site"], graph.graph["layer"]))
        for (site, layer), graphs in of_places:
            while some := list(islice(graphs, size)):
                yield site, layer, some


def _activations(arrays: Arrays, name: str, rows: dict[int, int], units: Sequence[int]) -> np.ndarray:
    key = f"{TEXT}/{name}"
    there = arrays.shape(key)[0] if key in arrays.names else 0
    if there != len(rows):
        raise GolgiError(f"{arrays.path}: {key} does not hold the {len(rows)} units that were chosen.")
    return arrays.rows(key, np.array([rows[unit] for unit in units]))


def _generator(seed: int, site: str, layer: int, unit: int) -> np.random.Generator:
    # A stream of its own for every unit: what is drawn for it does not depend on the others.
    return np.random.default_rng([seed, 7, zlib.crc32(site.encode()), layer, unit])
