"""What `golgi verify` finds: files that are missing, altered or stale, and what it takes away."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from recorded_study import CODE, LEXICON, Task, make_all, put, run, small_study

from golgi.command import main
from golgi.errors import GolgiError
from golgi.provenance.changes import Change
from golgi.provenance.discarding import discard, discardable
from golgi.provenance.records import Making, record_path
from golgi.provenance.verifying import verify
from golgi.study import load_study
from golgi.study.targets import targets

TABLE, CSV = "results/small/tables/counts.parquet", "results/small/tables/counts.csv"
POOL = "results/small/sentences/pool.parquet"
WEIGHTS = "results/small/models/tiny/step0/model.safetensors"


@pytest.fixture(scope="module")
def made(root, tmp_path_factory):
    """The folder of a finished study, not to be changed."""
    folder, here = tmp_path_factory.mktemp("made"), Path.cwd()
    try:
        os.chdir(folder)
        make_all(small_study(root))
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def study(made, tmp_path, monkeypatch):
    """The study, in a copy of that folder."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return load_study("small.yaml")


def found(study) -> list[tuple[str, str, str]]:
    return [(fault.kind, fault.path, fault.cause) for fault in verify("small", study).faults]


def short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def flip(path: str) -> tuple[str, str]:
    """Change one bit of a file but not its time stamps; return the beginnings of both hashes."""
    stamps = Path(path).stat()
    before = Path(path).read_bytes()
    after = bytes([before[0] ^ 1]) + before[1:]
    Path(path).write_bytes(after)
    os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    return short(before), short(after)


def test_a_finished_study_is_in_order(study, capsys):
    verdict = verify("small", study)
    assert verdict.in_order
    assert verdict.faults == verdict.changes == []
    assert verdict.leftovers == verdict.downstream == 0
    assert main(["verify", "small.yaml"]) == 0
    assert capsys.readouterr().out.startswith(f"small: all in order. {verdict.checked} files read")


def test_every_file_is_read_once_and_no_other(study, monkeypatch):
    from golgi.provenance import hashing

    read, digest = [], hashing.file_sha256
    monkeypatch.setattr(hashing, "file_sha256", lambda path: (read.append(path), digest(path))[1])
    put("results/small/notes.txt", "mine")
    put(TABLE, b"of another size")
    verdict = verify("small", study)
    results = {
        str(path) for path in Path("results").rglob("*") if path.is_file() and "records" not in path.parts
    }
    assert sorted(read) == sorted((results | {LEXICON, CODE}) - {TABLE, "results/small/notes.txt"})
    assert verdict.checked == len(read)
    assert verdict.bytes == sum(Path(path).stat().st_size for path in read)
    assert verdict.leftovers == 1


def test_a_flipped_bit_is_found_whatever_the_time_stamp_says(study):
    before, after = flip(POOL)
    why = f"not what make {POOL} wrote: {before} -> {after}"
    assert found(study) == [("altered", POOL, why)]


def test_a_truncated_file_is_found_without_being_read(study):
    size = Path(TABLE).stat().st_size
    put(TABLE, Path(TABLE).read_bytes()[:-1])
    assert found(study) == [
        ("altered", TABLE, f"not what measure {TABLE} wrote: {size - 1} bytes, not {size}")
    ]


def test_files_that_are_gone_are_missing(study):
    Path(CSV).unlink()
    Path(WEIGHTS).unlink()
    assert found(study) == [
        ("missing", WEIGHTS, "make results/small/models/tiny wrote it"),
        ("missing", CSV, f"measure {TABLE} wrote it"),
    ]


def test_files_that_were_never_made_are_missing(study):
    shutil.rmtree("results")
    assert found(study) == sorted(("missing", path, "the study asks for it") for path in targets(study))


def test_a_file_that_was_put_into_a_folder_is_found(study):
    put("results/small/models/tiny/extra.json", "{}")
    made = "results/small/models/tiny"
    assert found(study) == [("altered", f"{made}/extra.json", f"make {made} did not write it")]


def test_an_edited_input_makes_stale_what_was_made_from_it(study):
    before, after = flip(LEXICON)
    verdict = verify("small", study)
    first = [fault.path for fault in verdict.faults]
    assert POOL in first
    assert TABLE not in first
    assert {fault.kind for fault in verdict.faults} == {"stale"}
    assert {fault.cause for fault in verdict.faults} == {f"{LEXICON} changed: {before} -> {after}"}
    assert all(fault.unseen for fault in verdict.faults)
    assert verdict.downstream == len(verdict.records) - len(first)


def test_edited_code_makes_stale_what_it_made(study):
    put(CODE, "answer = 43\n")
    faults = verify("small", study).faults
    assert {(fault.kind, fault.cause) for fault in faults} == {("stale", "the code has changed: tool.py")}
    assert not any(fault.unseen for fault in faults)


