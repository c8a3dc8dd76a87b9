"""The claims of a study as rows to test: one for each claim and model, with every choice filled in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from golgi.study.graphs import chosen_checkpoints
from golgi.study.quantities import LARGEST, QUANTITIES, Quantity

UNTRAINED = "untrained"
DEFAULTS = {
    "control": "measured",
    "parent": "pooled",
    "direction": "child_in_parent",
    "units": "top",
    "outcome": "occurs",
    "method": "graph",
    "text": "test",
    "windows": "strong",
}
PHRASES: dict[str, str | dict[str, str]] = {
    "control": {
        "measured": "as measured",
        "untrained": "of the untrained twin",
        "rotated": "in a rotated basis",
        "shuffled": "with shuffled labels",
        "word": "with the concept's word masked",
        "input_embedding": "of the input embeddings",
        "sentence_embedding": "of the sentence embeddings",
    },
    "checkpoint": {"first": "at the first checkpoint", "last": "at the last checkpoint"},
    "threshold": "at AP {}",
    "reference": "with {}",
    "layer": "in layer {}",
    "positives": "from {} positives",
    "negatives": "from {} negatives",
    "parent": {"pooled": "pooled from its concepts", "word": "read as a concept of its own"},
    "direction": {"child_in_parent": "of a concept in it", "parent_in_child": "of it in a concept"},
    "size": "of {} units",
    "action": {
        "force": "that forces",
        "zero": "that zeroes",
        "mean_negative": "that sets to other sentences",
    },
    "units": {"top": "the best units", "next": "the next units", "random": "random units"},
    "outcome": {
        "occurs": "where the word occurs",
        "absent": "where the word is absent",
        "generated": "on continuations",
        "neutral": "on neutral text",
    },
    "method": {
        "graph": "of the graph itself",
        "token": "of the token alone",
        "bigram": "of bigrams",
        "trigram": "of trigrams",
    },
    "text": {"test": "on test text", "shifted": "on text from another source"},
    "windows": {"strong": "in strong windows", "random": "in random windows"},
    "model": "of {}",
}


def settled_claims(spec: dict) -> list[dict[str, Any]]:
    """Return what to test, in the order of the study: plain rows, one for each claim and model.

    A row has claim, say, model, relation (`exceeds` or `below`), quantity and against as texts, unit,
    matters, and `left` and `right`: each a `quantity` with the `where` that selects its rows; `right` may be
    a number instead.
    """
    return [row for name, claim in spec["claims"].items() for row in claim_rows(spec, name, claim)]


def claim_rows(spec: dict, name: str, claim: dict) -> Iterator[dict[str, Any]]:
    """Yield the rows of one claim, those left out in which a model would be compared with itself."""
    relation, other = relation_of(claim)
    for model in claimed_models(spec, claim):
        left, right = sides(spec, claim, model)
        if left == right:
            continue
        quantity = QUANTITIES[claim["quantity"]]
        scale = quantity.scale_at(left["where"].get("outcome"))
        yield {
            "claim": name,
            "say": claim["say"] or sentence(claim),
            "model": model,
            "relation": relation,
            "quantity": _written(claim["quantity"], given(claim["of"])),
            "against": _against(other),
            "unit": scale.unit,
            "matters": float(scale.matters if claim["matters"] is None else claim["matters"]),
            "left": left,
            "right": right,
        }


def relation_of(claim: dict) -> tuple[str, Any]:
    """Return how a claim compares, `exceeds` or `below`, and with what."""
    relation = "exceeds" if claim["exceeds"] is not None else "below"
    return relation, claim[relation]


def other_quantity(claim: dict) -> str | None:
    """Return the name of the quantity that a claim compares with; None where it is a number."""
    other = relation_of(claim)[1]
    return claim["quantity"] if isinstance(other, dict) else other if isinstance(other, str) else None


def given(selectors: dict) -> dict[str, Any]:
    """Return the selectors that have a value."""
    return {key: value for key, value in selectors.items() if value is not None}


def claimed_models(spec: dict, claim: dict) -> list[str]:
    """Return the models that a claim is about: the one it names, else all that have its quantity."""
    if claim["of"]["model"] is not None:
        return [claim["of"]["model"]]
    quantity = QUANTITIES[claim["quantity"]]
    return [model for model in spec["models"] if known_checkpoints(spec, quantity, model)]


def known_checkpoints(spec: dict, quantity: Quantity, model: str) -> list[str]:
    """Return the checkpoints of a model, its twin aside, at which a quantity is known."""
    there = [str(step) for step in spec["models"][model]["checkpoints"]]
    if quantity.analysis == "graphs":
        return chosen_checkpoints(spec["graphs"]["checkpoints"], there)
    return there if quantity.every_checkpoint else there[-1:]


def sides(spec: dict, claim: dict, model: str) -> tuple[dict, dict | float]:
    """Return both sides of a claim for one model: what is claimed to exceed, or stay below, what."""
    other, chosen = relation_of(claim)[1], given(claim["of"]) | {"model": model}
    left = _side(spec, claim["quantity"], chosen)
    if isinstance(other, dict):
        return left, _side(spec, claim["quantity"], chosen | given(other))
    return left, _side(spec, other, chosen) if isinstance(other, str) else float(other)


def _side(spec: dict, name: str, chosen: dict) -> dict[str, Any]:
    quantity = QUANTITIES[name]
    where = {
        selector: chosen[selector] if selector in chosen else default(spec, quantity, selector)
        for selector in quantity.selectors
    }
    where = given(where)
    twin = where.get("control") == UNTRAINED
    where["checkpoint"] = UNTRAINED if twin else _checkpoint(spec, quantity, chosen)
    return {"quantity": name, "where": where}


def _checkpoint(spec: dict, quantity: Quantity, chosen: dict) -> str:
    there, wanted = known_checkpoints(spec, quantity, chosen["model"]), chosen.get("checkpoint", "last")
    if wanted == "last" or "checkpoint" not in quantity.selectors:
        return there[-1]
    return there[0] if wanted == "first" else str(wanted)


def default(spec: dict, quantity: Quantity, selector: str) -> Any:
    """Return what a selector is where a claim does not say; None where there is nothing to choose from."""
    analysis = spec["analyses"].get(quantity.analysis, {})
    if selector == "threshold":
        return headline_threshold(spec)
    if selector == "reference":
        return next(iter(analysis["references"])) if len(analysis["references"]) == 1 else None
    if selector == "size":
        return analysis.get("size", LARGEST)
    if selector == "action":
        return analysis["actions"][0]
    if selector in ("positives", "negatives"):
        return analysis[selector][-1]
    return DEFAULTS.get(selector)


def headline_threshold(spec: dict) -> float:
    """Return the threshold of headline numbers: that of the overlap, else the lowest."""
    overlap = spec["analyses"].get("overlap")
    return overlap["threshold"] if overlap else spec["experts"]["thresholds"][0]


def sentence(claim: dict) -> str:
    """Return a claim as a sentence made from its fields.

    >>> claim = {"quantity": "alignment", "of": {"reference": "men"}, "exceeds": {"control": "rotated"}}
    >>> sentence(claim)
    'The alignment with men exceeds that in a rotated basis.'
    """
    relation, other = relation_of(claim)
    verb = "exceeds" if relation == "exceeds" else "stays below"
    if isinstance(other, dict):
        against = f"that {_phrases(other)}"
    else:
        against = f"the {QUANTITIES[other].words}" if isinstance(other, str) else f"{other:g}"
    about = f"{QUANTITIES[claim['quantity']].words} {_phrases(claim['of'])}".strip()
    return f"The {about} {verb} {against}."


def _phrases(selectors: dict) -> str:
    chosen = given(selectors)
    return " ".join(_phrase(name, chosen[name]) for name in PHRASES if name in chosen)


def _phrase(selector: str, value: Any) -> str:
    phrase = PHRASES[selector]
    if isinstance(phrase, str):
        return phrase.format(value)
    return phrase.get(value, f"at step {value}")


def _written(name: str, selectors: dict) -> str:
    chosen = ", ".join(f"{key} {value}" for key, value in selectors.items() if key != "model")
    return f"{name} ({chosen})" if chosen else name


def _against(other: Any) -> str:
    if isinstance(other, dict):
        return ", ".join(f"{key} {value}" for key, value in given(other).items())
    return other if isinstance(other, str) else f"{other:g}"
