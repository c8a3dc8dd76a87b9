"""The spec of a study of the planted model, and what it claims."""

from planted import NEGATIVES, POSITIVES, Planted

MODEL = "planted"
DRAWS = 999
TESTED = {"permutations": DRAWS, "bootstraps": 199}
CLAIMS = {
    "overlap": {"quantity": "within_overlap", "exceeds": "between_overlap"},
    "opposite": {"quantity": "between_overlap", "exceeds": "within_overlap"},
    "learned": {"quantity": "experts", "exceeds": {"checkpoint": "first"}},
    "chance": {"quantity": "experts", "exceeds": {"control": "shuffled"}},
    "words": {"quantity": "experts", "exceeds": {"control": "word"}, "matters": 0.5},
    "aligned": {"quantity": "alignment", "exceeds": 0},
    "privileged": {"quantity": "alignment", "exceeds": {"control": "rotated"}},
    "contained": {"quantity": "containment", "exceeds": "wrong_containment"},
    "tree": {"quantity": "tree_correlation", "exceeds": 0},
    "shared": {"quantity": "same_category_sharing", "exceeds": "expected_sharing"},
    "distributed": {"quantity": "probe_ap", "exceeds": "unit_ap"},
    "causal": {"quantity": "effect", "of": {"outcome": "absent"}, "exceeds": {"units": "random"}},
    "twin": {"quantity": "overlap_gap", "of": {"control": "untrained"}, "exceeds": 0},
    "idle": {"quantity": "effect", "of": {"outcome": "absent", "size": 1}, "exceeds": {"units": "random"}},
}


def spec(world: Planted) -> dict:
    """Return the spec of the study, as a user would write it."""
    return {
        "study": "planted",
        "seed": 5,
        "models": {
            MODEL: {
                "source": {"directory": str(world.folder), "folder": "step{step}"},
                "checkpoints": [0, 1],
                "bos": True,
            }
        },
        "concepts": {
            "lexicon": str(world.lexicon),
            "sentences": {
                "source": {"files": [str(world.sentences)]},
                "positives": POSITIVES,
                "negatives": NEGATIVES,
            },
        },
        "experts": {"thresholds": [0.7, 0.8, 0.95], "controls": ["untrained", "rotated", "shuffled", "word"]},
        "analyses": {
            "discoveries": {},
            "stability": {"folds": 2, "positives": [20], "negatives": [30], "bootstraps": 199},
            "overlap": {"threshold": 0.7},
            **{name: dict(TESTED) for name in ("categories", "hierarchy", "polysemy")},
            "dynamics": {"bootstraps": 199},
            "alignment": {"references": {"tree": {"file": str(world.ratings)}}, **TESTED},
            "distributed": {"sizes": [1, 3], **TESTED},
            "interventions": {
                **{"sizes": [1, 2, 3], "size": 2, "concepts": 16, "text": [str(world.texts)]},
                **{"prompts": 6, "continuations": 4, "neutral": 60, "draws": 2, **TESTED},
            },
            "sensitivity": {"sites": ["mlp_out"], "positives": [20], "negatives": [30], "bootstraps": 199},
        },
        "claims": CLAIMS,
        "compute": {"device": "cpu", "threads": 1},
    }