def test_a_table_that_was_made_again_makes_the_figures_stale(study):
    record = yaml.safe_load(record_path(TABLE).read_text())
    run(Task(f"measure {TABLE}", list(record["inputs"])[:1], [TABLE, CSV]), {TABLE: b"new", CSV: b"new"})
    stale = [path for kind, path, _ in found(study) if kind == "stale"]
    assert "results/small/figures/experts_by_layer.svg" in stale
    assert "results/small/figures/training_loss.svg" not in stale


def test_changed_weights_of_a_users_model_are_called_by_their_name(study, root):
    spec = yaml.safe_load(Path("small.yaml").read_text())
    del spec["graphs"]
    spec["models"]["mine"] = {
        "source": {"directory": "own", "folder": "step{step}"},
        "checkpoints": [7],
        "bos": True,
    }
    Path("small.yaml").write_text(yaml.safe_dump(spec))
    weights, output = "own/step7/model.safetensors", "results/small/responses/mine/7/neuron.safetensors"
    put(weights, b"before")
    put("own/step7/config.json", "{}")
    run(Task("collect_responses", [weights], [output]), {output: b"responses"})
    put(weights, b"after!")
    told = f"the weights of mine at 7, {weights}, changed: {short(b'before')} -> {short(b'after!')}"
    assert ("stale", output, told) in found(load_study("small.yaml"))


def test_a_job_that_was_killed_is_told(study):
    Making(Task("score", [], [POOL]), threads=1)
    assert found(study) == [("unfinished", POOL, "its job is at work, or died before its end")]


def test_results_without_records_are_told(study):
    record_path(POOL).unlink()
    assert found(study) == [
        ("unrecorded", POOL, "no record tells what it should be, or what it was made from")
    ]
    put(str(record_path(POOL)), "{")
    assert found(study) == [("altered", POOL, "its record is damaged")]


def edit(**sections) -> None:
    spec = yaml.safe_load(Path("small.yaml").read_text())
    Path("small.yaml").write_text(yaml.safe_dump({**spec, **sections}))


def finish(study) -> None:
    """Write what the last job of a study tells of its spec."""
    file = f"results/{study.name}/provenance.json"
    told = yaml.safe_dump({"spec": study.origin()["spec"], "spec_sha256": study.spec_sha256})
    run(Task("write_provenance", [], [file]), {file: yaml_to_json(told)})


def yaml_to_json(text: str) -> bytes:
    import json

    return json.dumps(yaml.safe_load(text)).encode()


def test_an_edited_spec_is_told_field_by_field(study, capsys):
    finish(study)
    edit(seed=12, analyses={"overlap": {"threshold": 0.8}}, claims={}, graphs=None)
    spec = yaml.safe_load(Path("small.yaml").read_text())
    del spec["graphs"]
    Path("small.yaml").write_text(yaml.safe_dump(spec))
    verdict = verify("small", load_study("small.yaml"))
    changes = {change.field: change for change in verdict.changes}
    assert changes["seed"] == Change("seed", 11, 12)
    assert changes["analyses.overlap.threshold"] == Change("analyses.overlap.threshold", 0.6, 0.8)
    assert changes["graphs"].new is None
    assert not verdict.in_order
    stale = [fault.path for fault in verdict.faults if fault.cause.startswith("the spec")]
    assert "results/small/figures/experts_by_layer.svg" in stale
    assert main(["verify", "small.yaml"]) == 1
    shown = capsys.readouterr().out
    assert "snakemake --dry-run --config studies=small.yaml" in shown
    assert "analyses.overlap.threshold" in shown


def test_an_option_of_one_figure_makes_stale_that_figure_alone(study):
    finish(study)
    edit(figures={"overlap": {"colours": "magma"}})
    verdict = verify("small", load_study("small.yaml"))
    assert [change.field for change in verdict.changes] == ["figures.overlap.colours"]
    assert {fault.path.rsplit(".", 1)[0] for fault in verdict.faults} == {"results/small/figures/overlap"}


def test_results_of_a_model_that_left_the_study_are_leftovers(study):
    old = "results/small/responses/old/60/neuron.safetensors"
    run(Task("collect_responses", [CODE], [old]), {old: b"old"})
    put(CODE + "x")
    verdict = verify("small", study)
    assert verdict.leftovers == 1
    assert old not in verdict.records


