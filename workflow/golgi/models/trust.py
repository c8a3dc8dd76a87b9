"""What a model folder may hold: plain files of a sane size, and a configuration that asks for no more."""

import copy
import math
import stat
from pathlib import Path
from typing import Any

import torch

from golgi.errors import GolgiError

MB = 2**20
LARGEST_CONFIG = 10 * MB
LARGEST_TEXT = 200 * MB  # of a tokenizer or an index; the largest known have 40
TEXTS = (".json", ".txt", ".model", ".jinja")
ADAPTER = "adapter_config.json"
# Numbers that a model may have beyond those in its files: tied weights, masks and tables of positions.
SLACK = 10**8


def check_files(folder: Path, *, who: str) -> None:
    """Raise GolgiError for what is no plain file, or a text that is too large, or the files of an adapter."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            found = path.stat()
        except OSError as error:
            raise GolgiError(f"{who}: {path} cannot be read: {error.strerror}.") from error
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            raise GolgiError(f"{who}: {path} is neither a file nor a folder.")
        limit = LARGEST_CONFIG if path.name == "config.json" else LARGEST_TEXT
        if path.suffix in TEXTS and found.st_size > limit:
            raise GolgiError(f"{who}: {path} has {found.st_size:,} bytes; more than {limit:,} are not read.")
    if (folder / ADAPTER).exists():
        raise GolgiError(f"{who}: {folder} holds an adapter ({ADAPTER}). Merge it into the model first.")


def check_config(config: Any, file: Path, *, who: str) -> None:
    """Raise GolgiError for a configuration that names other weights, or code to be fetched for attention."""
    facts = config.to_dict()
    if "transformers_weights" in facts:
        raise GolgiError(f"{who}: {file} names other weights (transformers_weights). Take the field out.")
    for part in (config, *(getattr(config, name, None) for name in config.sub_configs)):
        for name in ("_attn_implementation", "_experts_implementation"):
            if "/" in str(getattr(part, name, None)):
                raise GolgiError(f"{who}: {file} has {name} fetched from the hub. Take the field out.")


def check_size(
    config: Any, architecture: Any, shapes: dict[str, tuple[Path, tuple[int, ...]]], *, who: str
) -> None:
    """Raise GolgiError where a configuration asks for far more numbers than the files hold.

    `architecture` is the class of transformers that makes a model of `config`, `shapes` is what the files
    hold. Nothing is allocated: else a small folder could fill the memory before its weights are compared.
    """
    layers = getattr(config.get_text_config(), "num_hidden_layers", None)
    if isinstance(layers, int) and layers > len(shapes):
        raise GolgiError(
            f"{who}: config.json asks for {layers:,} layers; the files hold {len(shapes):,} tensors."
        )
    try:
        asked = _numbers(copy.deepcopy(config), architecture)
    except Exception as error:
        raise GolgiError(
            f"{who}: config.json describes no model of the kind that is read: {error}"
        ) from error
    there = sum(math.prod(shape) for _, shape in shapes.values())
    if asked > 2 * there + SLACK:
        raise GolgiError(f"{who}: config.json asks for {asked:,} numbers; the files hold {there:,}.")


def _numbers(config: Any, architecture: Any) -> int:
    with torch.device("meta"):
        model = architecture.from_config(config, trust_remote_code=False, attn_implementation="eager")
    return sum(tensor.numel() for tensor in (*model.parameters(), *model.buffers()))
