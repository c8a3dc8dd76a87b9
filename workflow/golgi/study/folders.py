"""Where the weights of a model are, and whether a study's results stay where they belong."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path as FilePath

# Of a folder with a model: what tells its shape and its tokens, without which no study is planned.
MODEL_FILES = (
    "config.json",
    "generation_config.json",
    "*tokenizer*.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "chat_template.jinja",
    "model.safetensors.index.json",
)
WEIGHTS = ("*.safetensors",)


def checkpoint_folder(source: dict, step: int | str) -> FilePath:
    """Return where a directory source keeps a checkpoint; `final` is the folder itself."""
    directory = FilePath(source["directory"])
    return directory if step == "final" else directory / source["folder"].replace("{step}", str(step))


def model_files(folder: str, patterns: tuple[str, ...] = (*MODEL_FILES, *WEIGHTS)) -> list[str]:
    """Return the files of a model's folder that results hang on, sorted; none where there is no folder."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    seen = (name for name in names if not name.startswith("."))
    return [os.path.join(folder, name) for name in seen if any(fnmatch(name, one) for one in patterns)]


def hub_folder(name: str, revision: str) -> str:
    """Return the folder that one revision of a hub model is downloaded to."""
    return f"resources/models/{name.replace('/', '--')}/{revision}"


def links_out(results: str) -> list[str]:
    """Return the folders at and below `results/STUDY` that are links to a place outside of it.

    `results` itself may be one. A run writes into folders that are there, and removes what it makes anew: by
    a link in somebody else's results it would do so anywhere.
    """
    folder = os.path.join(os.path.realpath(os.path.dirname(results)), os.path.basename(results))
    if os.path.islink(folder):
        return [results]
    found = []
    for parent, names, _ in os.walk(folder):
        paths = [os.path.join(parent, name) for name in names]
        leading = [path for path in paths if os.path.islink(path) and not _within(path, folder)]
        found += [os.path.join(results, os.path.relpath(path, folder)) for path in leading]
    return sorted(found)


def _within(path: str, folder: str) -> bool:
    return os.path.commonpath([os.path.realpath(path), folder]) == folder