def test_discard_removes_what_is_damaged_and_what_the_same_job_wrote(study, capsys):
    flip(CSV)
    Path(WEIGHTS).unlink()
    before = {str(path) for path in Path("results").rglob("*") if path.is_file()}
    assert main(["verify", "small.yaml", "--discard"]) == 1
    removed = [
        line.removeprefix("removed ") for line in capsys.readouterr().out.splitlines() if "removed " in line
    ]
    assert removed == ["results/small/models/tiny", CSV, TABLE]
    after = {str(path) for path in Path("results").rglob("*") if path.is_file()}
    gone = {TABLE, CSV, str(record_path(TABLE)), str(record_path(CSV))}
    assert gone < before - after
    assert all("models/tiny" in path for path in before - after - gone)
    assert {kind for kind, _, _ in found(study)} == {"missing"}


def test_a_missing_file_leads_to_no_removal(study):
    Path(CSV).unlink()
    Path(POOL).unlink()
    before = {str(path) for path in Path("results").rglob("*")}
    verdict = verify("small", study)
    assert {(fault.kind, fault.path) for fault in verdict.faults} == {("missing", CSV), ("missing", POOL)}
    assert discard(verdict) == []
    assert {str(path) for path in Path("results").rglob("*")} == before


def test_what_would_be_removed_is_listed_with_its_size(study, capsys):
    flip(CSV)
    Path(WEIGHTS).unlink()
    assert discardable(verify("small", study)) == {"results/small/models/tiny": 50, CSV: 50, TABLE: 50}
    main(["verify", "small.yaml"])
    shown = capsys.readouterr().out
    listed = [line.split() for line in shown[shown.index("What --discard removes") :].splitlines()]
    rows = [[cell for cell in line if cell not in "│|"] for line in listed if "50" in line]
    assert rows == [["results/small/models/tiny", "50", "B"], [CSV, "50", "B"], [TABLE, "50", "B"]]
    assert "removes 3 outputs (150 B)" in " ".join(shown.split())
    assert Path(TABLE).exists()


def test_a_part_of_a_download_is_of_no_concern_while_nothing_is_made_from_it(study):
    fetched, kept = "resources/models/org--name/main", Path(POOL).read_bytes()
    files = {f"{fetched}/config.json": b"{}", f"{fetched}/model.safetensors": b"weights"}
    run(Task("fetch_model", [], [fetched]), files)
    run(Task(f"make {POOL}", [LEXICON, CODE, fetched], [POOL]), {POOL: kept})
    assert verify("small", study).in_order
    Path(fetched, "model.safetensors").unlink()
    verdict = verify("small", study)
    assert [(fault.kind, fault.path) for fault in verdict.faults] == [
        ("missing", f"{fetched}/model.safetensors")
    ]
    assert discardable(verdict) == {}
    Path(POOL).unlink()
    assert discardable(verify("small", study)) == {fetched: 2}


def archive_here(*, without: tuple[str, ...]) -> set[str]:
    """Make of the folder what an archive would be unpacked to; return the results that are gone."""
    put("COMMIT", "abc\n")
    gone = set()
    for folder in without:
        gone |= {str(path) for path in Path(folder).rglob("*") if path.is_file()}
        shutil.rmtree(folder)
    kept = (path for path in sorted(Path().rglob("*")) if path.is_file() and "records" not in path.parts)
    names = [str(path) for path in kept if path.name not in ("COMMIT", "provenance.json")]
    sums = (hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in names)
    put("SHA256SUMS", "".join(f"{one}  {name}\n" for one, name in zip(sums, names, strict=True)))
    return gone


