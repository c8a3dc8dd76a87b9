"""A study as the rows that a workflow needs: models, checkpoints, folders, tables, figures, slices."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from golgi.study.claims import claimed_tables
from golgi.study.folders import checkpoint_folder, hub_folder
from golgi.study.graphs import GROWN, GraphPlan
from golgi.study.lexicon import Lexicon
from golgi.study.outputs import (
    ANALYSIS_TABLES,
    FIGURE_TABLES,
    OPTIONAL_TABLES,
    SCORED,
    TABLE_PARTS,
    UNSCORED_FIGURES,
)
from golgi.study.portable import Portable
from golgi.study.problems import Problem
from golgi.study.writing import WritingPlan, lasting

UNTRAINED = "untrained"


@dataclass(frozen=True)
class Study(GraphPlan, WritingPlan):
    """A study in form: the complete spec, the same with paths as `written`, and what follows from it."""

    file: str
    spec: dict[str, Any] = field(repr=False)
    written: dict[str, Any] = field(repr=False)
    lexicon: Lexicon = field(repr=False)
    warnings: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        """The study's name; its results are in `results/<name>`."""
        return self.spec["study"]

    @property
    def seed(self) -> int:
        """The number from which every random choice follows."""
        return self.spec["seed"]

    @property
    def results(self) -> str:
        """The folder of the study's results."""
        return f"results/{self.name}"

    @property
    def models(self) -> list[str]:
        """Names of the models, in the order of the file."""
        return list(self.spec["models"])

    @property
    def gpu(self) -> int:
        """GPUs that a job with a model asks for: 0 where the study says cpu, else 1."""
        return 0 if self.spec["compute"]["device"] == "cpu" else 1

    @property
    def threads(self) -> int:
        """Processor threads of a job with a model."""
        return self.spec["compute"]["threads"]

    def training_threads(self, model: str) -> int:
        """Return the processor threads that a model is trained with."""
        return self.source(model)["train"]["threads"] or self.threads

    @property
    def controls(self) -> list[str]:
        """Controls of the study."""
        return list(self.spec["experts"]["controls"])

    @cached_property
    def concepts(self) -> list[str]:
        """Names of the study's concepts, in the order of the lexicon."""
        chosen = self.spec["concepts"]
        return [concept.name for concept in self.lexicon.selected(chosen["categories"], chosen["only"])]

    def kind(self, model: str) -> str:
        """Return where a model comes from: `hub`, `directory` or `train`."""
        return next(iter(self.spec["models"][model]["source"]))

    def source(self, model: str) -> dict:
        """Return the source of a model, as the spec has it."""
        return self.spec["models"][model]["source"]

    def trained(self) -> list[str]:
        """Return the models that the study trains."""
        return [model for model in self.models if self.kind(model) == "train"]

    def checkpoints(self, model: str) -> list[str]:
        """Return the checkpoints to read: steps or `final`, then `untrained` where that control is on."""
        twin = [UNTRAINED] if UNTRAINED in self.controls else []
        return self.weights(model) + twin

    def weights(self, model: str) -> list[str]:
        """Return the checkpoints that have weights of their own: all but the untrained twin."""
        return [str(step) for step in self.spec["models"][model]["checkpoints"]]

    def last_checkpoint(self, model: str) -> str:
        """Return the last checkpoint with weights of its own."""
        return str(self.spec["models"][model]["checkpoints"][-1])

    @property
    def last_checkpoints(self) -> dict[str, str]:
        """The last checkpoint of every model."""
        return {model: self.last_checkpoint(model) for model in self.models}

    def step(self, checkpoint: str) -> int | None:
        """Return a checkpoint's training step, None for `final` and `untrained`."""
        return int(checkpoint) if checkpoint.isdigit() else None

    def twin_seed(self, checkpoint: str) -> int | None:
        """Return the seed of the untrained twin's weights; None for a checkpoint with weights of its own.

        It is not the study's own seed: a model that the study trains starts from that one, and the twin would
        be its step 0 over again.
        """
        return self.seed + 1 if checkpoint == UNTRAINED else None

    def reading(self, model: str) -> dict[str, Any]:
        """Return how the study reads a model: sites, pooling, BOS."""
        experts = self.spec["experts"]
        bos = self.spec["models"][model]["bos"]
        return {"sites": experts["sites"], "pooling": experts["pooling"], "bos": bos}

    def rotation_seed(self, checkpoint: str) -> int | None:
        """Return the seed of the rotated basis; None where the checkpoint is not read in it."""
        return self.seed if "rotated" in self.controls and checkpoint != UNTRAINED else None

    def masks_words(self, checkpoint: str) -> bool:
        """Tell whether a checkpoint reads every sentence again with its concept's word masked."""
        return "word" in self.controls and checkpoint != UNTRAINED

    def last_rows(self) -> list[tuple[str, str]]:
        """Return the last (model, checkpoint) of every model, and its untrained twin where there is one."""
        return [row for row in self.rows() if row[1] in (self.last_checkpoint(row[0]), UNTRAINED)]

    def analysis_rows(self, analysis: str) -> list[tuple[str, str]]:
        """Return every (model, checkpoint) that an analysis leaves a file of its own of."""
        acted = analysis == "interventions"
        return [row for row in self.last_rows() if not (acted and row[1] == UNTRAINED)]

    def rows(self) -> list[tuple[str, str]]:
        """Return every (model, checkpoint) that is read."""
        return [(model, checkpoint) for model in self.models for checkpoint in self.checkpoints(model)]

    def revision(self, model: str, checkpoint: str) -> str:
        """Return the hub revision of a checkpoint; a model read as it is comes from `main` by default."""
        pattern = self.source(model)["revision"]
        if checkpoint != "final":
            return pattern.replace("{step}", checkpoint)
        return "main" if "{step}" in pattern else pattern

    def folder(self, model: str, checkpoint: str) -> str:
        """Return the folder of a checkpoint's weights; the twin takes the last one's, for its shape."""
        if checkpoint == UNTRAINED:
            checkpoint = self.last_checkpoint(model)
        source = self.source(model)
        if "hub" in source:
            return hub_folder(source["hub"], self.revision(model, checkpoint))
        if "directory" in source:
            return str(checkpoint_folder(source, checkpoint))
        return f"{self.results}/models/{model}/step{checkpoint}"

    @property
    def sentence_files(self) -> list[str]:
        """Files that the sentences are read from; none where they are written, by templates or by a model."""
        source = self.spec["concepts"]["sentences"]["source"]
        return list(source.get("corpus", source.get("files", [])))

    def corpus_files(self, model: str) -> list[str]:
        """Return the files that a model is trained on; none for the microworld."""
        corpus = self.source(model)["train"]["corpus"]
        return [] if corpus == "microworld" else list(corpus)

    @property
    def threshold(self) -> float:
        """The threshold of headline numbers: that of the overlap, else the lowest."""
        overlap = self.spec["analyses"].get("overlap")
        return overlap["threshold"] if overlap else self.spec["experts"]["thresholds"][0]

    @property
    def references(self) -> dict[str, dict]:
        """References of the alignment, by name; empty without that analysis."""
        return self.spec["analyses"].get("alignment", {}).get("references", {})

    @property
    def reference_files(self) -> dict[str, str]:
        """Files of the references, named or to be fetched; a lexicon has none."""
        named = {name: one["file"] for name, one in self.references.items() if "file" in one}
        fetched = {name: _fetched(name, one) for name, one in self.references.items() if "url" in one}
        return named | fetched

    @property
    def downloads(self) -> dict[str, tuple[str, str]]:
        """References to fetch: file -> (address, SHA-256)."""
        fetched = {name: one for name, one in self.references.items() if "url" in one}
        return {_fetched(name, one): (one["url"], one["sha256"]) for name, one in fetched.items()}

    @property
    def claims(self) -> dict[str, dict]:
        """What the study claims, by name; each is tested on the finished tables."""
        return self.spec["claims"]

    @property
    def tables(self) -> list[str]:
        """Names of the tables that the study gives."""
        tables = ["concepts", *(["writing"] if self.llm else [])]
        tables += ["models", "counts", "distribution", "experts"]
        for analysis in ANALYSIS_TABLES:
            if analysis in self.spec["analyses"]:
                tables += ANALYSIS_TABLES[analysis]
        tables += self.graph_tables
        tables += ["claims"] if self.claims else []
        return [*tables, "training"] if self.trained() else tables

    @property
    def figures(self) -> list[str]:
        """Names of the figures that the study gives, in the order in which they are read."""
        there = set(self.tables)
        return [
            figure
            for figure, needs in FIGURE_TABLES.items()
            if there.issuperset(set(needs) - OPTIONAL_TABLES.get(figure, set()))
        ]

    def figure_tables(self, name: str) -> list[str]:
        """Return the tables that a figure is drawn from, in this study."""
        return [table for table in FIGURE_TABLES[name] if table in self.tables]

    def figure_options(self, name: str) -> dict[str, Any]:
        """Return what one figure is drawn with, nothing else: another figure's option does not redraw it."""
        common = self.spec["figures"]
        own = common[name]
        options = {
            "dpi": common["dpi"],
            "width_mm": own["width_mm"] or common["width_mm"],
            "models": self.models,
        }
        if self._knows_the_threshold(name):
            options |= {"threshold": self.threshold, "thresholds": self.spec["experts"]["thresholds"]}
        return {**own, **options}

    def _knows_the_threshold(self, figure: str) -> bool:
        # Neuron graphs depend on it only where experts get them.
        return (
            "graph_experts" in self.tables if figure.startswith("graph_") else figure not in UNSCORED_FIGURES
        )

    def figure_fingerprint(self, name: str) -> str:
        """Return the fingerprint of the parts of the spec that one figure's tables come from."""
        return _digest(self._figure_slice(name))

    def figure_origin(self, name: str) -> dict[str, Any]:
        """Return the parts of the spec that one figure's tables come from, and the seeds among them."""
        return self._origin(self._figure_slice(name))

    def _figure_slice(self, name: str) -> dict[str, Any]:
        wanted = {part for table in self.figure_tables(name) for part in self._parts_of(table)}
        parts = sorted(part for part in wanted if _has(self.spec, part))
        return {**_sliced(self._lasting, tuple(parts)), "figure": self.figure_options(name)}

    def _parts_of(self, table: str) -> list[str]:
        if table != "claims":
            return TABLE_PARTS[table]
        about = [TABLE_PARTS.get(one, [*SCORED, *GROWN]) for one in claimed_tables(self.spec)]
        return ["claims", *(part for parts in about for part in parts)]

    def drawings_fingerprint(self) -> str:
        """Return the fingerprint of the parts of the spec that the drawings of single graphs come from."""
        return _digest(self._drawings_slice())

    def drawings_origin(self) -> dict[str, Any]:
        """Return the parts of the spec that the drawings of single graphs come from, and their seeds."""
        return self._origin(self._drawings_slice())

    def _drawings_slice(self) -> dict[str, Any]:
        threshold = self.threshold if "graph_experts" in self.tables else None
        return {**_sliced(self._lasting, (*SCORED, *GROWN, "graphs.drawings")), "threshold": threshold}

    def origin(self) -> dict[str, Any]:
        """Return the whole spec and its seeds, as what is told of the study names them."""
        return self._origin(self.written)

    def _origin(self, part: dict[str, Any]) -> dict[str, Any]:
        controls = part.get("experts", {}).get("controls", [])
        twin = {UNTRAINED: self.twin_seed(UNTRAINED)} if UNTRAINED in controls else {}
        return {"spec": self.portable.data(part), "seeds": {"study": self.seed, **twin}}

    @cached_property
    def portable(self) -> Portable:
        """Names for the study's paths that are the same on every machine."""
        return Portable(self.written, self.spec)

    def fingerprint(self, *sections: str | tuple[str, ...]) -> str:
        """Return 12 hexadecimal digits that change when the named parts of the spec do; all parts if none.

        How a writer of sentences is reached does not count.
        A part is named as it reads (`experts.thresholds`) or, where a name may hold a dot, as a tuple
        (`("models", "pythia-1.4b")`). Paths count as they are written, so that a study has one fingerprint on
        every machine. Raises KeyError for a part that the spec does not have.
        """
        return _digest(_sliced(self._lasting, sections or tuple(self.written)))

    @cached_property
    def _lasting(self) -> dict[str, Any]:
        return {**self.written, "concepts": lasting(self.written["concepts"])}

    @property
    def spec_sha256(self) -> str:
        """The SHA-256 of the whole spec with paths as they are written."""
        return hashlib.sha256(_canonical(self.written).encode()).hexdigest()


def _has(spec: dict, part: str) -> bool:
    section, _, field = part.partition(".")
    return section in spec and (not field or field in spec[section])


def _sliced(spec: dict, sections: tuple[str | tuple[str, ...], ...]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for section in sections:
        path = tuple(section.split(".")) if isinstance(section, str) else section
        value: Any = spec
        target = chosen
        for step in path[:-1]:
            value, target = value[step], target.setdefault(step, {})
        target[path[-1]] = value[path[-1]]
    return json.loads(_canonical(chosen))


def _fetched(name: str, reference: dict) -> str:
    # Named by content: studies that call two files alike do not overwrite each other's.
    ending = PurePosixPath(reference["url"].split("?")[0]).suffix
    ending = ending if ending in (".txt", ".tsv", ".csv") else ".txt"
    return f"resources/references/{name}-{reference['sha256'][:12]}{ending}"


def _digest(data: Any) -> str:
    return hashlib.sha256(_canonical(data).encode()).hexdigest()[:12]


def _canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
