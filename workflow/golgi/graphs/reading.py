"""What a model is read for before graphs are grown and scored: exemplars, a random sample, test texts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.files import write_json
from golgi.graphs.exemplars import Exemplars, Finder
from golgi.models.activity import Activity, open_activity
from golgi.models.tokenizer import load_tokenizer
from golgi.models.windows import Windows, read_windows, token_texts
from golgi.progress import Progress
from golgi.tables import Layout, create_arrays, open_arrays, read_table, write_arrays, write_table

logger = logging.getLogger(__name__)

CELLS = 1 << 26  # windows x tokens x units held at a time: 256 MB
QUANTILES = {"q50": 0.5, "q90": 0.9, "q99": 0.99, "q999": 0.999}
LONGEST_WINDOW = 256


def find_exemplars(
    *,
    text: Path,
    chosen: Path,
    window: int | None,
    tokens: int,
    strongest: int,
    firings: int,
    sampled: int,
    fires: float,
    weakest: float,
    seed: int,
    exemplars: Path,
    sample: Path,
    vocabulary: Path,
    facts: Path,
    **opening: Any,
) -> None:
    """Read the build corpus once for all chosen units, and keep what their graphs grow from.

    Writes `exemplars` (of every unit the strongest windows, one a document, and random ones where it fires;
    Foote et al. 2023, sec. 3), `sample` (what all units do in `sampled` random windows), `vocabulary` (the
    text of every token) and `facts` (maximum, quantiles and firing rate of every unit, so that dead and dense
    units are seen). `opening` is what `opened` takes. Memory is bounded whatever the number of units.
    """
    units = read_table(chosen, schema="graph_chosen")
    generator = np.random.default_rng(seed)
    with opened(units, **opening) as activity:
        windows = _windows(activity, opening["folder"], text, window=window, tokens=tokens)
        count = len(windows.ids)
        taken = np.zeros(count, bool)
        taken[generator.choice(count, min(sampled, count), replace=False)] = True
        luck = generator.random(count)
        finder = Finder(len(units), strongest=strongest, firings=firings, fires=fires, weakest=weakest)
        layout = _layout(units, {"sample": windows.ids[taken]})
        with create_arrays(sample, layout=layout) as arrays:
            arrays["sample"][...] = windows.ids[taken]
            for part in _chunks(windows, activity, what="the build corpus"):
                values, places = _peaks(
                    activity, windows.ids[part], taken[part], units, arrays, taken[: part.start]
                )
                finder.add(
                    values,
                    places,
                    windows=np.arange(part.start, part.stop),
                    documents=windows.documents[part],
                    luck=luck[part],
                )
        write_json(token_texts(load_tokenizer(Path(opening["folder"]), who=activity.model.who)), vocabulary)
    found = finder.exemplars()
    _write_exemplars(found, windows, exemplars)
    _write_facts(units, found.maximum, windows, sample, facts, fires=fires)
    logger.info("%d exemplars of %d units.", len(found.unit), len(units))


def trace_texts(
    *,
    texts: dict[str, Path],
    chosen: Path,
    window: int | None,
    tokens: dict[str, int],
    activations: Path,
    **opening: Any,
) -> None:
    """Write what every chosen unit does on every token of some texts, by name: what graphs are scored on.

    Arrays: the token ids under the text's name, [window, token], `TEXT/documents` [window], and
    `TEXT/SITE/LAYER` [unit, window, token] float16, 0 at padding.
    """
    units = read_table(chosen, schema="graph_chosen")
    with opened(units, **opening) as activity:
        cut = {
            name: _windows(activity, opening["folder"], text, window=window, tokens=tokens[name])
            for name, text in texts.items()
        }
        layout = _layout(units, {name: windows.ids for name, windows in cut.items()})
        layout |= {
            f"{name}/documents": (windows.documents.shape, np.dtype(np.int64))
            for name, windows in cut.items()
        }
        with create_arrays(activations, layout=layout) as arrays:
            for name, windows in cut.items():
                arrays[name][...], arrays[f"{name}/documents"][...] = windows.ids, windows.documents
                for part in _chunks(windows, activity, what=f"the text {name}"):
                    _store(arrays, name, units, part, activity.trace(windows.ids[part]))


def opened(
    units: pl.DataFrame,
    *,
    folder: Path,
    who: str,
    untrained_seed: int | None,
    dtype: str,
    device: str,
    bos: bool,
    batch_tokens: int,
    threads: int,
):
    """Return the model of a folder, opened for the units of a table `graph_chosen`; a context manager."""
    return open_activity(
        Path(folder),
        who=who,
        untrained_seed=untrained_seed,
        dtype=dtype,
        device=device,
        units=list(units.select("site", "layer", "unit").iter_rows()),
        bos=bos,
        batch_tokens=batch_tokens,
        threads=threads,
    )


def _windows(activity: Activity, folder: Path, text: Path, *, window: int | None, tokens: int) -> Windows:
    model = activity.model
    longest = None if model.context is None else model.context - activity.own
    if window is not None and longest is not None and window > longest:
        raise GolgiError(
            f"{model.who}: graphs.window is {window}, and the model's context has room for {longest}."
        )
    length = window or min(longest or LONGEST_WINDOW, LONGEST_WINDOW)
    tokenizer = load_tokenizer(Path(folder), who=model.who)
    return read_windows([text], tokenizer, length=length, tokens=tokens, who=model.who)


def _chunks(windows: Windows, activity: Activity, *, what: str) -> Iterator[slice]:
    count, width = windows.ids.shape
    size = max(1, CELLS // (width * len(activity.units)))
    label = f"{activity.model.who}, {what}"
    with Progress(count, unit="windows", label=label, logger=logger) as progress:
        for start in range(0, count, size):
            part = slice(start, min(start + size, count))
            yield part
            progress.advance(part.stop - start)


def _places(units: pl.DataFrame) -> dict[str, np.ndarray]:
    places = units.with_row_index("row").group_by("site", "layer", maintain_order=True)
    return {f"{site}/{layer}": part["row"].to_numpy() for (site, layer), part in places}


def _layout(units: pl.DataFrame, texts: dict[str, np.ndarray]) -> Layout:
    layout: Layout = {name: (ids.shape, np.dtype(np.int32)) for name, ids in texts.items()}
    for place, rows in _places(units).items():
        layout |= {
            f"{name}/{place}": ((len(rows), *ids.shape), np.dtype(np.float16)) for name, ids in texts.items()
        }
    return layout


def _store(
    arrays: dict[str, np.ndarray], name: str, units: pl.DataFrame, windows: slice, values: np.ndarray
) -> None:
    largest = np.abs(values).max(axis=(0, 1), initial=0)
    worst = int(largest.argmax())
    if largest[worst] > np.finfo(np.float16).max:
        unit = units.row(worst, named=True)
        raise GolgiError(
            f"{unit['model']}@{unit['checkpoint']}: layer {unit['layer']}, {unit['site']}, unit "
            f"{unit['unit']}: an activation of {largest[worst]:.3g} is beyond what half precision holds. "
            "Leave the unit or its layer out of graphs.units."
        )
    for place, rows in _places(units).items():
        arrays[f"{name}/{place}"][:, windows] = np.moveaxis(values[:, :, rows], 2, 0)


def _peaks(
    activity: Activity,
    ids: np.ndarray,
    taken: np.ndarray,
    units: pl.DataFrame,
    arrays: dict[str, np.ndarray],
    before: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    # Windows of the sample are read for all of their tokens, the others for their strongest alone.
    values = np.zeros((len(ids), len(units)), np.float32)
    places = np.zeros(values.shape, np.int32)
    if not taken.all():
        values[~taken], places[~taken] = activity.peaks(ids[~taken])
    if taken.any():
        traced = activity.trace(ids[taken])
        first = int(before.sum())
        _store(arrays, "sample", units, slice(first, first + len(traced)), traced)
        traced = np.where(ids[taken, :, None] >= 0, traced, -np.inf)
        values[taken], places[taken] = traced.max(axis=1), traced.argmax(axis=1)
    return values, places


def _write_exemplars(found: Exemplars, windows: Windows, path: Path) -> None:
    needed, place = np.unique(found.window, return_inverse=True)
    arrays = {
        "windows": windows.ids[needed],
        "documents": windows.documents[needed].astype(np.int64),
        "unit": found.unit,
        "window": place.astype(np.int32),
        "token": found.token,
        "activation": found.activation,
        "strongest": found.strongest.astype(np.uint8),
        "maximum": found.maximum,
        "weak": found.weak,
    }
    write_arrays(arrays, path)


def _write_facts(
    units: pl.DataFrame, maxima: np.ndarray, windows: Windows, sample: Path, path: Path, *, fires: float
) -> None:
    read = {"windows_read": len(windows.ids), "tokens_read": int(windows.lengths.sum())}
    rows: dict[int, dict[str, Any]] = {}
    with open_arrays(sample) as arrays:
        there = arrays.read("sample") >= 0
        for place, members in _places(units).items():
            activations = arrays.read(f"sample/{place}")
            for row, number in zip(activations, members, strict=True):
                rows[int(number)] = (
                    _distribution(row[there].astype(np.float32), float(maxima[number]), fires) | read
                )
    frame = units.select("model", "checkpoint", "step", "index").sort("index")
    measured = pl.DataFrame(
        [rows[index] for index in frame["index"]], schema_overrides=dict.fromkeys(QUANTILES, pl.Float64)
    )
    write_table(pl.concat([frame, measured], how="horizontal"), path, schema="graph_facts")


def _distribution(activations: np.ndarray, maximum: float, fires: float) -> dict[str, Any]:
    if maximum <= 0:
        return {"maximum": maximum, "dead": True, "firing_rate": 0.0} | dict.fromkeys(QUANTILES)
    shares = activations / maximum
    values = np.quantile(shares, list(QUANTILES.values())).tolist()
    rate = float((shares >= fires).mean())
    return {"maximum": maximum, "dead": False, "firing_rate": rate} | dict(
        zip(QUANTILES, values, strict=True)
    )