def test_what_was_left_out_of_an_archive_is_no_fault(study, capsys):
    folders = [f"results/small/{name}" for name in ("responses", "expertise")]
    gone = archive_here(without=(*folders, "results/small/models"))
    verdict = verify("small", study)
    assert verdict.in_order
    assert verdict.left_out == len([path for path in gone if "/models/" not in path]) + 1  # a folder
    records = sorted(Path("results").rglob("records/**/*.json"))
    assert main(["verify", "small.yaml", "--discard"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("small: all in order.")
    assert f"{verdict.left_out} files left out of the archive" in " ".join(shown.split())
    assert sorted(Path("results").rglob("records/**/*.json")) == records


def test_what_an_archive_held_is_missed(study):
    archive_here(without=("results/small/responses",))
    Path(TABLE).unlink()
    Path("results/small/provenance.json").unlink()
    assert {path for kind, path, _ in found(study) if kind == "missing"} == {
        TABLE,
        "results/small/provenance.json",
    }
    put("SHA256SUMS")
    assert len(found(study)) > 2  # without a list nothing can be known to be left out


def test_weights_that_were_left_out_are_no_fault_and_other_inputs_are(study):
    weights, config, kept = "own/model.safetensors", "own/config.json", Path(POOL).read_bytes()
    put(weights, b"weights")
    put(config, b"{}")
    run(Task(f"make {POOL}", [LEXICON, CODE, weights, config], [POOL]), {POOL: kept})
    archive_here(without=())
    listed = Path("SHA256SUMS").read_text().splitlines(keepends=True)
    put("SHA256SUMS", "".join(line for line in listed if not line.endswith(f"{weights}\n")))
    Path(weights).unlink()
    verdict = verify("small", study)
    assert verdict.in_order
    assert verdict.left_out == 1
    Path(config).unlink()
    assert found(study) == [("stale", POOL, f"{config} cannot be read")]


def test_ratings_without_a_record_are_held_against_their_checksum(study):
    ratings, kept = b"dog cat 5\n", Path(POOL).read_bytes()
    sha256 = hashlib.sha256(ratings).hexdigest()
    people = {"people": {"url": "https://example.org/people.txt", "sha256": sha256}}
    spec = yaml.safe_load(Path("small.yaml").read_text())
    edit(analyses={**spec["analyses"], "alignment": {"references": people}})
    study = load_study("small.yaml")
    (file,) = study.downloads
    put(file, ratings)
    run(Task(f"make {POOL}", [LEXICON, CODE, file], [POOL]), {POOL: kept})
    assert [fault for fault in found(study) if fault[1] == file] == []
    put(file, b"dog cat 6\n")
    cause = f"not what the study asks for: {short(b'dog cat 6' + bytes([10]))}, not {sha256[:12]}"
    assert [fault for fault in found(study) if fault[1] == file] == [("altered", file, cause)]
    assert file in discard(verify("small", study))
    assert not Path(file).exists()


def test_other_downloads_without_a_record_are_told_with_what_to_do(study, capsys):
    fetched, kept = "resources/models/org--name/main", Path(POOL).read_bytes()
    put(f"{fetched}/model.safetensors", b"weights")
    run(Task(f"make {POOL}", [LEXICON, CODE, fetched], [POOL]), {POOL: kept})
    assert {kind for kind, _, _ in found(study)} == {"unrecorded"}
    main(["verify", "small.yaml"])
    shown = capsys.readouterr().out
    assert "What has no record: remove it, and run again." in shown
    assert "dry-run" not in shown


def test_discard_removes_what_no_time_stamp_shows(study):
    newer = "results/small/corpora/tiny/training.jsonl"
    run(Task("write_corpus", [LEXICON], [newer]), {newer: b"text"})
    os.utime(LEXICON, (1, 1))
    flip(LEXICON)
    assert newer in discard(verify("small", study))
    assert Path(LEXICON).exists()


def test_discard_keeps_what_other_code_made(study):
    flip(CODE)
    verdict = verify("small", study)
    assert {fault.kind for fault in verdict.faults} == {"stale"}
    assert discard(verdict) == []


def test_discard_keeps_what_cannot_be_made_again(study):
    Path(CODE).unlink()
    verdict = verify("small", study)
    assert {fault.cause for fault in verdict.faults} == {f"{CODE} cannot be read"}
    assert discard(verdict) == []


def test_discard_follows_no_link_out(study, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    shutil.move("results/small/tables", outside)
    Path("results/small/tables").symlink_to(outside / "tables")
    there = sorted(path.name for path in outside.rglob("*"))
    flip(TABLE)
    flip(POOL)
    with pytest.raises(GolgiError, match=r"out of results. Nothing was removed"):
        discard(verify("small", study))
    assert sorted(path.name for path in outside.rglob("*")) == there
    assert Path(POOL).exists()


def test_results_may_lie_on_another_disk(study, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk") / "results"
    shutil.move("results", elsewhere)
    Path("results").symlink_to(elsewhere)
    flip(POOL)
    assert discard(verify("small", study)) == [POOL]


def test_discard_removes_a_link_and_not_what_it_leads_to(study, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "precious.txt"
    outside.write_text("precious")
    Path(POOL).unlink()
    Path(POOL).symlink_to(outside)
    assert discard(verify("small", study)) == [POOL]
    assert outside.read_text() == "precious"
    assert not Path(POOL).is_symlink()


def test_a_record_that_names_another_file_is_not_believed(study):
    put("precious.txt", "precious")
    record = record_path(POOL)
    record.write_text(record.read_text().replace(POOL, "precious.txt"))
    assert discard(verify("small", study)) == [POOL]
    assert Path("precious.txt").exists()


def test_a_study_is_verified_by_its_name_alone(study, capsys):
    assert main(["verify", "small"]) == 0
    assert "only what the records tell" in capsys.readouterr().out
    assert main(["verify", "../small"]) == 1
    assert main(["verify", "other"]) == 1
    assert "there is no study `other`" in capsys.readouterr().err


def test_neither_torch_nor_polars_is_imported(study):
    code = (
        "import sys; from golgi.command import main; assert main(['verify', 'small.yaml']) == 0; "
        "print({'torch', 'snakemake', 'polars', 'numpy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
    assert done.stderr == ""
