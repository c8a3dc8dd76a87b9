"""What follows from the section `graphs` of a study: rows, units, texts, settings of each stage, tables."""

from __future__ import annotations

from typing import Any

from golgi.study.folders import hub_folder
from golgi.study.problems import Problem, StudyError
from golgi.study.shapes import model_shape

LONGEST_WINDOW = 256  # tokens of a window where the study names no other number
# What each stage takes from the section, and how much of which text: an edit reruns the stages it concerns.
STAGES = {
    "find": ("window", "exemplars", "firings", "fires", "weakest", "calibration"),
    "trace": ("window",),
    "grow": ("keep", "cap", "importance", "substitute", "candidates", "silences", "fires", "rate", "augment"),
    "ablate": ("ablation",),
    "score": ("exemplars", "fires", "rate"),
    "measure": ("rate", "bootstraps"),
    "index": ("rate",),
    "draw": ("drawings",),
}
# Beside the whole method: it without each of its stages, and as it was published. Each is a folder of graphs.
VARIANTS = ("no_prune", "no_saliency", "no_augment", "no_calibration", "no_context", "published")
STAGE_TEXTS = {"find": ("build",), "trace": ("test", "shifted")}
# The parts of the spec that graphs and their scores depend on, and with them the tables that are drawn.
_TAKEN = [field for stage in ("find", "trace", "grow", "score") for field in STAGES[stage]]
GROWN = [f"graphs.{field}" for field in dict.fromkeys(("units", "checkpoints", "corpora", "tokens", *_TAKEN))]
GRAPH_TABLE_PARTS = {
    "graph_layers": [*GROWN, "graphs.bootstraps"],
    "graph_ablation": [*GROWN, "graphs.bootstraps", "graphs.ablation"],
    "graph_naming": [*GROWN, "graphs.bootstraps"],
    "graph_gallery": GROWN,
}


def chosen_checkpoints(choice: str | list[int | str], there: list[str]) -> list[str]:
    """Return which of a model's checkpoints get graphs, in their order; the twin is none that is `last`.

    >>> chosen_checkpoints("last", ["0", "400", "untrained"])
    ['400']
    >>> chosen_checkpoints([400, "untrained"], ["0", "400", "untrained"])
    ['400', 'untrained']
    """
    if choice == "all":
        return there
    if choice == "last":
        return [one for one in there if one != "untrained"][-1:]
    named = {str(one) for one in choice}
    return [one for one in there if one in named]


