"""A stranger's study in the real workflow: what it says is text, its links are safe, no secret is kept."""

import os
from pathlib import Path

import polars as pl
import pytest
from workspace import PLANTED, Workspace

BRACES = (
    "{wildcards.nope} {input} {{x}} {config[a]} {0} %s %(x)s $(touch ran) `touch ran`; touch ran #<script>"
)
POOL = "results/small/sentences/pool.parquet"


def hostile(spec: dict) -> dict:
    """The study with texts that a shell, a template or a page would run."""
    claims = {name: claim | {"say": BRACES} for name, claim in spec["claims"].items()}
    return spec | {"title": BRACES, "claims": claims}


def test_what_a_spec_says_is_no_template_and_no_command(workspace: Workspace, small_spec: dict):
    study = workspace.study("small", hostile(small_spec))
    shown = workspace.snakemake("--dry-run", "--printshellcmds", "--config", f"studies={study}")
    assert "write_report" in shown.stdout
    assert "Traceback" not in shown.stdout + shown.stderr
    assert not list(workspace.folder.rglob("ran"))


def test_names_and_texts_of_files_are_no_commands(workspace: Workspace, small_spec: dict):
    folder = workspace.folder / "a; touch ran" / "`touch ran` & 'b' \"c\" * ? [d]"
    folder.mkdir(parents=True)
    lines = [f"The {word} saw number {n} $(touch ran) ; rm x.\n" for word in ("dog", "cat") for n in range(9)]
    (folder / "-rf #.txt").write_text("".join(lines))
    source = {"corpus": [str((folder / "-rf #.txt").relative_to(workspace.folder))]}
    small_spec["concepts"] |= {
        "categories": ["animal"],
        "only": ["dog", "cat"],
        "sentences": {"source": source, "positives": 4, "negatives": 4},
    }
    spec = {name: part for name, part in small_spec.items() if name not in ("analyses", "claims", "graphs")}
    study = workspace.study("small", hostile(spec | {"claims": {}}))
    workspace.snakemake("--cores", "1", POOL, "--config", f"studies={study}")
    assert (workspace.folder / POOL).is_file()
    assert not list(workspace.folder.rglob("ran"))


@pytest.mark.parametrize("name", ["../out", "/tmp/golgi-out", "a;touch ran", "{input}", "a\nb"])
def test_no_name_leads_out_of_the_results(workspace: Workspace, small_spec: dict, name: str):
    study = workspace.study("small", small_spec)
    file = Path(study)
    file.write_text(file.read_text().replace("study: small", f"study: {name!r}"))
    done = workspace.snakemake("--dry-run", "--config", f"studies={study}", check=False)
    assert done.returncode == 1
    assert "small.yaml:" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_links_in_results_are_replaced_and_folders_that_are_links_refused(
    workspace: Workspace, small_spec: dict
):
    spec = {name: part for name, part in small_spec.items() if name not in ("analyses", "claims", "graphs")}
    study = workspace.study("small", spec)
    precious = workspace.folder / "precious"
    precious.write_text("mine")
    for link in (POOL, "results/small/logs/write_sentences.log"):
        (workspace.folder / link).parent.mkdir(parents=True)
        (workspace.folder / link).symlink_to(precious)
    run = ("--cores", "1", "--force", POOL, "--config", f"studies={study}")
    workspace.snakemake(*run)
    assert precious.read_text() == "mine"
    assert not (workspace.folder / POOL).is_symlink()
    (workspace.folder / "home" / "tiny").mkdir(parents=True)
    (workspace.folder / "results" / "small" / "models").symlink_to(workspace.folder / "home")
    done = workspace.snakemake(*run, check=False)
    assert done.returncode == 1
    assert "results/small/models is a link out" in done.stdout + done.stderr
    assert (workspace.folder / "home" / "tiny").is_dir()


def unpacked(path: Path) -> bytes:
    """Bytes of a file, those of a table as they are before they are compressed."""
    return pl.read_parquet(path).write_ndjson().encode() if path.suffix == ".parquet" else path.read_bytes()


def test_no_secret_of_the_environment_is_kept(finished: Workspace):
    assert "small" in os.listdir(finished.folder / "results")
    kept = {
        str(path): unpacked(path)
        for place in ("results", ".snakemake")
        for path in (finished.folder / place).rglob("*")
        if path.is_file()
    }
    assert sum(name.endswith(".log") for name in kept) > 20
    assert any("metadata" in name for name in kept)
    for value in PLANTED.values():
        assert [name for name, content in kept.items() if value.encode() in content] == []
        assert [name for name in kept if value in name] == []
