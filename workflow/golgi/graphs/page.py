"""A page to look through the drawings of graphs: one HTML file that needs no other."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from golgi.figures.rows import counted, moment, share
from golgi.figures.unit_graph import unit_name
from golgi.graphs.texts import isolated

HERE = Path(__file__).resolve().parent
SHOWN_TOKENS, SHOWN_CONCEPTS = 8, 3
REASONS = {
    "expert": "Experts",
    "best": "Units whose graphs foretell best",
    "worst": "Units whose graphs foretell worst",
}


@dataclass(frozen=True)
class Card:
    """One drawing: its unit (a row of table `graph_units`, with a `reason`), and what is told of it."""

    unit: dict
    drawing: Path
    tokens: list[str]  # activating ones, the most frequent first
    concepts: list[dict]  # `concept`, `ap` and `names` of each that it is an expert of, the surest first

    @property
    def name(self) -> str:
        """Site, layer and number of the unit."""
        return unit_name(self.unit)

    @property
    def picture(self) -> str:
        """The drawing as a data URI: inside an image nothing runs, and identifiers cannot meet."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.drawing.read_bytes()).decode("ascii")

    @property
    def facts(self) -> str:
        """How well the graph foretells firing, and how often there is any."""
        unit = self.unit
        scores = [f"{name} {share(unit[name])}" for name in ("precision", "recall")]
        f1 = f"F1 {share(unit['f1'])}" + ("" if unit["f1"] is None else f" ({', '.join(scores)})")
        return f"{f1}; fires on {100 * unit['firing_rate']:.2g} % of random tokens"

    @property
    def files(self) -> list[str]:
        """Names of the files beside the page."""
        return [self.drawing.name, self.drawing.with_name(f"{self.drawing.stem}.pdf").name]


def index_page(cards: Sequence[Card], *, study: str, model: str, checkpoint: str, units: pl.DataFrame) -> str:
    """Return the page of some drawings; `units` is table `graph_units` of their model and checkpoint."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(share=share, isolated=isolated)
    without = f"Without a graph: {units.filter(pl.col('nodes') == 0).height:,}."
    sections = [
        (heading, [card for card in cards if card.unit["reason"] == reason])
        for reason, heading in REASONS.items()
    ]
    return environment.get_template("page.html").render(
        study=study,
        title=f"Neuron graphs of {model} at {moment(checkpoint)}",
        shown=f"{len(cards):,} of {counted(units.height, 'unit')} are drawn here. {without}",
        sections=[(heading, some) for heading, some in sections if some],
        most_tokens=SHOWN_TOKENS,
        most_concepts=SHOWN_CONCEPTS,
    )
