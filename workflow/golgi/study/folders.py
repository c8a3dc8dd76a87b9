"""Where the weights of a model are: a folder of the user's, or one that a download goes to."""

from __future__ import annotations

from pathlib import Path as FilePath


def checkpoint_folder(source: dict, step: int | str) -> FilePath:
    """Return where a directory source keeps a checkpoint; `final` is the folder itself."""
    directory = FilePath(source["directory"])
    return directory if step == "final" else directory / source["folder"].replace("{step}", str(step))


def hub_folder(name: str, revision: str) -> str:
    """Return the folder that one revision of a hub model is downloaded to."""
    return f"resources/models/{name.replace('/', '--')}/{revision}"
