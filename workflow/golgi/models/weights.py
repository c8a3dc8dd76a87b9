"""The weight files of a model folder: found, checked and hashed, never unpickled."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from golgi.errors import GolgiError
from golgi.files import read_json

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"


def find_weights(folder: Path, *, who: str) -> list[Path]:
    """Return the safetensors files of a Hugging Face folder, sorted; `who` is `model@checkpoint`.

    Raises GolgiError if the folder, its configuration, or its safetensors are missing.
    """
    if not folder.is_dir():
        raise GolgiError(f"{who}: there is no folder {folder}.")
    if not (folder / "config.json").is_file():
        raise GolgiError(
            f"{who}: {folder} has no config.json; a model folder in Hugging Face format is needed."
        )
    # In the order in which transformers looks for them: what is hashed is what is loaded.
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    if (folder / INDEX).is_file():
        return _listed_files(folder, who)
    raise GolgiError(f"{who}: {folder} has no {SINGLE}. {_what_else_is_there(folder)}")


def _listed_files(folder: Path, who: str) -> list[Path]:
    index = read_json(folder / INDEX)
    try:
        names = sorted(set(index["weight_map"].values()))
        outside = [name for name in names if Path(name).name != name]
    except (KeyError, TypeError, AttributeError) as error:
        raise GolgiError(f"{who}: {folder / INDEX} has no weight_map.") from error
    if outside:
        raise GolgiError(f"{who}: {folder / INDEX} names files outside its folder: {', '.join(outside)}.")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise GolgiError(f"{who}: {folder} lacks {', '.join(missing)}, which {INDEX} lists.")
    return [folder / name for name in names]


def _what_else_is_there(folder: Path) -> str:
    pickles = sorted(
        path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in folder.glob(pattern)
    )
    if not pickles:
        return "Only safetensors weights are read."
    return f"Only safetensors weights are read; {', '.join(pickles)} may run code when opened. Convert."


def tensor_shapes(files: list[Path], *, who: str) -> dict[str, tuple[Path, tuple[int, ...]]]:
    """Return file and shape of every tensor; GolgiError naming a file that is truncated or unreadable."""
    shapes = {}
    for file in files:
        try:
            with safe_open(file, framework="pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118 - not a dict
                    shapes[name] = (file, tuple(tensors.get_slice(name).get_shape()))
        except (SafetensorError, OSError, ValueError) as error:
            raise GolgiError(f"{who}: {file} is truncated or not a safetensors file ({error}).") from error
    return shapes


def hash_files(files: list[Path], *, who: str) -> str:
    """Return the sha256 over the sorted sha256s of all stored tensors, each over (dtype, shape, bytes).

    Names do not count: the same weights have other names in files of other ages, and in memory.
    """
    owners = {name: file for name, (file, _) in tensor_shapes(files, who=who).items()}
    handles = {file: safe_open(file, framework="pt") for file in files}
    return _combine(_hash_tensor(handles[file].get_tensor(name)) for name, file in owners.items())


def hash_parameters(model: torch.nn.Module) -> str:
    """Return the hash that `hash_files` gives for a model in memory once it is saved, tied tensors once."""
    return _combine(_hash_tensor(parameter.detach()) for parameter in model.parameters())


def _combine(hashes: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()


def _hash_tensor(tensor: torch.Tensor) -> str:
    head = [str(tensor.dtype).removeprefix("torch."), list(tensor.shape)]
    digest = hashlib.sha256(json.dumps(head).encode())
    digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
