"""A tiny model, texts for it and chosen units, as files, and the calls that read and grow from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from model_families import save_random
from transformers import AutoModelForCausalLM

from golgi.graphs.growth import ablate_graphs, grow_graphs
from golgi.graphs.reading import find_exemplars, opened, trace_texts
from golgi.models.tokenizer import load_tokenizer
from golgi.models.windows import Windows, read_windows
from golgi.tables import open_arrays, read_table, write_table

WORDS = ["dog", "cat", "boat", "barks", "sleeps", "moon", "old", "tree", "river", "fish", ",", "sun", "!"]
WINDOW = 12
NEGATIVE = 5  # unit of mlp_pre in layer 0 that is never positive
UNITS = [
    ("attn_out", 1, 3),
    ("mlp_post", 0, 2),
    ("mlp_post", 0, 9),
    ("mlp_post", 1, 0),
    ("mlp_post", 1, 7),
    ("mlp_pre", 0, NEGATIVE),
    ("mlp_pre", 1, 4),
]


def save_model(folder: Path, tokenizer, *, bias: float = -50) -> Path:
    """A random model with a unit that is far below zero whatever it reads."""
    save_random("neox", folder, tokenizer)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.gpt_neox.layers[0].mlp.dense_h_to_4h.bias.data[NEGATIVE] = bias
    model.save_pretrained(folder)
    return folder


def write_text(path: Path, *, documents: int = 60, seed: int = 0) -> Path:
    """Documents of random words, most of them longer than a window."""
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, random.integers(1, 20))) for _ in range(documents)]
    pl.DataFrame({"text": texts}).write_ndjson(path)
    return path


def write_units(path: Path, units=UNITS) -> Path:
    rows = [
        {"index": index, "site": site, "basis": "neuron", "layer": layer, "unit": unit, "chosen": "list"}
        for index, (site, layer, unit) in enumerate(units)
    ]
    frame = pl.DataFrame([{"model": "tiny", "checkpoint": "7", "step": 7} | row for row in rows])
    write_table(frame, path, schema="graph_chosen")
    return path


@dataclass
class Files:
    """What one model reads and writes."""

    folder: Path  # of the model
    here: Path

    def __post_init__(self) -> None:
        self.opening: dict[str, Any] = {
            "folder": self.folder,
            "who": "tiny@7",
            "untrained_seed": None,
            "dtype": "float32",
            "device": "cpu",
            "bos": True,
            "batch_tokens": 256,
            "threads": 1,
        }
        self.text = self.here / "build.jsonl"
        self.chosen = self.here / "units.parquet"

    def find(self, name: str = "found", **changes) -> dict[str, Path]:
        """Find exemplars; the files written, by kind."""
        names = {
            "exemplars": "safetensors",
            "sample": "safetensors",
            "vocabulary": "json",
            "facts": "parquet",
        }
        (self.here / name).mkdir(exist_ok=True)
        out = {kind: self.here / name / f"{kind}.{suffix}" for kind, suffix in names.items()}
        limits = {"window": WINDOW, "tokens": 10_000, "strongest": 5, "firings": 6, "sampled": 20}
        limits |= {"fires": 0.5, "weakest": 0.5, "seed": 1}
        find_exemplars(text=self.text, chosen=self.chosen, **limits | self.opening | changes, **out)
        return out

    def trace(self, name: str = "texts", tokens: int = 10_000, **changes) -> Path:
        """Trace the build text, as if it were the test's."""
        path = self.here / f"{name}.safetensors"
        given = {"texts": {"test": self.text}, "tokens": {"test": tokens}, "window": WINDOW} | self.opening
        trace_texts(chosen=self.chosen, activations=path, **given | changes)
        return path

    def grow(self, found: dict[str, Path], layer: int, name: str = "grown", **changes) -> tuple[Path, Path]:
        """Grow the graphs of a layer; the files of graphs and of growth."""
        graphs, growth = (self.here / f"{name}{layer}{end}" for end in (".jsonl", ".parquet"))
        grow_graphs(**self._growing(found, layer) | {"graphs": graphs, "growth": growth} | changes)
        return graphs, growth

    def ablate(self, found: dict[str, Path], layer: int, graphs: dict[str, Path], **changes) -> None:
        """Grow some graphs of a layer without each stage."""
        ablate_graphs(**self._growing(found, layer) | {"graphs": graphs, "per_site": 1} | changes)

    def _growing(self, found: dict[str, Path], layer: int) -> dict[str, Any]:
        given = {"exemplars": found["exemplars"], "sample": found["sample"], "chosen": self.chosen}
        rest = {"layer": layer, "method": {}, "augment": "self", "masked_lm": None, "seed": 1}
        return given | rest | self.opening

    def read(self) -> tuple[Windows, np.ndarray]:
        """All windows of the text, and what all units do in each of them, [window, token, unit]."""
        tokenizer = load_tokenizer(self.folder, who="tiny")
        windows = read_windows([self.text], tokenizer, length=WINDOW, tokens=10_000, who="tiny")
        with opened(read_table(self.chosen, schema="graph_chosen"), **self.opening) as activity:
            return windows, activity.trace(windows.ids)


def make_files(here: Path, tokenizer, *, units=UNITS, **model) -> Files:
    files = Files(save_model(here / "model", tokenizer, **model), here)
    write_text(files.text)
    write_units(files.chosen, units)
    return files


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    with open_arrays(path) as arrays:
        return {name: arrays.read(name) for name in arrays.names}
