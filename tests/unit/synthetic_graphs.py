"""Synthetic tables of neuron graphs that follow schemas/tables, for tests of figures and captions."""

import json

import numpy as np
import polars as pl
from synthetic_tables import table

VARIANTS = ("no_prune", "no_saliency", "no_augment", "no_calibration", "published")

METHODS = {"graph": 0.75, "token": 0.55, "bigram": 0.6, "trigram": 0.45}
MEASURES = {"f1": 0.0, "precision": 0.02, "recall": 0.08, "rank_correlation": -0.2}
WINDOWS = {"strong": 0.0, "random": -0.15}
WORDS = ("␣the", "␣dog", "␣was", "s", "⏎", ",", "␣running", "␣a", "␣very", "␣old")
STANDINGS = {"best": 0.91, "median": 0.6, "worst": 0.12}
KINDS = ("strongest", "firing", "false alarm")
EXAMPLES, TOKENS = 3, 24


def graph_tables(
    *,
    models: tuple[str, ...] = ("mini-s",),
    checkpoint: str = "400",
    layers: int = 2,
    sites: tuple[str, ...] = ("mlp_post",),
    shifted: bool = True,
    untrained: bool = True,
    undefined: bool = False,
    seed: int = 0,
) -> dict[str, pl.DataFrame]:
    """Tables of graphs whose scores fall with depth; `undefined`: no unit fires in the last layer."""
    rng = np.random.default_rng(seed)
    texts = {"test": 0.0, "shifted": -0.1} if shifted else {"test": 0.0}
    places = [(model, checkpoint) for model in models]
    twins = [(model, "untrained") for model in models] if untrained else []
    return {
        "graph_layers": layers_table(places + twins, sites, layers, texts, undefined),
        "graph_ablation": ablation_table(places, texts, undefined),
        "graph_naming": naming_table(places, twins, undefined),
        "graph_gallery": gallery_table(rng, places, sites, layers, undefined),
    }


def at(model: str, checkpoint: str) -> dict:
    step = int(checkpoint) if checkpoint.isdigit() else None
    return {"model": model, "checkpoint": checkpoint, "step": step}


def layers_table(places, sites, layers, texts, undefined) -> pl.DataFrame:
    rows = []
    for model, checkpoint in places:
        for site in sites:
            for layer in range(layers):
                silent = undefined and layer == layers - 1
                rows += [
                    {
                        **at(model, checkpoint),
                        "site": site,
                        "layer": layer,
                        "text": text,
                        "windows": windows,
                        "method": method,
                        "measure": measure,
                        **around(
                            None
                            if silent
                            else (start + drop + less + more - 0.3 * layer / max(layers - 1, 1))
                            * (0.3 if checkpoint == "untrained" else 1.0)
                        ),
                        "units": 0 if silent else 50 - layer % 3,
                        "never_fires": 50 if silent else layer % 3,
                        "never_predicts": 0,
                        "all_units": 50,
                    }
                    for text, drop in texts.items()
                    for windows, less in WINDOWS.items()
                    for method, start in METHODS.items()
                    for measure, more in MEASURES.items()
                ]
    return table("graph_layers", rows)


def around(value: float | None, width: float = 0.05) -> dict:
    value = None if value is None else float(np.clip(value, 0.01, 0.99))
    return {
        "mean": value,
        "low": None if value is None else value - width,
        "high": None if value is None else value + width,
    }


def ablation_table(places, texts, undefined) -> pl.DataFrame:
    rows = []
    for model, checkpoint in places:
        for text, drop in texts.items():
            for windows, less in WINDOWS.items():
                for rank, variant in enumerate(["full", *VARIANTS]):
                    for measure, more in MEASURES.items():
                        known = variant != "full" and not (undefined and variant == "no_augment")
                        change = -0.04 * rank
                        rows.append(
                            {
                                **at(model, checkpoint),
                                "text": text,
                                "windows": windows,
                                "variant": variant,
                                "measure": measure,
                                **around(0.7 + drop + less + more + change),
                                "difference": change if known else None,
                                "difference_low": change - 0.03 if known else None,
                                "difference_high": change + 0.03 if known else None,
                                "units": 60,
                            }
                        )
    return table("graph_ablation", rows)


