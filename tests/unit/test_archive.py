"""An archive of a study: the same bytes for the same study, all that is needed, and nothing else."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
import zstandard
from synthetic_results import models_table

from golgi.archive import contents, packing
from golgi.archive.archiving import gather_archive, write_archive
from golgi.command import main
from golgi.errors import GolgiError
from golgi.files import write_json
from golgi.provenance.hashing import content
from golgi.provenance.records import record_path
from golgi.provenance.verifying import verify
from golgi.study import load_study
from golgi.study.folders import model_files
from golgi.study.targets import targets
from golgi.tables import write_table

LINKED = ("Snakefile", "workflow", "schemas", "slurm", "envs", "pyproject.toml")
LINKED += ("README.md", "LICENSE", "CITATION.cff", "Makefile")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/">{}</svg>'


@pytest.fixture
def project(root: Path, tmp_path: Path, monkeypatch) -> Path:
    """A project with a study that looks finished."""
    folder = tmp_path / "project"
    shutil.copytree(root / "config", folder / "config")
    for name in LINKED:
        (folder / name).symlink_to(root / name)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("golgi.archive.archiving.commit", lambda: "abc")
    spec = yaml.safe_load((root / "tests" / "studies" / "small.yaml").read_text())
    finish(spec, folder)
    return folder


def finish(spec: dict, folder: Path) -> None:
    """Write a spec, and something at every place where its results would be."""
    (folder / "small.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    study = load_study(folder / "small.yaml")
    results = folder / study.results
    files = [f"tables/{table}.parquet" for table in study.tables] + ["tables/counts.csv"]
    files += [f"figures/{name}.{ending}" for name in study.figures for ending in ("pdf", "svg", "png", "txt")]
    files += ["report.html", "atlas/index.html", "atlas/data/study.js", "provenance.json", "logs/a.log"]
    files += ["sentences/pool.parquet", "sentences/sets.parquet"]
    for model, checkpoint in study.graph_rows():
        files += [f"graphs/{model}/{checkpoint}/drawings/{name}" for name in ("index.html", "1.2.svg")]
    files += ["responses/tiny/60/neuron.safetensors", "expertise/tiny/60/ap.safetensors"]
    for name in files:
        path = results / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(drawn("abc") if name.endswith(".svg") else name)
    table = models_table(study.models, study.weights(study.models[0]), True)
    write_table(table, results / "tables" / "models.parquet", schema="models")
    places = [f"graphs/{model}/{checkpoint}/drawings" for model, checkpoint in study.graph_rows()]
    folders = ("graphs/", "atlas/", "logs/")
    for name in [*(one for one in files if not one.startswith(folders)), "atlas", *places]:
        facts = {"rule": "make", "log": name, "started": "", "inputs": {}}
        write_json(
            {"output": f"{study.results}/{name}", **content(results / name), **facts}, record(results, name)
        )


def record(results: Path, name: str) -> Path:
    return results / "records" / f"{name}.json"


def drawn(commit: str) -> str:
    return SVG.format(f"<dc:description>{json.dumps({'commit': commit})}</dc:description>")


def archived(folder: Path, **options: bool) -> Path:
    path = folder.parent / "out.tar.zst"
    write_archive(gather_archive(load_study("small.yaml"), **options), path)
    return path


def opened(path: Path) -> tarfile.TarFile:
    with path.open("rb") as file:
        return tarfile.open(fileobj=io.BytesIO(zstandard.ZstdDecompressor().stream_reader(file).read()))


def names(path: Path) -> set[str]:
    return {name.removeprefix("golgi-small/") for name in opened(path).getnames()}


def extracted(path: Path, folder: Path) -> Path:
    opened(path).extractall(folder, filter="data")
    return folder / "golgi-small"


def edited(folder: Path, **sections: object) -> dict:
    return {**yaml.safe_load((folder / "small.yaml").read_text()), **sections}


def test_the_same_study_gives_the_same_bytes(project: Path):
    once = archived(project).read_bytes()
    for path in project.joinpath("results").rglob("*"):
        os.utime(path, (1, 2))
        path.chmod(0o700)
    assert archived(project).read_bytes() == once


def test_what_is_unpacked_is_plain_files_of_nobody_and_results_are_younger(project: Path):
    members = opened(archived(project)).getmembers()
    assert all(member.isreg() and member.name.startswith("golgi-small/") for member in members)
    assert {(one.uid, one.gid, one.uname, one.gname, one.mode) for one in members} == {(0, 0, "", "", 0o644)}
    made = {one.mtime for one in members if one.name.startswith("golgi-small/results/")}
    others = {one.mtime for one in members if not one.name.startswith("golgi-small/results/")}
    assert made == {packing.LATER}
    assert others == {packing.MOMENT}
    assert members[0].name == "golgi-small/ARCHIVE.md"


def test_tar_unpacks_it(project: Path, tmp_path: Path):
    if not shutil.which("zstd") or not shutil.which("tar"):
        pytest.skip("no tar with zstd")
    subprocess.run(["tar", "--zstd", "-xf", archived(project), "-C", tmp_path], check=True)
    assert (tmp_path / "golgi-small" / "Snakefile").is_file()
    done = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path / "golgi-small", check=False)
    assert done.returncode == 0


def test_all_of_the_code_is_in_it(project: Path, root: Path):
    folders = ["Snakefile", "workflow", "schemas", "envs", "slurm", "Makefile", "pyproject.toml", "README.md"]
    listed = subprocess.run(["git", "ls-files", *folders], cwd=root, capture_output=True, text=True)
    tracked = {name for name in listed.stdout.split() if (root / name).is_file()}
    if not tracked:
        pytest.skip("no git to say which files are the project's")
    assert tracked - names(archived(project)) == set()


def test_what_was_not_asked_for_stays_out(project: Path, root: Path):
    for name in (".env", "token.txt", ".git/config", ".snakemake/log", "results/other/tables/a.parquet"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("secret")
    for name in ("small/tables/notes.csv", "small/figures/own.svg", "small/.secret", "small/records/.a.json"):
        (project / "results" / name).write_text("secret")
    held = names(archived(project))
    parts = {part for name in held for part in Path(name).parts}
    assert not any(part.startswith(".") or part in ("__pycache__", "logs") for part in parts)
    assert not any(name.startswith(("results/small/responses", "results/small/expertise")) for name in held)
    assert not any(part.endswith((".pyc", ".egg-info")) for part in parts)
    assert not {name for name in held if "other" in name or Path(name).stem in ("notes", "token")}
    assert "results/small/figures/own.svg" not in held
    assert not any("secret" in (member.name) for member in opened(archived(project)))


def test_only_the_study_and_its_lexicon_are_in_its_config(project: Path):
    held = {name for name in names(archived(project)) if name.startswith("config/")}
    assert held == {
        "config/README.md",
        "config/config.yaml",
        "config/lexicons/microworld.yaml",
        "config/studies/small.yaml",
    }


def test_the_page_tells_sizes_commands_and_what_stays_out(project: Path, tmp_path: Path, capsys):
    assert main(["archive", "small.yaml", str(tmp_path / "a.tar.zst")]) == 0
    said = capsys.readouterr().out
    page = extracted(tmp_path / "a.tar.zst", tmp_path).joinpath("ARCHIVE.md").read_text()
    for text in (said, page):
        assert "responses" in text
        assert "expertise" in text
        assert " kB" in text
    assert "snakemake --cores 2 redraw" in page
    assert "| tiny | 60 | trained here, and again from scratch |" in page
    assert "commit abc" in page


def test_a_study_that_is_not_finished_is_refused_with_all_that_is_missing(project: Path, capsys):
    lost = ["tables/overlap.parquet", "figures/overlap.pdf", "figures/overlap.txt", "report.html"]
    for name in lost:
        (project / "results" / "small" / name).unlink()
    assert main(["archive", "small.yaml", "out.tar.zst"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Study small is not finished.")
    assert "results/small/figures: overlap.pdf, overlap.txt" in said
    assert "results/small/tables: overlap.parquet" in said
    assert "results/small: report.html" in said
    assert not (project / "out.tar.zst").exists()


def test_figures_of_other_code_are_refused(project: Path):
    (project / "results" / "small" / "figures" / "overlap.svg").write_text(drawn("abd"))
    with pytest.raises(GolgiError, match=r"drawn by other code(.|\n)*figures: overlap\.svg\n"):
        gather_archive(load_study("small.yaml"))


def test_a_result_that_was_altered_or_has_no_record_is_refused(project: Path):
    results = project / "results" / "small"
    (results / "tables" / "counts.parquet").write_text("tables/counts.PARQUET")
    record(results, "report.html").unlink()
    with pytest.raises(
        GolgiError, match=r"1 altered, 1 unrecorded\.(.|\n)*counts\.parquet(.|\n)*golgi verify"
    ):
        gather_archive(load_study("small.yaml"))


@pytest.mark.parametrize("name", ["results/small/tables/counts.csv", "results/small/records/a.json"])
def test_a_link_out_of_the_results_is_refused(project: Path, name: str):
    (project / name).unlink(missing_ok=True)
    (project / name).symlink_to("/etc/passwd")
    with pytest.raises(GolgiError, match="a link that leads to /etc/passwd"):
        gather_archive(load_study("small.yaml"))


@pytest.mark.parametrize(("name", "target"), [("golgi/extra.py", "/etc/passwd"), ("golgi/extra", "/etc")])
def test_a_link_out_of_the_code_is_refused(project: Path, monkeypatch, name: str, target: str):
    (project / "workflow").unlink()
    (project / "workflow" / "golgi").mkdir(parents=True)
    monkeypatch.setattr(contents, "LIBRARY", project / "workflow" / "golgi")
    (project / "workflow" / name).symlink_to(target)
    with pytest.raises(GolgiError, match="is a link"):
        gather_archive(load_study("small.yaml"))


def test_the_command_of_other_code_is_refused(project: Path, monkeypatch):
    monkeypatch.setattr(contents, "LIBRARY", Path("/elsewhere/golgi"))
    with pytest.raises(GolgiError, match="Run the one of this folder"):
        gather_archive(load_study("small.yaml"))


def test_files_that_variables_name_are_found_again(project: Path, tmp_path: Path, monkeypatch):
    texts = tmp_path / "my texts"
    (texts / "deep").mkdir(parents=True)
    for name in ("a.txt", "deep/b.txt"):
        (texts / name).write_text("The dog barks.")
    monkeypatch.setenv("GOLGI_TEXTS", str(texts))
    monkeypatch.setenv("GOLGI_ONE", str(texts / "a.txt"))
    sentences = {"positives": 40, "negatives": 80}
    corpus = ["${GOLGI_TEXTS}/a.txt", "${GOLGI_TEXTS}/deep/b.txt", "${GOLGI_ONE}"]
    concepts = {**edited(project)["concepts"], "sentences": {"source": {"corpus": corpus}, **sentences}}
    finish(edited(project, concepts=concepts), project)
    written = load_study("small.yaml")
    folder = extracted(archived(project), tmp_path / "there")
    shell = f"source {contents.VARIABLES}; env"
    told = subprocess.run(["bash", "-c", shell], cwd=folder, capture_output=True, text=True, check=True)
    values = dict(line.split("=", 1) for line in told.stdout.splitlines() if line.startswith("GOLGI_"))
    monkeypatch.chdir(folder)
    study = load_study("config/studies/small.yaml", environment=values, check_files=True)
    assert study.sentence_files[0] == "inputs/GOLGI_TEXTS/my texts/a.txt"
    assert study.fingerprint() == written.fingerprint()
    assert "source inputs/variables.sh" in (folder / "ARCHIVE.md").read_text()


def test_a_variable_cannot_be_climbed_out_of(monkeypatch):
    monkeypatch.setenv("GOLGI_TEXTS", "/data/texts")
    with pytest.raises(GolgiError, match="leads out of what GOLGI_TEXTS names"):
        contents.placed("${GOLGI_TEXTS}/../../../a.txt")


def test_files_from_elsewhere_are_kept_and_their_place_is_told(project: Path, tmp_path: Path):
    (tmp_path / "near.txt").write_text("The dog barks.")
    far = tmp_path / "far.txt"
    far.write_text("The cat sleeps.")
    corpus = {"source": {"corpus": ["../near.txt", str(far)]}, "positives": 40, "negatives": 80}
    finish(edited(project, concepts={**edited(project)["concepts"], "sentences": corpus}), project)
    assert f"{far} is outside the project" in gather_archive(load_study("small.yaml")).summary()
    folder = extracted(archived(project), tmp_path / "there")
    kept = f"inputs/elsewhere{far}"
    assert (folder / kept).read_text() == "The cat sleeps."
    assert (folder / "inputs/elsewhere/up/near.txt").is_file()
    page = (folder / "ARCHIVE.md").read_text()
    assert f"| `{kept}` | `{far}` |" in page
    assert "| `inputs/elsewhere/up/near.txt` | `../near.txt` |" in page


def test_a_hidden_file_is_not_given_away(project: Path, tmp_path: Path):
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "key.txt").write_text("secret")
    corpus = {"source": {"corpus": ["../.ssh/key.txt"]}, "positives": 40, "negatives": 80}
    finish(edited(project, concepts={**edited(project)["concepts"], "sentences": corpus}), project)
    with pytest.raises(GolgiError, match="is hidden"):
        gather_archive(load_study("small.yaml"))


def test_weights_of_the_users_own_are_left_out_unless_asked_for(project: Path, tmp_path: Path, monkeypatch):
    model = tmp_path / "models" / "mine" / "step60"
    model.mkdir(parents=True)
    shape = {"num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 128, "vocab_size": 600}
    (model / "config.json").write_text(json.dumps(shape))
    for name in ("tokenizer.json", "model.safetensors", "pytorch_model.bin", "token.json"):
        (model / name).write_text("weights")
    monkeypatch.setenv("GOLGI_MODELS", str(tmp_path / "models"))
    source = {"directory": "${GOLGI_MODELS}/mine", "folder": "step{step}"}
    finish(
        edited(project, models={"tiny": {"source": source, "checkpoints": [60], "bos": True}}, graphs=None)
        | {"graphs": edited(project)["graphs"]},
        project,
    )
    place = "inputs/GOLGI_MODELS/models/mine/step60"
    without, whole = names(archived(project)), names(archived(project, weights=True))
    assert {f"{place}/config.json", f"{place}/tokenizer.json"} <= without
    assert whole - without == {f"{place}/model.safetensors"}
    assert not any(name.endswith(("pytorch_model.bin", "token.json")) for name in whole)
    page = extracted(archived(project), tmp_path / "there").joinpath("ARCHIVE.md").read_text()
    assert f"that belong as `.safetensors` into `{place}`" in page


def test_what_results_hang_on_in_a_folder_with_a_model_is_an_input(tmp_path: Path):
    counted = ("config.json", "merges.txt", "model-1-of-2.safetensors", "tokenizer.model", "vocab.txt")
    for name in (*counted, ".hidden.json", "README.md", "pytorch_model.bin", "training.json"):
        (tmp_path / name).write_text("")
    assert model_files(str(tmp_path)) == [str(tmp_path / name) for name in counted]
    assert model_files(str(tmp_path / "nowhere")) == []


def test_an_unpacked_archive_is_in_order_and_tells_what_it_never_held(
    project: Path, tmp_path: Path, monkeypatch
):
    ratings = b"dog cat 5\n"
    people = {"url": "https://example.org/people.txt", "sha256": hashlib.sha256(ratings).hexdigest()}
    analyses = {**edited(project)["analyses"], "alignment": {"references": {"people": people}}}
    finish(edited(project, analyses=analyses), project)
    study = load_study("small.yaml")
    (file,) = study.downloads
    Path(file).parent.mkdir(parents=True)
    Path(file).write_bytes(ratings)
    facts = {"rule": "fetch_reference", "log": "a.log", "started": "", "inputs": {}}
    write_json({"output": file, **content(file), **facts}, record_path(file))
    using = record_path("results/small/tables/overlap.parquet")
    write_json({**json.loads(using.read_text()), "inputs": {file: content(file)["sha256"]}}, using)
    folder = extracted(archived(project), tmp_path / "there")
    assert (folder / record_path(file)).read_bytes() == record_path(file).read_bytes()
    monkeypatch.chdir(folder)
    verdict = verify("small", load_study("config/studies/small.yaml"))
    assert verdict.in_order
    asked = {path for path in targets(study) if not Path(path).exists()}
    responses = {"results/small/responses/tiny/60/neuron.safetensors"}
    expertise = {"results/small/expertise/tiny/60/ap.safetensors"}
    assert responses | expertise <= asked
    assert verdict.left_out == len(asked)


def test_another_ending_is_refused_and_an_input_is_not_written_over(project: Path):
    archive = gather_archive(load_study("small.yaml"))
    with pytest.raises(GolgiError, match=r"ends in \.tar\.zst"):
        write_archive(archive, "out.zip")
    before = (project / "small.yaml").read_bytes()
    (project / "link.tar.zst").symlink_to(project / "small.yaml")
    with pytest.raises(GolgiError, match="goes into the archive"):
        write_archive(archive, "link.tar.zst")
    assert (project / "small.yaml").read_bytes() == before
