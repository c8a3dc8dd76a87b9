"""A small model behind a real server: `transformers serve` in a process of its own, over HTTP."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from golgi.models.training import train_model

TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
SIZES = {"layers": 2, "width": 32, "heads": 2, "context": 512, "vocabulary": 320, "batch": 16, "steps": 30}
PEOPLE = ["Anna", "Ben", "Cleo", "Dan"]
THINGS = ["a red ball", "an old boat", "a warm coat", "a green pear"]
READY = 120.0  # seconds


def train_writer(folder: Path) -> Path:
    """Train a small model on very short stories for a few steps; its folder is `folder`/writer."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(1)
    for name, count in (("training", 200), ("heldout", 60)):
        lines = [json.dumps({"text": _story(generator)}) for _ in range(count)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    train_model(
        training=folder / "training.jsonl",
        heldout=folder / "heldout.jsonl",
        folders={SIZES["steps"]: folder / "writer"},
        losses=folder / "training.parquet",
        model="writer",
        learning_rate=5e-3,
        seed=3,
        threads=1,
        **SIZES,
    )
    set_fields(folder / "writer" / "tokenizer_config.json", chat_template=TEMPLATE)
    # Else `transformers serve` has the model write what is likeliest, whatever the temperature.
    set_fields(folder / "writer" / "generation_config.json", do_sample=True)
    return folder / "writer"


def set_fields(file: Path, **fields) -> None:
    """Set fields of a JSON file."""
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Yield the address of a server whose one model, called by its folder's name, is the one in `folder`."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("transformers")), "serve", folder.name]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    offline = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HF_HOME": str(folder.parent / "home")}
    log = folder.parent / "serving.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=folder.parent, env=os.environ | offline, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _story(generator: np.random.Generator) -> str:
    who, what = generator.choice(PEOPLE), generator.choice(THINGS)
    return f"{who} had {what}. {who} lost it. {who} wants {what}."


def _wait_until_ready(process: subprocess.Popen, health: str, log: Path) -> None:
    end = time.monotonic() + READY
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < end and process.poll() is None:
        try:
            opener.open(health, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"transformers serve did not start:\n{log.read_text()[-3000:]}")
