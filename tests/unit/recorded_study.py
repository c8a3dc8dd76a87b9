"""A study whose files are all there, each with the record of the job that would have written it."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import yaml

from golgi.provenance.records import Making
from golgi.study import Study, load_study
from golgi.study.targets import drawn, reported, tabled, targets

LEXICON = "config/lexicons/microworld.yaml"
CODE = "workflow/golgi/tool.py"


@dataclass
class Task:
    """A job as the workflow hands it to a script."""

    rule: str
    input: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    params: dict = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    threads: int = 1
    wildcards: SimpleNamespace = field(default_factory=SimpleNamespace)

    def __post_init__(self):
        self.log = self.log or [f"results/small/logs/{self.rule}.log"]


def put(path: str, content: bytes | str = b"") -> None:
    """Write a file, and the folders that it needs."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content.encode() if isinstance(content, str) else content)


def run(task: Task, contents: dict[str, bytes]) -> Making:
    """Run a job that writes these contents."""
    making = Making(task, threads=task.threads)
    for path, content in contents.items():
        put(path, content)
    making.write_records()
    return making


def small_study(root: Path) -> Study:
    """Write a part of the small study, and its lexicon, into the working directory and load it."""
    Path(LEXICON).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(root / LEXICON, LEXICON)
    spec = yaml.safe_load((root / "tests" / "studies" / "small.yaml").read_text())
    spec["analyses"] = {name: spec["analyses"][name] for name in ("overlap", "alignment")}
    spec["claims"] = {}
    put("small.yaml", yaml.safe_dump(spec, sort_keys=False))
    put(CODE, "answer = 42\n")
    return load_study("small.yaml")


def make_all(study: Study) -> None:
    """Make every file of a study in four steps: groundwork, tables, figures, and the report."""
    generator = np.random.default_rng(1)
    last = [*tabled(study), *drawn(study), *reported(study)]
    first = [path for path in targets(study) if path not in last]
    for path in first:
        inside = [f"{path}/step0/model.safetensors", f"{path}/a.json"] if not Path(path).suffix else [path]
        task = Task(f"make {path}", [LEXICON, CODE], [path])
        run(task, {one: generator.bytes(50) for one in inside})
    for table in tabled(study):
        outputs = [table, table.replace(".parquet", ".csv")]
        run(Task(f"measure {table}", first, outputs), {one: generator.bytes(50) for one in outputs})
    for figure in study.figures:
        outputs = [f"results/small/figures/{figure}.{suffix}" for suffix in ("pdf", "svg", "png", "txt")]
        inputs = [f"results/small/tables/{table}.parquet" for table in study.figure_tables(figure)]
        params = {"fingerprint": study.figure_fingerprint(figure)}
        run(Task(f"draw_{figure}", inputs, outputs, params), {one: generator.bytes(50) for one in outputs})
    for path in reported(study):
        written = path if Path(path).suffix else f"{path}/index.html"
        run(Task(f"write {path}", [*tabled(study), *drawn(study)], [path]), {written: b"{}"})
