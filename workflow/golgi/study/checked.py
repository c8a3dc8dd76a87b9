"""A study as its checks see it: what is in form so far, and how a problem is told."""

from __future__ import annotations

from dataclasses import dataclass

from golgi.study.document import Document
from golgi.study.lexicon import Concept, Lexicon
from golgi.study.problems import Path, Problem
from golgi.study.shapes import Shape, declared_shape


@dataclass(frozen=True)
class Checked:
    """What the checks look at: the file, the sections of the complete spec that are in form, the lexicon."""

    document: Document
    spec: dict
    lexicon: Lexicon | None

    @property
    def concepts(self) -> list[Concept]:
        """The concepts of the study."""
        chosen = self.spec["concepts"]
        return self.lexicon.selected(chosen["categories"], chosen["only"])

    @property
    def declared(self) -> dict[str, Shape | None]:
        """The shape of each model, as far as the study tells it by itself."""
        return {name: declared_shape(model["source"]) for name, model in self.spec["models"].items()}

    def problem(self, path: Path, message: str) -> Problem:
        """Return a problem at a field of the spec."""
        return self.document.problem(path, message)
