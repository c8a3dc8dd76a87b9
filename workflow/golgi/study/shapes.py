"""The shapes of models, as far as they are known before a model is there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from stat import S_ISREG
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golgi.study.plan import Study

# Published shapes: layers, width, parameters (Biderman et al. 2023, table 1); all read 2,048 tokens at once.
PYTHIA = {
    "14m": (6, 128, 14_067_712),
    "31m": (6, 256, 30_494_720),
    "70m": (6, 512, 70_426_624),
    "160m": (12, 768, 162_322_944),
    "410m": (24, 1024, 405_334_016),
    "1b": (16, 2048, 1_011_781_632),
    "1.4b": (24, 2048, 1_414_647_808),
    "2.8b": (32, 2560, 2_775_208_960),
    "6.9b": (32, 4096, 6_857_302_016),
    "12b": (36, 5120, 11_846_072_320),
}
PYTHIA_CONTEXT = 2048
LARGEST_CONFIG = 10 * 2**20  # bytes
MOST_LAYERS = 10_000
LARGEST_SIZE = 10**9
CONTEXT_FIELDS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")


@dataclass(frozen=True)
class Shape:
    """As much of an architecture as decides its cost; `context` in tokens, None where it has no limit."""

    layers: int
    width: int
    hidden: int
    parameters: int
    context: int | None = None

    def width_of(self, site: str) -> int:
        """Return the units of a site in one block."""
        widths = {"mlp_pre": self.hidden, "mlp_post": self.hidden, "qkv": 3 * self.width}
        return widths.get(site, self.width)

    def widths(self, sites: list[str]) -> list[int]:
        """Return the units of each of the given sites in one block."""
        return [self.width_of(site) for site in sites]

    def units(self, sites: list[str]) -> int:
        """Return the units of one block, over the given sites."""
        return sum(self.widths(sites))


def model_shape(study: Study, model: str) -> Shape | None:
    """Return a model's shape: as trained here, from its folder's config.json, or as published for Pythia."""
    source = study.source(model)
    if "train" in source:
        return declared_shape(source)
    found = folder_shape(FilePath(study.folder(model, study.last_checkpoint(model))))
    return found or declared_shape(source)


def declared_shape(source: dict) -> Shape | None:
    """Return the shape that the source of a model tells by itself: as trained here, or of a Pythia."""
    training = source.get("train")
    if training:
        width = training["width"]
        return _shape(training["layers"], width, 4 * width, training["vocabulary"], training["context"])
    name = source.get("hub", "").lower()
    size = name.removeprefix("eleutherai/pythia-").removesuffix("-deduped")
    if name.startswith("eleutherai/pythia-") and size in PYTHIA:
        layers, width, parameters = PYTHIA[size]
        return Shape(layers, width, 4 * width, parameters, PYTHIA_CONTEXT)
    return None


def folder_shape(folder: FilePath) -> Shape | None:
    """Return the shape of the model in a folder, None where its config.json is missing or says too little."""
    config = folder / "config.json"
    try:
        stamp = config.stat()
    except (OSError, ValueError):
        return None
    if not S_ISREG(stamp.st_mode) or stamp.st_size > LARGEST_CONFIG:
        return None
    return _configured(config, (stamp.st_mtime_ns, stamp.st_size))


def _shape(layers: int, width: int, hidden: int, vocabulary: int, context: int | None) -> Shape:
    block = 4 * width**2 + 2 * width * hidden
    return Shape(layers, width, hidden, layers * block + 2 * vocabulary * width, context)


@lru_cache
def _configured(config: FilePath, stamp: tuple[int, int]) -> Shape | None:
    # Asked for by every job of a workflow; the stamp tells a file that has changed.
    try:
        facts = json.loads(config.read_text(encoding="utf-8"))
        layers = facts.get("num_hidden_layers") or facts["n_layer"]
        width = facts.get("hidden_size") or facts["n_embd"]
        hidden = facts.get("intermediate_size") or facts.get("n_inner") or 4 * width
        context = next((int(facts[name]) for name in CONTEXT_FIELDS if facts.get(name)), None)
        sizes = [int(layers), int(width), int(hidden), int(facts["vocab_size"])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    # A shape that no model has would be reckoned with, layer by layer, before anything is opened.
    if not 0 < sizes[0] <= MOST_LAYERS or not all(0 < size <= LARGEST_SIZE for size in sizes):
        return None
    return _shape(*sizes, context)
