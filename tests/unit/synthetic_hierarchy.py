"""Synthetic tables of the hierarchy, for tests of its figures and captions."""

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform
from synthetic_tables import table

CONTROLS = ("rotated", "shuffled", "word")
STRENGTHS = {"measured": 1.0, "rotated": 0.5, "shuffled": 0.05, "word": 0.6, "untrained": 0.05}
DIRECTIONS = ("child_in_parent", "parent_in_child")


def hierarchy_tables(*, models, checkpoint, names, threshold, controls, no_experts) -> dict:
    """Tables of a study whose concepts share experts with their categories; empty for one category."""
    categories = [category for _, category in names]
    points = [
        (model, *point)
        for model in models
        for point in points_of(checkpoint, controls)
        if len(set(categories)) > 1
    ]
    identities = [
        {
            "model": model,
            "checkpoint": name,
            "step": int(name) if name.isdigit() else None,
            "control": control,
            "threshold": threshold,
        }
        for model, name, control in points
    ]
    undefined = {
        identity["control"]: no_experts or identity["control"] == "shuffled" for identity in identities
    }
    hierarchy, trees, merges = [], [], []
    for identity in identities:
        unknown = undefined[identity["control"]]
        hierarchy += containment_rows(identity, len(names), unknown)
        trees.append(tree_row(identity, len(names), unknown))
        if identity["control"] in ("measured", "untrained"):
            merges += merge_rows(identity, np.array(categories), unknown)
    return {
        "hierarchy": table("hierarchy", hierarchy),
        "hierarchy_tree": table("hierarchy_tree", trees),
        "hierarchy_merges": table("hierarchy_merges", merges),
    }


def points_of(checkpoint: str, controls: bool) -> list[tuple[str, str]]:
    names = ["measured", *(CONTROLS if controls else ())]
    return [(checkpoint, name) for name in names] + ([("untrained", "untrained")] if controls else [])


def containment_rows(identity: dict, concepts: int, unknown: bool) -> list[dict]:
    force = STRENGTHS[identity["control"]]
    rows = []
    for parent in ("pooled", "word"):
        for place, direction in enumerate(DIRECTIONS):
            planned = identity["control"] == "measured" and parent == "pooled"
            own, wrong = (0.3 + 0.2 * place) * force, 0.1 * force
            values = {
                "own": own,
                "wrong": wrong,
                "difference": own - wrong,
                "low": own - wrong - 0.05,
                "high": own - wrong + 0.06,
                "p": 0.0004,
            }
            rows.append(
                identity
                | {name: None if unknown else value for name, value in values.items()}
                | {
                    "parent": parent,
                    "direction": direction,
                    "family": "planned" if planned else "exploratory",
                    "p_holm": 0.0008 if planned and not unknown else None,
                    "concepts": 0 if unknown else concepts - 1,
                    "empty": concepts if unknown else 1,
                    "experts": 0.0 if unknown else 40.0,
                    "parent_experts": 0.0 if unknown else 25.0,
                    "parents": 2,
                    "alone": 1,
                    "short": 0,
                }
            )
    return rows


def tree_row(identity: dict, concepts: int, unknown: bool) -> dict:
    planned = identity["control"] == "measured"
    return identity | {
        "correlation": None if unknown else 0.6 * STRENGTHS[identity["control"]],
        "p": None if unknown else 0.0002,
        "family": "planned" if planned else "exploratory",
        "p_holm": 0.0004 if planned and not unknown else None,
        "fidelity": None if unknown else 0.8,
        "concepts": concepts,
        "empty": concepts if unknown else 1,
    }


def merge_rows(identity: dict, categories: np.ndarray, unknown: bool) -> list[dict]:
    random = np.random.default_rng(len(categories))
    same = categories[:, None] == categories[None, :]
    noise = np.triu(random.uniform(0.3, 0.6, same.shape), k=1)
    distances = np.ones(same.shape) if unknown else np.where(same, noise + noise.T, 1 - (noise + noise.T) / 9)
    np.fill_diagonal(distances, 0)
    return [
        identity
        | {
            "merge": merge,
            "first": int(first),
            "second": int(second),
            "distance": float(distance),
            "size": int(size),
        }
        for merge, (first, second, distance, size) in enumerate(linkage(squareform(distances), "average"))
    ]
