"""Write a figure as PDF, SVG and PNG: the same figure gives the same bytes, and carries its provenance."""

import io
import json
from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure

from golgi.figures.style import style_context
from golgi.files import write_atomically

SOFTWARE = "Golgi"


def save_figure(figure: Figure, paths: Iterable[Path], metadata: dict, *, dpi: float = 300) -> None:
    """Write a figure to every path, in the format of its suffix, with `metadata` as JSON inside each file.

    The JSON is in Keywords (PDF), Description (SVG) and the text chunk Provenance (PNG). No date is written.
    """
    provenance = json.dumps(metadata, sort_keys=True, ensure_ascii=True)
    for path in map(Path, paths):
        kind = path.suffix.removeprefix(".")
        drawn = io.BytesIO()  # in memory first: on a full disk a half-drawn PDF ends in an error of its own
        with style_context():
            figure.savefig(drawn, format=kind, dpi=dpi, metadata=file_metadata(kind, provenance))
        with write_atomically(path) as temporary:
            temporary.write_bytes(drawn.getbuffer())


def file_metadata(kind: str, provenance: str) -> dict:
    """Metadata of one format, in matplotlib's terms, with every date and version taken out."""
    if kind == "pdf":
        return {"Creator": SOFTWARE, "Producer": SOFTWARE, "CreationDate": None, "Keywords": provenance}
    if kind == "svg":
        return {"Creator": SOFTWARE, "Date": None, "Description": provenance}
    return {"Software": SOFTWARE, "Provenance": provenance}
