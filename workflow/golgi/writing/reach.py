"""How a study's writer is reached: no reply follows from that, so no job is done again because of it."""

from pathlib import Path
from typing import Any

from golgi.study import load_study


def read_reach(spec: Path | str) -> dict[str, Any]:
    """Return the writer of a study as its spec says now: its place, its key's variable, its price.

    A job gets its parameters when it is planned, and is done again, with all that follows, when one of them
    changes. What is only the way to the writer is therefore read here.
    """
    return load_study(spec).llm["writer"]
