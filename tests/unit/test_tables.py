"""What crosses a rule is whole or absent."""

import errno
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save_file

from golgi.errors import GaveWay, GolgiError
from golgi.files import read_json, write_atomically, write_json
from golgi.tables import (
    SCHEMAS,
    create_arrays,
    gather_tables,
    open_arrays,
    read_table,
    table_schema,
    write_arrays,
    write_table,
)

SETS = pl.DataFrame({"concept": ["dog", "cat"], "sentence": [1, 0], "positive": [True, False]})


def test_a_table_is_sorted_typed_and_read_back(tmp_path: Path):
    write_table(SETS, tmp_path / "sets.parquet", schema="sets", csv=True)
    frame = read_table(tmp_path / "sets.parquet", schema="sets")
    assert frame["concept"].to_list() == ["cat", "dog"]
    assert frame.schema["sentence"] == pl.Int64
    assert (tmp_path / "sets.csv").read_text().splitlines()[1] == "cat,0,false"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (SETS.drop("positive"), "missing columns"),
        (SETS.with_columns(extra=1), "unknown columns"),
        (SETS.with_columns(sentence=pl.lit("one")), "not a table `sets`"),
        (SETS.with_columns(sentence=pl.lit(None)), "empty cells"),
    ],
)
def test_a_frame_that_breaks_its_schema_is_refused(tmp_path: Path, frame: pl.DataFrame, message: str):
    with pytest.raises(GolgiError, match=message):
        write_table(frame, tmp_path / "sets.parquet", schema="sets")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_a_truncated_table_is_an_error_that_names_it(tmp_path: Path, keep: int):
    path = tmp_path / "sets.parquet"
    write_table(SETS, path, schema="sets")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(GolgiError, match=r"sets\.parquet cannot be read"):
        read_table(path, schema="sets")


def test_gathered_tables_hold_all_rows(tmp_path: Path):
    for number, frame in enumerate(SETS.iter_slices(1)):
        write_table(frame, tmp_path / f"{number}.parquet", schema="sets")
    gather_tables([tmp_path / "0.parquet", tmp_path / "1.parquet"], tmp_path / "all.parquet", schema="sets")
    assert len(read_table(tmp_path / "all.parquet", schema="sets")) == 2


LOSSES = pl.DataFrame(
    {
        "model": ["=a", "b"],
        "step": [1, 2],
        "tokens": [10, 20],
        "training_loss": [1.5, None],
        **dict.fromkeys(("heldout_loss", "unigram_loss", "bigram_loss"), pl.Series([0.1, float("nan")])),
    }
)


def at_step(step: int, model: str = "a") -> pl.DataFrame:
    return LOSSES.head(1).with_columns(model=pl.lit(model), step=pl.lit(step, pl.Int64))


def in_two(first: pl.DataFrame, second: pl.DataFrame) -> list[pl.DataFrame]:
    return [pl.concat(first), pl.concat(second)]