class GraphPlan:
    """The part of a study that has to do with neuron graphs; it is empty where the section is not there."""

    @property
    def has_graphs(self) -> bool:
        """Whether the study grows neuron graphs."""
        return "graphs" in self.spec

    def graph_checkpoints(self, model: str) -> list[str]:
        """Return the checkpoints of a model that get graphs."""
        if not self.has_graphs:
            return []
        return chosen_checkpoints(self.spec["graphs"]["checkpoints"], self.checkpoints(model))

    def graph_rows(self) -> list[tuple[str, str]]:
        """Return every (model, checkpoint) that gets graphs, in the order in which they are read."""
        return [(model, checkpoint) for model in self.models for checkpoint in self.graph_checkpoints(model)]

    def graph_units(self, model: str) -> dict[str, Any]:
        """Return how the units of a model are chosen, as plain data.

        `experts`: units per concept, with the `threshold` they have to reach, both None without. `layers`:
        `all`, numbers or None, at `sites`, with `sample` units of each (None: all). `listed`: site, layer and
        unit of each that is named.
        """
        units, sites = self.spec["graphs"]["units"], self.spec["experts"]["sites"]
        experts, layers = units.get("experts"), units["layers"]
        return {
            "experts": experts["per_concept"] if experts else None,
            "threshold": self.threshold if experts else None,
            "layers": layers,
            "sites": list(sites) if layers else [],
            "sample": units["sample"] if layers else None,
            "listed": [
                {key: one[key] for key in ("site", "layer", "unit")}
                for one in units["list"]
                if one["model"] in (None, model)
            ],
        }

    def graph_sites(self, model: str) -> list[str]:
        """Return the sites of a model at which units may get graphs, those of listed units last."""
        units = self.graph_units(model)
        drawn = self.spec["experts"]["sites"] if units["experts"] or units["layers"] else []
        return list(dict.fromkeys([*drawn, *(one["site"] for one in units["listed"])]))

    def graph_layers(self, model: str) -> list[int]:
        """Return the layers of a model in which units may get graphs, ascending.

        Experts may be in any. Raises StudyError where the number of layers is needed and not known, before
        the model is downloaded.
        """
        units, shape = self.graph_units(model), model_shape(self, model)
        if self._needs_layers(model) and shape is None:
            raise StudyError([self._unknown_layers(model)])
        layers = {one["layer"] for one in units["listed"]}
        if self._needs_layers(model):
            layers |= set(range(shape.layers))
        elif units["layers"]:
            layers |= set(units["layers"])
        return sorted(layer for layer in layers if shape is None or layer < shape.layers)

    def unknown_layers(self) -> list[Problem]:
        """Return what to do about each model that has to be downloaded before its graphs can be planned."""
        awaited = [
            model for model in self.models if self.graph_checkpoints(model) and self.kind(model) == "hub"
        ]
        return [
            self._unknown_layers(model)
            for model in awaited
            if self._needs_layers(model) and model_shape(self, model) is None
        ]

    def _needs_layers(self, model: str) -> bool:
        units = self.graph_units(model)
        return units["layers"] == "all" or bool(units["experts"])

    def _unknown_layers(self, model: str) -> Problem:
        folder = self.folder(model, self.last_checkpoint(model))
        message = f"how many layers `{model}` has is not told by {folder}/config.json."
        if self.kind(model) == "hub":
            message = (
                f"how many layers `{model}` has is not known before its download, and the jobs of its graphs "
                f"follow from that. Fetch it first: snakemake --cores 1 {folder}"
            )
        return Problem(self.file, 1, 1, "graphs.units", message)

    def graph_settings(self, *stages: str) -> dict[str, Any]:
        """Return what stages (`find`, `trace`, `grow`, ..., see STAGES) take from the section.

        `tokens` holds how much is read of each text of those stages. Of `augment` there is only the kind,
        `self`, `none` or `masked_lm`: the masked language model's folder is a file like others.
        """
        graphs = self.spec["graphs"]
        settings = {field: graphs[field] for stage in stages for field in STAGES[stage]}
        if isinstance(settings.get("augment"), dict):
            settings["augment"] = "masked_lm"
        texts = [part for stage in stages for part in STAGE_TEXTS.get(stage, ()) if self.graph_corpora[part]]
        return settings | ({"tokens": {part: graphs["tokens"][part] for part in texts}} if texts else {})

    @property
    def graph_corpora(self) -> dict[str, str | list[str] | None]:
        """The texts `build`, `test`, `shifted`: `microworld`, `sentences`, a list of files, or None."""
        return self.spec["graphs"]["corpora"]

    @property
    def graph_texts(self) -> list[str]:
        """The texts that graphs are scored on: `test`, and `shifted` where there is one."""
        return [part for part in ("test", "shifted") if self.graph_corpora[part]]

    @property
    def graph_variants(self) -> list[str]:
        """The ways in which graphs are grown: `full`, and with an ablation those of VARIANTS."""
        return ["full", *VARIANTS] if self.spec["graphs"]["ablation"] else ["full"]

    @property
    def graph_files(self) -> dict[str, list[str]]:
        """The texts that are files of the user's, by part; those that the study writes are left out."""
        if not self.has_graphs:
            return {}
        return {part: list(files) for part, files in self.graph_corpora.items() if isinstance(files, list)}

    @property
    def graphs_split(self) -> bool:
        """Whether `build` and `test` are one source, of which one document in ten is kept for the test."""
        return same_text(self.graph_corpora["build"], self.graph_corpora["test"])

    @property
    def masked_lm(self) -> str | None:
        """The folder of the masked language model that proposes substitutes; None where there is none."""
        augment = self.spec["graphs"]["augment"] if self.has_graphs else "none"
        if isinstance(augment, str):
            return None
        source = augment["masked_lm"]
        return source["directory"] if "directory" in source else hub_folder(source["hub"], source["revision"])

    @property
    def masked_lm_is_fetched(self) -> bool:
        """Whether that model comes from the hub, so that its folder is what `fetch_model` makes."""
        return self.masked_lm is not None and "hub" in self.spec["graphs"]["augment"]["masked_lm"]

    @property
    def graph_tables(self) -> list[str]:
        """Names of the tables of the section; none without it."""
        if not self.has_graphs:
            return []
        graphs = self.spec["graphs"]
        tables = ["graph_units", "graph_scores", "graph_layers"]
        tables += ["graph_ablation"] if graphs["ablation"] else []
        tables += ["graph_nodes", "graph_pairs"]
        tables += ["graph_experts", "graph_naming"] if "experts" in graphs["units"] else []
        return [*tables, "graph_gallery"]


def same_text(one: str | list[str] | None, other: str | list[str] | None) -> bool:
    """Tell whether two texts are the same source, in whatever order their files are named."""
    if isinstance(one, list) and isinstance(other, list):
        return set(one) == set(other)
    return one == other
