"""Models from the Hugging Face hub: one revision, safetensors only, into one folder that appears whole."""

import logging
import shutil
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from golgi.errors import GolgiError
from golgi.files import ask, unwritable, write_json
from golgi.models.folders import publish_folder

logger = logging.getLogger(__name__)

WANTED = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
)
# The base of all errors of the hub's HTTP library: httpx in some of its versions, httpx2 in others.
HTTP_ERROR = HfHubHTTPError.__bases__[0]
NO_CONNECTION = (HTTP_ERROR, ConnectionError, TimeoutError, OfflineModeIsEnabled)


def fetch_model(*, name: str, revision: str, folder: Path, endpoint: str | None = None) -> None:
    """Download one revision of a hub model into `folder`, and note the commit in its golgi-source.json.

    Only configuration, tokenizer and safetensors are fetched. Files that are complete are kept beside
    `folder` when the download breaks off, and the next call goes on from there. Raises GolgiError naming
    model and revision if there is no such model, revision, safetensors or connection.
    """
    folder = Path(folder)
    commit, files = _look_up(name, revision, endpoint)
    _require_safetensors(name, revision, files)
    # Names alone: in a pattern `*` would stand for `/` and `..` too.
    names = [file for file in files if file == Path(file).name]
    wanted = sorted(file for file in names if any(fnmatch(file, pattern) for pattern in WANTED))
    logger.info("%s@%s: commit %s, %d files.", name, revision, commit, len(wanted))
    # Beside the folder and under the commit: what was fetched of another commit is never mixed in.
    partial = folder.parent / f".{folder.name}.{commit[:12]}.partial"
    try:
        partial.mkdir(parents=True, exist_ok=True)
        snapshot_download(
            name, revision=commit, local_dir=partial, allow_patterns=wanted, endpoint=endpoint, max_workers=4
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, *NO_CONNECTION) as error:
        raise GolgiError(
            f"{name}@{revision}: the download broke off ({_brief(error)}). Run again to go on with it."
        ) from error
    except OSError as error:
        raise GolgiError(f"{name}@{revision}: {unwritable(partial, error)}") from error
    _require_complete(name, revision, partial, wanted)
    ask(folder)  # a later job may be downloading into the same place
    shutil.rmtree(partial / ".cache", ignore_errors=True)
    write_json({"name": name, "revision": revision, "commit": commit}, partial / "golgi-source.json")
    publish_folder(partial, folder)


def _look_up(name: str, revision: str, endpoint: str | None) -> tuple[str, list[str]]:
    try:
        info = HfApi(endpoint=endpoint).model_info(name, revision=revision, timeout=30)
    except GatedRepoError as error:
        raise GolgiError(
            f"{name} is gated: accept its terms on the hub and log in (`hf auth login`)."
        ) from error
    except RevisionNotFoundError as error:
        raise GolgiError(f"{name} has no revision {revision!r} on the hub.") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise GolgiError(f"There is no model {name!r} on the hub, or it is private.") from error
    except HfHubHTTPError as error:
        raise GolgiError(f"{name}@{revision}: the hub refused ({_brief(error)}).") from error
    except NO_CONNECTION as error:
        raise GolgiError(f"{name}@{revision}: no connection to the hub ({_brief(error)}).") from error
    return info.sha, [sibling.rfilename for sibling in info.siblings or []]


def _require_safetensors(name: str, revision: str, files: list[str]) -> None:
    if any(file in ("model.safetensors", "model.safetensors.index.json") for file in files):
        return
    pickles = [file for file in files if file.endswith((".bin", ".pt", ".pth"))]
    there = f"only {', '.join(pickles[:3])}, which may run code when opened" if pickles else "no weights"
    raise GolgiError(
        f"{name}@{revision} has no safetensors, {there}. Choose another revision, or convert it."
    )


def _require_complete(name: str, revision: str, folder: Path, wanted: list[str]) -> None:
    missing = [file for file in wanted if not (folder / file).is_file()]
    if missing:
        raise GolgiError(
            f"{name}@{revision}: the download lacks {', '.join(missing)}. Run again to go on with it."
        )


def _brief(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
