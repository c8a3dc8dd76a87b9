"""Read and write what crosses a rule: tables with a declared schema, and arrays.

Tables are Parquet, arrays are safetensors (https://github.com/huggingface/safetensors). Every file appears
whole (golgi.files), and nothing is ever unpickled.
"""

import contextlib
import json
import math
import mmap
import os
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.exceptions import PanicException  # of a damaged file; not a PolarsError, nor an Exception

from golgi.errors import GolgiError
from golgi.files import write_atomically

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas" / "tables"
POLARS_TYPES = {"str": pl.String, "int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean}
NUMPY_TYPES = {
    "F32": np.float32,
    "F16": np.float16,
    "F64": np.float64,
    "I64": np.int64,
    "I32": np.int32,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
TYPE_NAMES = {np.dtype(numpy_type): name for name, numpy_type in NUMPY_TYPES.items()}
# A spreadsheet runs a cell that opens with one of these, the wide forms too, unless it is a number; a quote
# before it makes it text again. Parquet has the text as it is.
FORMULA = r"^[=+\-@\t\r\n\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}]"
NUMBER = r"^[+-]?[0-9]+(?:\.[0-9]*)?$"
CSV_ROWS = 2**18  # rows that are held while they are written as CSV
HEADER_LIMIT = 100_000_000  # bytes; the limit of the safetensors format


@cache
def table_schema(name: str) -> dict[str, Any]:
    """Return the declared schema of table `name`: title, description, columns and sort order."""
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


def _types(schema: str) -> dict[str, pl.DataType]:
    return {column["name"]: POLARS_TYPES[column["type"]] for column in table_schema(schema)["columns"]}


def write_table(frame: pl.DataFrame, path: str | Path, *, schema: str, csv: bool = False) -> None:
    """Check `frame` against the declared schema, sort it, and write it as Parquet (and CSV beside it).

    Raises GolgiError if columns are missing, unknown, of another type, or empty where they may not be.
    """
    frame = conform(frame, schema=schema, where=str(path))
    with write_atomically(path) as temporary:
        frame.write_parquet(temporary, compression="zstd", statistics=False)
    if csv:
        with write_atomically(Path(path).with_suffix(".csv")) as temporary:
            _without_formulas(frame).write_csv(temporary)


def _without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    text = pl.col(pl.String)
    runs = text.str.contains(FORMULA) & ~text.str.contains(NUMBER)
    return frame.with_columns(pl.when(runs).then("'" + text).otherwise(text).name.keep())


def conform(frame: pl.DataFrame, *, schema: str, where: str) -> pl.DataFrame:
    """Return `frame` with the declared columns, types and row order; raise GolgiError where it cannot be."""
    declared = table_schema(schema)
    columns = {column["name"]: column for column in declared["columns"]}
    missing = [name for name in columns if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in columns]
    if missing or unknown:
        raise GolgiError(
            f"{where}: not a table `{schema}`: missing columns {missing}, unknown columns {unknown}."
        )
    try:
        frame = frame.select(pl.col(name).cast(kind) for name, kind in _types(schema).items())
    except pl.exceptions.PolarsError as error:
        raise GolgiError(f"{where}: not a table `{schema}`: {error}") from error
    for name, column in columns.items():
        if not column.get("nullable") and frame[name].null_count():
            raise GolgiError(
                f"{where}: column {name} of table `{schema}` has {frame[name].null_count()} empty cells."
            )
    return frame.sort(declared["sort"], nulls_last=True, maintain_order=True)


def read_table(path: str | Path, *, schema: str) -> pl.DataFrame:
    """Read a Parquet table and check it against its declared schema; GolgiError if it is damaged."""
    return conform(_read(path), schema=schema, where=str(path))


def _read(path: str | Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, PanicException, OSError) as error:
        raise GolgiError(f"{path} cannot be read as a table: {error}. Delete it and run again.") from error


def gather_tables(
    paths: list[str | Path],
    path: str | Path,
    *,
    schema: str,
    threshold: float | None = None,
    csv: bool = True,
) -> None:
    """Write the rows of several tables of one schema as a single table, with a CSV beside it by default.

    With `threshold` only the rows of that threshold are kept. Holds no more than the largest of the tables,
    unless their rows are to be mixed.
    """
    rows = _stack(paths, schema=schema)
    if threshold is not None:
        rows = rows.filter((pl.col("threshold") - threshold).abs() < 1e-9)
    with write_atomically(path) as temporary:
        rows.sink_parquet(temporary, compression="zstd", statistics=False, maintain_order=True)
    if csv:
        _write_csv(Path(path))


def _write_csv(path: Path) -> None:
    # Some rows at a time: a sink of polars reads far ahead of what it writes.
    rows = pl.scan_parquet(path, glob=False)
    count = rows.select(pl.len()).collect().item()
    with write_atomically(path.with_suffix(".csv")) as temporary, temporary.open("wb") as file:
        for start in range(0, max(count, 1), CSV_ROWS):
            frame = rows.slice(start, CSV_ROWS).collect()
            _without_formulas(frame).write_csv(file, include_header=start == 0)


def _stack(paths: list[str | Path], *, schema: str) -> pl.LazyFrame:
    parts = _in_order(paths, schema=schema)
    if parts is None:
        frame = pl.concat([read_table(part, schema=schema) for part in paths])
        return conform(frame, schema=schema, where="the tables together").lazy()
    columns = [pl.col(name).cast(kind) for name, kind in _types(schema).items()]
    return pl.concat([pl.scan_parquet(part, glob=False).select(columns) for part in parts])


def _in_order(paths: list[str | Path], *, schema: str) -> list[str | Path] | None:
    # The order in which sorted tables, one after another, are the sorted whole; None where there is none.
    keys, ends = table_schema(schema)["sort"], []
    for number, path in enumerate(paths):
        rows = _ends(path, schema=schema)
        if rows is None:
            return None
        ends += [(*row, number) for row in rows]
    if not ends:
        return paths
    # Sorted as all rows would be, the ends of a table that no other's rows fall into are neighbours.
    types = _types(schema)
    frame = pl.DataFrame(ends, schema={key: types[key] for key in keys} | {"part": pl.Int64}, orient="row")
    parts = frame.sort(keys, nulls_last=True, maintain_order=True)["part"]
    firsts, lasts = parts.gather_every(2), parts.gather_every(2, offset=1)
    return [paths[number] for number in firsts] if firsts.equals(lasts) else None


def _ends(path: str | Path, *, schema: str) -> list[tuple] | None:
    # Keys of the first and the last row, as values: a slice would keep all. None if rows are not sorted.
    keys = table_schema(schema)["sort"]
    stored = _read(path)
    keyed = conform(stored, schema=schema, where=str(path)).select(keys)
    if not stored.select(keys).equals(keyed):
        return None
    return [keyed.row(0), keyed.row(-1)] if len(keyed) else []


Layout = dict[str, tuple[tuple[int, ...], np.dtype]]


@contextlib.contextmanager
def create_arrays(
    path: str | Path, *, layout: Layout, metadata: dict[str, str] | None = None
) -> Iterator[dict[str, np.ndarray]]:
    """Yield zero-filled writable arrays that live in a safetensors file, not in memory.

    `layout` maps a name to (shape, dtype). The file appears under `path` when the block ends cleanly;
    after an error nothing is left. Disk space is reserved first, so a full disk is an error at once.
    """
    header, offsets = _header(layout, metadata or {})
    size = len(header) + sum(stop - start for start, stop in offsets.values())
    with write_atomically(path) as temporary:
        with temporary.open("r+b") as file:
            _reserve(file.fileno(), size)
            file.write(header)
            file.flush()
            mapping = mmap.mmap(file.fileno(), size)
        yield {name: _view(mapping, layout[name], len(header) + offsets[name][0]) for name in layout}
        mapping.flush()


def _reserve(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, max(size, 1))
    else:  # macOS has none; there a full disk shows only when pages are written back
        os.ftruncate(descriptor, max(size, 1))


def _view(mapping: mmap.mmap, layout: tuple[tuple[int, ...], np.dtype], offset: int) -> np.ndarray:
    shape, dtype = layout
    count = int(np.prod(shape))
    if count == 0:
        return np.zeros(shape, dtype)
    return np.frombuffer(mapping, dtype=dtype, count=count, offset=offset).reshape(shape)


def _header(layout: Layout, metadata: dict[str, str]) -> tuple[bytes, dict[str, tuple[int, int]]]:
    # The format wants tensors without gaps; widest types first keeps every tensor aligned.
    names = sorted(layout, key=lambda name: (-np.dtype(layout[name][1]).itemsize, name))
    entries: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    offsets, position = {}, 0
    for name in names:
        shape, dtype = layout[name]
        stop = position + int(np.prod(shape)) * np.dtype(dtype).itemsize
        entries[name] = {
            "dtype": TYPE_NAMES[np.dtype(dtype)],
            "shape": list(map(int, shape)),
            "data_offsets": [position, stop],
        }
        offsets[name], position = (position, stop), stop
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 64)
    return struct.pack("<Q", len(text)) + text, offsets


def write_arrays(
    arrays: dict[str, np.ndarray], path: str | Path, *, metadata: dict[str, str] | None = None
) -> None:
    """Write arrays that fit in memory as one safetensors file."""
    layout = {name: (array.shape, array.dtype) for name, array in arrays.items()}
    with create_arrays(path, layout=layout, metadata=metadata) as views:
        for name, array in arrays.items():
            views[name][...] = array


class Arrays:
    """The arrays of a safetensors file, read from the disk as they are asked for.

    >>> with open_arrays("ap.safetensors") as arrays:      # doctest: +SKIP
    ...     arrays.columns("measured/mlp_post/0", 0, 512)  # [concept, 512]
    """

    def __init__(self, path: Path, entries: dict[str, Any], start: int):
        self.path = path
        self.metadata: dict[str, str] = entries.pop("__metadata__", {})
        self.names = sorted(entries)
        self._entries = entries
        self._start = start

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of array `name`."""
        return tuple(self._entries[name]["shape"])

    def dtype(self, name: str) -> np.dtype:
        """Return the number format of array `name`."""
        return np.dtype(NUMPY_TYPES[self._entries[name]["dtype"]])

    def read(self, name: str) -> np.ndarray:
        """Return array `name`, whole and in memory."""
        return np.array(self._map(name))

    def rows(self, name: str, rows: slice | np.ndarray) -> np.ndarray:
        """Return some rows of array `name`, a slice of them or by number, in memory."""
        return np.array(self._map(name)[rows])

    def columns(self, name: str, start: int, stop: int) -> np.ndarray:
        """Return columns `start` to `stop` of the matrix `name`, [rows, stop - start], in memory."""
        return np.array(self._map(name)[:, start:stop])

    def _map(self, name: str) -> np.ndarray:
        # Mapped anew at each call: pages that were read do not pile up in the process's memory.
        shape = self.shape(name)
        if 0 in shape:
            return np.zeros(shape, self.dtype(name))
        offset = self._start + self._entries[name]["data_offsets"][0]
        return np.memmap(self.path, dtype=self.dtype(name), mode="r", offset=offset, shape=shape)


@contextlib.contextmanager
def open_arrays(path: str | Path) -> Iterator[Arrays]:
    """Open a safetensors file for reading; GolgiError if it is damaged, truncated or of an unknown type."""
    path = Path(path)
    try:
        arrays = Arrays(path, *_read_header(path))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, struct.error) as error:
        raise GolgiError(f"{path} cannot be read as arrays: {error}. Delete it and run again.") from error
    yield arrays


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > HEADER_LIMIT:
            raise ValueError("its header is too large")
        entries = json.loads(file.read(length))
    if not isinstance(entries, dict):
        raise ValueError("its header is no list of arrays")
    start, end = 8 + length, 0
    for name, entry in entries.items():
        if name != "__metadata__":
            _check_entry(name, entry)
            end = max(end, entry["data_offsets"][1])
    if path.stat().st_size < start + end:
        raise ValueError("it is truncated")
    return entries, start


def _check_entry(name: str, entry: dict[str, Any]) -> None:
    first, last = entry["data_offsets"]
    sizes = [first, last, *entry["shape"]]
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise ValueError(f"the shape or place of {name} is no list of whole numbers")
    if math.prod(entry["shape"]) * np.dtype(NUMPY_TYPES[entry["dtype"]]).itemsize != last - first:
        raise ValueError(f"{name} has another size than its shape asks for")
