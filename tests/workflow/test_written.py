"""Sentences by a language model behind a server that has bad days: asked for, kept, sieved, replayed."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import fault_proxy
import polars as pl
import pytest
import yaml
from fault_proxy import FaultProxy
from faults import Run
from workspace import PLANTED, Workspace, files_of, make_workspace
from written_replies import CONCEPTS, KINDS, written_replies

from golgi.writing.counting import VERDICTS
from golgi.writing.requests import seed_of

SEED, POSITIVES = 13, 24
PER_REQUEST = 20  # of which a reply in the data has half: a second round asks for the rest
POOL = Path("results", "written", "sentences", "pool.parquet")
TRANSCRIPT = Path("resources", "transcripts", "written.jsonl")
KEY = "OPENAI_API_KEY"
BAD_DAY = (
    fault_proxy.limited(1),
    fault_proxy.status(503),
    None,
    fault_proxy.dropped,
    fault_proxy.half_json,
    None,
    None,
    fault_proxy.dropped_midway,
    fault_proxy.status(500),
)


@pytest.fixture(scope="module")
def replies() -> Callable[[dict], str]:
    """A model that writes what is written in the test's data, and declines once it has no more."""
    texts = {
        seed_of(SEED, concept, kind, draw): text
        for (concept, kind), several in written_replies().items()
        for draw, text in enumerate(several)
    }
    return lambda body: texts.get(body["seed"], "I'm sorry, but I can't help with that.")


def spec(root: Path, server: FaultProxy | None, **llm: object) -> dict:
    """The tiny study, without graphs, on sentences that a server writes."""
    tiny = yaml.safe_load((root / "tests" / "studies" / "tiny.yaml").read_text())
    training = tiny["models"]["mite"]["source"]["train"]
    training |= {"corpus": "own.jsonl", "context": 256}
    del training["documents"]
    address = server.url if server else "http://127.0.0.1:9/v1"
    writer = {"server": address, "model": "scribe", "key": KEY, "in_flight": 2, "timeout": 20}
    concepts = {
        "lexicon": "lexicon.yaml",
        "only": list(CONCEPTS),
        "sentences": {
            "source": {"llm": {"writer": writer, "per_request": PER_REQUEST, **llm}},
            "positives": POSITIVES,
            "negatives": 40,
        },
    }
    return {key: value for key, value in tiny.items() if key != "graphs"} | {"concepts": concepts}


