"""What the atlas loads: chunks of columns, each a file that a page takes in when it needs it.

A browser lets a page that was opened from a disk load scripts, and no other files. So a chunk is a script of
one call, with nothing in it that runs: a name, facts as JSON, and columns as safetensors in base64.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

CHUNK_BYTES = 2**20  # of columns in a chunk, about
NO_INDEX = 65535  # of columns of 16 bits


class Chunks:
    """Chunks on their way into a folder, or, without one, into the page itself."""

    def __init__(self, folder: Path | None):
        self.folder = folder
        self.blocks: list[dict[str, str]] = []
        self.bytes = 0

    def add(self, name: str, head: Any, columns: dict[str, np.ndarray] | None = None) -> None:
        """Add a chunk: `head` is plain data, `columns` are arrays of at most 64 bits without F16 or I64.

        Same contents, same bytes.
        """
        data = base64.b64encode(save(_ready(columns))).decode("ascii") if columns else ""
        if self.folder is None:
            text = f'{{"head":{json_text(head)},"data":"{data}"}}'
            self.blocks.append({"name": name, "json": text})
        else:
            # Text inside text: whatever the head quotes is no code, in any browser.
            text = f"golgiChunk({json_text(name)},{json_text(json_text(head))},{json_text(data)});\n"
            path = self.folder / f"{name}.js"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="ascii", newline="\n")
        self.bytes += len(text)


def json_text(data: Any) -> str:
    """Return JSON in ASCII that closes no script and opens no comment, wherever it stands in a page."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def slices(sizes: np.ndarray | list[int], limit: int = CHUNK_BYTES) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of runs of things whose sizes sum to at most `limit`; at least one in each."""
    start, total = 0, 0
    for place, size in enumerate(map(int, sizes)):
        if place > start and total + size > limit:
            yield start, place
            start, total = place, 0
        total += size
    if len(sizes) > start:
        yield start, len(sizes)


def _ready(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.ascontiguousarray(columns[name]) for name in sorted(columns)}