@pytest.mark.parametrize(
    "parts",
    [
        [LOSSES],
        [LOSSES.tail(1), LOSSES.head(1)],
        [at_step(3), LOSSES.clear(), at_step(10), at_step(2)],
        [LOSSES.clear(), LOSSES.clear()],
        in_two([at_step(1), at_step(3)], [at_step(2), at_step(4)]),  # their rows are to be mixed
        in_two([at_step(2, "b"), at_step(3, "b")], [at_step(1), at_step(9)]),
        in_two([at_step(1), at_step(2)], [at_step(2).with_columns(tokens=pl.lit(7, pl.Int64)), at_step(3)]),
    ],
)
def test_gathered_tables_are_what_all_rows_in_one_table_are(tmp_path: Path, monkeypatch, parts):
    monkeypatch.setattr("golgi.tables.CSV_ROWS", 2)
    for number, frame in enumerate(parts):
        write_table(frame, tmp_path / f"{number}.parquet", schema="training")
    paths = [tmp_path / f"{number}.parquet" for number in range(len(parts))]
    gather_tables(paths, tmp_path / "gathered.parquet", schema="training")
    write_table(pl.concat(parts), tmp_path / "whole.parquet", schema="training", csv=True)
    whole = read_table(tmp_path / "whole.parquet", schema="training")
    assert pl.read_parquet(tmp_path / "gathered.parquet").equals(whole)
    assert (tmp_path / "gathered.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_the_order_of_parts_does_not_matter_nor_do_rows_that_are_out_of_order(tmp_path: Path):
    write_table(at_step(3), tmp_path / "0.parquet", schema="training")
    pl.concat([at_step(2), at_step(1)]).write_parquet(tmp_path / "1.parquet")
    paths = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    gather_tables(paths, tmp_path / "a.parquet", schema="training")
    gather_tables(paths[::-1], tmp_path / "b.parquet", schema="training")
    assert pl.read_parquet(tmp_path / "a.parquet")["step"].to_list() == [1, 2, 3]
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: at_step(1).drop("tokens").write_parquet(path), "missing columns"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), r"1\.parquet cannot be read"),
    ],
)
def test_a_part_that_is_no_such_table_is_named_and_nothing_is_left(tmp_path: Path, damage, message):
    for number in (0, 1):
        write_table(at_step(number), tmp_path / f"{number}.parquet", schema="training")
    damage(tmp_path / "1.parquet")
    with pytest.raises(GolgiError, match=message):
        gather_tables(
            [tmp_path / "0.parquet", tmp_path / "1.parquet"], tmp_path / "all.parquet", schema="training"
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.parquet", "1.parquet"]


def test_a_cell_that_a_spreadsheet_would_run_is_text_in_csv(tmp_path: Path):
    frame = SETS.with_columns(concept=pl.Series(["=1+1", "cat"]))
    write_table(frame, tmp_path / "sets.parquet", schema="sets", csv=True)
    assert "'=1+1" in (tmp_path / "sets.csv").read_text()
    assert "=1+1" in read_table(tmp_path / "sets.parquet", schema="sets")["concept"].to_list()


def test_every_schema_is_complete():
    for path in SCHEMAS.glob("*.json"):
        declared = table_schema(path.stem)
        names = [column["name"] for column in declared["columns"]]
        assert declared["title"]
        assert declared["description"]
        assert len(set(names)) == len(names)
        assert set(declared["sort"]) <= set(names)
        assert all(column["description"] for column in declared["columns"])


@given(
    array=hnp.arrays(
        st.sampled_from([np.float32, np.float16, np.int64, np.uint8]), hnp.array_shapes(max_dims=3)
    )
)
def test_arrays_equal_the_reference_reader(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("arrays") / "a.safetensors"
    write_arrays({"x/0": array, "y": np.arange(3.0, dtype=np.float32)}, path, metadata={"k": "v"})
    np.testing.assert_array_equal(load_file(path)["x/0"], array)
    with open_arrays(path) as arrays:
        np.testing.assert_array_equal(arrays.read("x/0"), array)
        assert arrays.metadata == {"k": "v"}
        assert arrays.shape("x/0") == array.shape


def test_foreign_safetensors_and_blocks_of_rows_and_columns_are_read(tmp_path: Path):
    matrix = np.arange(12, dtype=np.float32).reshape(3, 4)
    save_file({"m": matrix}, tmp_path / "m.safetensors")
    with open_arrays(tmp_path / "m.safetensors") as arrays:
        np.testing.assert_array_equal(arrays.columns("m", 1, 3), matrix[:, 1:3])
        np.testing.assert_array_equal(arrays.rows("m", slice(1, 5)), matrix[1:])
        np.testing.assert_array_equal(arrays.rows("m", np.array([2, 0, 2])), matrix[[2, 0, 2]])


def test_arrays_interrupted_in_the_middle_leave_nothing(tmp_path: Path):
    with (
        pytest.raises(RuntimeError),
        create_arrays(tmp_path / "a.safetensors", layout={"x": ((4,), np.dtype(np.float32))}),
    ):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:7], lambda b: b"\xff" * 8 + b[8:], lambda b: b""]
)
def test_damaged_arrays_are_an_error_that_names_them(tmp_path: Path, damage):
    path = tmp_path / "a.safetensors"
    write_arrays({"x": np.ones(5, np.float32)}, path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(GolgiError, match=r"a\.safetensors cannot be read"), open_arrays(path):
        pass


def test_an_earlier_file_survives_a_failed_write(tmp_path: Path):
    write_json({"a": 1}, tmp_path / "a.json")
    with pytest.raises(TypeError):
        write_json({"a": object()}, tmp_path / "a.json")
    assert read_json(tmp_path / "a.json") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_a_killed_writer_left_is_swept_by_the_next(tmp_path: Path):
    (tmp_path / ".a.json.x1y2.part").write_text("half")
    (tmp_path / ".ab.json.x1y2.part").write_text("another file's")
    write_json({}, tmp_path / "a.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".ab.json.x1y2.part", "a.json"]


def test_a_path_below_a_file_is_unwritable(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(GolgiError, match="cannot be written"):
        write_json({}, tmp_path / "file" / "a.json")


@pytest.mark.parametrize("kind", ["table", "gathered", "arrays", "json"])
def test_a_full_disk_is_a_clear_error_and_leaves_nothing(small_disk: Path, tmp_path: Path, kind: str):
    noise = np.random.default_rng(0).integers(0, 2**62, 50_000)
    frame = pl.DataFrame({"concept": noise.astype(str), "sentence": noise, "positive": noise % 2 == 0})
    gathered = tmp_path / "part.parquet"
    write_table(frame, gathered, schema="sets")
    write = {
        "table": lambda path: write_table(
            frame,
            path,
            schema="sets",
        ),
        "gathered": lambda path: gather_tables([gathered], path, schema="sets"),
        "arrays": lambda path: write_arrays({"x": noise}, path),
        "json": lambda path: write_json(noise.tolist(), path),
    }[kind]
    with pytest.raises(GolgiError, match=r"cannot be written: No space left on device\. Make room"):
        write(small_disk / "big")
    assert list(small_disk.iterdir()) == []


def test_of_two_writers_of_a_file_the_later_one_has_its_way(tmp_path: Path):
    path = tmp_path / "a.txt"
    gives_way = pytest.raises(GaveWay, match=r"a\.txt was not written: its temporary file was taken away")
    with gives_way, write_atomically(path), write_atomically(path) as later:
        later.write_text("later")
    assert path.read_text() == "later"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "in any language"), "No space left on device. Make room there and run again."),
        (OSError(errno.EROFS, "x"), "Read-only file system. Make it writable and run again."),
        (Exception("No space left on device (os error 28)"), "No space left on device. Make room there"),
    ],
)
def test_what_cannot_be_written_is_told_with_its_remedy(tmp_path: Path, error: Exception, words: str):
    with (
        pytest.raises(GolgiError, match=f"a.txt cannot be written: {words}"),
        write_atomically(tmp_path / "a.txt"),
    ):
        raise error
    assert list(tmp_path.iterdir()) == []