def place(root: Path, folder: Path, study: dict) -> Workspace:
    folder.mkdir(exist_ok=True)
    workspace = make_workspace(root, folder)
    lexicon = yaml.safe_load((root / "config" / "lexicons" / "men.yaml").read_text())
    for name, kinds in KINDS.items():
        lexicon["concepts"][name]["kinds"] = list(kinds)
    (folder / "lexicon.yaml").write_text(yaml.safe_dump(lexicon, sort_keys=False))
    texts = [text for several in written_replies().values() for text in several]
    (folder / "own.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    workspace.study("written", study)
    return workspace


def run(workspace: Workspace, *targets: str, check: bool = True):
    return workspace.snakemake(
        "--cores", "2", *targets, "--config", "studies=written.yaml", check=check, **PLANTED
    )


@pytest.fixture(scope="module")
def calm(
    root: Path, replies: Callable[[dict], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Workspace, FaultProxy]:
    """The study, run whole with a server that fails every so often, and that server."""
    with FaultProxy(replies=replies, faults=BAD_DAY, slow=0.1) as server:
        workspace = place(root, tmp_path_factory.mktemp("calm"), spec(root, server))
        run(workspace)
    return workspace, server


def sentences(workspace: Workspace) -> dict[str, bytes]:
    """What follows from the replies alone: not from the address that they came from."""
    wanted = (
        "pool.parquet",
        "sets.parquet",
        "written.parquet",
        "replies.parquet",
        "writing.parquet",
        "writing.csv",
    )
    files = files_of(workspace.folder / "results")
    return {name: content for name, content in files.items() if name.endswith(wanted)}


def asked(server: FaultProxy) -> list[int]:
    return [body["seed"] for body in server.asked]


def test_a_study_is_written_by_a_server_that_fails_every_so_often(calm: tuple[Workspace, FaultProxy]):
    workspace, server = calm
    pool = pl.read_parquet(workspace.folder / POOL)
    assert pool.group_by("concept", "kind").len().select("len").unique().to_series().to_list() == [
        POSITIVES // 2
    ]
    assert set(pool["concept"]) == set(CONCEPTS)
    assert (pool["source"] == "llm").all()
    assert pool["origin"].str.contains(r"^[0-9a-f]{16}#\d+$").all()
    table = pl.read_parquet(workspace.folder / "results/written/tables/writing.parquet")
    assert (table["missing"] == 0).all()
    failed = sum(fault is not None for fault in BAD_DAY)
    assert len(server.asked) == table["requests"].sum() + failed == len(set(asked(server))) + failed
    assert server.most_in_flight == 2
    assert (workspace.folder / "results/written/figures/writing.svg").stat().st_size > 10_000
    assert "scribe" in (workspace.folder / "results/written/report.html").read_text()
    told = json.loads((workspace.folder / "results/written/provenance.json").read_text())
    assert "config/prompts/facts.v1.jinja" in told["inputs"]


def test_the_key_is_sent_and_kept_nowhere(calm: tuple[Workspace, FaultProxy]):
    workspace, server = calm
    assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {PLANTED[KEY]}"}
    places = ("results", "resources", ".snakemake")
    paths = [path for name in places for path in (workspace.folder / name).rglob("*") if path.is_file()]
    assert [path for path in paths if PLANTED[KEY].encode() in path.read_bytes()] == []
    assert any(path.name == TRANSCRIPT.name for path in paths)


def test_another_way_to_the_writer_is_no_reason_to_do_anything_again(
    calm: tuple[Workspace, FaultProxy], root: Path
):
    elsewhere = spec(root, None)
    elsewhere["concepts"]["sentences"]["source"]["llm"]["writer"]["in_flight"] = 7
    calm[0].study("written", elsewhere)
    assert set(calm[0].jobs("--config", "studies=written.yaml")) == {"all", "write_provenance"}


def test_a_run_that_is_killed_while_it_asks_asks_nothing_twice(
    calm: tuple[Workspace, FaultProxy], replies: Callable[[dict], str], root: Path, tmp_path: Path
):
    with FaultProxy(replies=replies, slow=0.2) as server:
        workspace = place(root, tmp_path / "killed", spec(root, server))
        killed = Run(workspace, str(POOL), "--config", "studies=written.yaml", **PLANTED)
        transcript, ended = workspace.folder / TRANSCRIPT, time.monotonic() + 60
        while time.monotonic() < ended and (
            not transcript.exists() or transcript.read_bytes().count(b"\n") < 5
        ):
            time.sleep(0.05)
        killed.kill()
        kept, before = transcript.read_bytes().count(b"\n"), asked(server)
        assert 5 <= kept < 2 * len(written_replies())
        workspace.snakemake("--unlock", "--config", "studies=written.yaml")
        run(workspace, str(POOL), "--rerun-incomplete")
    again = asked(server)[len(before) :]
    assert len(set(before) & set(again)) <= len(before) - kept <= 2  # those under way when it died
    undisturbed = sentences(calm[0])
    assert {name: undisturbed[name] for name in sentences(workspace)} == sentences(workspace)
    assert "written/sentences/pool.parquet" in sentences(workspace)


def test_who_has_the_transcript_needs_no_server_and_no_key(
    calm: tuple[Workspace, FaultProxy], root: Path, tmp_path: Path
):
    study = spec(root, None, transcripts=["theirs.jsonl"])
    workspace = place(root, tmp_path / "replay", study)
    (workspace.folder / "theirs.jsonl").write_bytes((calm[0].folder / TRANSCRIPT).read_bytes())
    workspace.snakemake("--cores", "2", str(POOL), "--config", "studies=written.yaml", OPENAI_API_KEY="")
    undisturbed = sentences(calm[0])
    assert {name: undisturbed[name] for name in sentences(workspace)} == sentences(workspace)
    assert not (workspace.folder / TRANSCRIPT).exists()


def test_a_server_that_dies_is_told_and_the_next_run_goes_on(
    replies: Callable[[dict], str], root: Path, tmp_path: Path
):
    faults = [None] * 6 + [fault_proxy.dies]
    with FaultProxy(replies=replies, faults=faults) as server:
        workspace = place(root, tmp_path / "dead", spec(root, server))
        done = run(workspace, str(POOL), check=False)
        said = done.stdout + done.stderr
        assert done.returncode == 1
        assert "Traceback" not in said
        assert "run again to ask for the rest" in said
        kept = (workspace.folder / TRANSCRIPT).read_bytes().count(b"\n")
        assert kept >= 5
        before = len(server.asked)
        with server:
            run(workspace, str(POOL))
        assert not set(asked(server)[:5]) & set(asked(server)[before:])


def test_concepts_that_stay_short_are_named_and_what_there_is_is_kept(
    calm: tuple[Workspace, FaultProxy], replies: Callable[[dict], str], root: Path, tmp_path: Path
):
    with FaultProxy(replies=replies) as server:
        study = spec(root, server, attempts=2)
        study["concepts"]["sentences"]["positives"] = 60
        workspace = place(root, tmp_path / "short", study)
        figure = "results/written/figures/writing.png"
        done = run(workspace, str(POOL), figure, "--keep-going", check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Traceback" not in said
    table = pl.read_parquet(workspace.folder / "results/written/tables/writing.parquet")
    dog = dict(table.filter(concept="dog").select("kind", "missing").iter_rows())
    assert f"dog: {dog['fact']} of 30 facts and {dog['story']} of 30 stories" in said
    assert (table["requests"] == table["most_requests"]).all()
    assert (table["refusals"] > 0).all()
    assert (workspace.folder / figure).exists()
    assert (workspace.folder / TRANSCRIPT).read_bytes().count(b"\n") == len(server.asked)
    assert not (workspace.folder / POOL).exists()


def test_a_small_model_of_ones_own_writes_nonsense_and_the_gates_say_so(copy: Workspace, small_spec: dict):
    shutil.copytree(copy.folder / "results/small/models/tiny/step60", copy.folder / "writer")
    for kind, text in (("fact", "Every {{ word }}"), ("story", "One day the {{ word }}")):
        (copy.folder / f"{kind}.jinja").write_text(text)
    llm = {
        "writer": {"directory": "writer", "batch": 4},
        "prompts": {"fact": "fact.jinja", "story": "story.jinja"},
        "max_tokens": 24,
        "attempts": 2,
    }
    small_spec["concepts"] |= {"only": ["dog", "cat", "car", "bus"]}
    small_spec["concepts"]["sentences"] |= {"source": {"llm": llm}}
    small_spec |= {"analyses": {}, "claims": {}}
    study = ("--config", f"studies={copy.study('nonsense', small_spec)}")
    wanted = [f"results/nonsense/{name}" for name in ("figures/writing.png", "sentences/pool.parquet")]
    done = copy.snakemake("--cores", "2", *wanted, "--keep-going", *study, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Traceback" not in said
    assert "4 of 4 concepts are short of sentences" in said
    table = pl.read_parquet(copy.folder / "results/nonsense/tables/writing.parquet")
    assert (table["requests"] == table["most_requests"]).all()
    assert (table.select(VERDICTS).sum_horizontal() == table["sentences"]).all()
    assert table["kept"].sum() < 0.2 * table["sentences"].sum()
    transcript = copy.folder / "resources" / "transcripts" / "nonsense.jsonl"
    kept = transcript.read_bytes()
    assert kept.count(b"\n") == table["requests"].sum()
    shutil.rmtree(copy.folder / "results" / "nonsense")
    copy.snakemake("--cores", "2", wanted[0], *study)
    assert transcript.read_bytes() == kept
    assert pl.read_parquet(copy.folder / "results/nonsense/tables/writing.parquet").equals(table)