def naming_table(places, twins, undefined) -> pl.DataFrame:
    rows = []
    for model, checkpoint in places + twins:
        trained = checkpoint != "untrained"
        for how, named in {"fires": 0.7, "mostly": 0.3, "context": 0.2}.items():
            named = named if trained else 0.05
            values = {
                **{"named": named, "low": max(named - 0.1, 0.0), "high": named + 0.09},
                **{"other": 0.02, "other_low": 0.01, "other_high": 0.04},
                **{"p": 0.0005 if trained and how == "fires" else 0.4},
            }
            planned = trained and how != "context"
            rows.append(
                {
                    **at(model, checkpoint),
                    "how": how,
                    "concepts": 0 if undefined else 24,
                    "experts": 0 if undefined else 70,
                    "without": 0 if undefined or how != "context" else 12,
                    **(dict.fromkeys(values) if undefined else values),
                    "family": "planned" if planned else "exploratory",
                    "p_holm": values["p"] if planned and not undefined else None,
                }
            )
    return table("graph_naming", rows)


def graph_nodes(rng: np.random.Generator, number: int, words: tuple[str, ...] = WORDS) -> list[dict]:
    """A graph of `number` nodes as golgi.graphs.store has it: every fourth a wildcard, if it can be."""
    nodes: list[dict] = []
    for place in range(number):
        fits = [index for index in range(place) if nodes[index]["distance"] < 5]
        parent = int(rng.choice(fits)) if fits and rng.random() > 0.15 else None
        wildcard = parent is not None and place % 4 == 3
        nodes.append(
            {
                "parent": parent,
                "token": None if wildcard else int(rng.integers(500)),
                "text": None if wildcard else str(rng.choice(words)),
                "distance": 0 if parent is None else nodes[parent]["distance"] + 1,
                "importance": 1.0 if parent is None else float(rng.uniform(0.75, 1)),
                "activation": float(rng.uniform(0.1, 1)),
                "count": int(rng.integers(1, 40)),
                "value": None if wildcard else float(rng.uniform(0, 1)),
            }
        )
    parents = {node["parent"] for node in nodes}
    for place, node in enumerate(nodes):
        if node["token"] is None and place not in parents:  # no path ends with a wildcard
            node |= {"token": 7, "text": str(words[0]), "value": 0.5}
    return nodes


def gallery_table(rng, places, sites, layers, undefined, words=WORDS) -> pl.DataFrame:
    rows = []
    for model, checkpoint in places:
        for site in sites:
            for layer in range(layers):
                for unit, (standing, f1) in enumerate(STANDINGS.items()):
                    silent = undefined and standing == "worst"
                    unit_rows = {
                        **at(model, checkpoint),
                        "site": site,
                        "layer": layer,
                        "unit": 17 * unit + 3,
                        "standing": standing,
                        "f1": None if silent else f1,
                        "precision": None if silent else f1,
                        "recall": None if silent else min(f1 + 0.1, 1.0),
                        "ranked": 48,
                        "silent": 2,
                    }
                    nodes = graph_nodes(rng, 0 if silent else 8 + 6 * unit, words)
                    rows += example_rows(rng, unit_rows, nodes, words)
    return table("graph_gallery", rows)


def example_rows(rng: np.random.Generator, unit: dict, nodes: list[dict], words) -> list[dict]:
    identity = {name: unit[name] for name in ("model", "checkpoint", "site", "layer", "unit")}
    line = json.dumps(identity | {"basis": "neuron", "maximum": 3.2145, "nodes": nodes})
    return [
        unit
        | {
            "graph": line,
            "example": example,
            "kind": KINDS[example],
            "place": place,
            "token": str(rng.choice(words)),
            "activation": float(rng.uniform(0, 1)) if place % 5 == 4 else 0.0,
            "predicted": float(rng.uniform(0, 1)) if place % 5 == 4 and place % 3 else 0.0,
        }
        for example in range(EXAMPLES)
        for place in range(TOKENS)
    ]
