"""What the schema cannot say about the section `claims`: quantities and values that are not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from golgi.study.checked import Checked
from golgi.study.claim_rows import (
    UNTRAINED,
    claim_rows,
    claimed_models,
    given,
    headline_threshold,
    known_checkpoints,
    other_quantity,
    relation_of,
    sides,
)
from golgi.study.problems import Path, Problem, did_you_mean
from golgi.study.quantities import BASELINES, QUANTITIES, Quantity, Scale

SHOWN = 12
# Tables that hold one threshold, that of headline numbers, and no other.
AT_HEADLINE = ("overlap", "polysemy_sharing")


def claim_tables(claim: dict) -> list[str]:
    """Return the tables that a claim is tested on."""
    relation, other = relation_of(claim)
    quantity = QUANTITIES[claim["quantity"]]
    if quantity.way == "overlap":
        return ["overlap", "concepts"]
    if quantity.way == "alignment":
        return ["alignment" if relation == "exceeds" and other == 0 else "alignment_pairs"]
    against = other_quantity(claim)
    return list(dict.fromkeys([quantity.table, *([QUANTITIES[against].table] if against else [])]))


def claimed_tables(spec: dict) -> list[str]:
    """Return the tables that the claims of a study are tested on, each once."""
    return list(dict.fromkeys(table for claim in spec["claims"].values() for table in claim_tables(claim)))


def claim_problems(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for everything in a claim that the study cannot test, the first kind that it meets."""
    for name, claim in checked.spec["claims"].items():
        if _rests_on_broken_graphs(checked, claim):
            continue
        for check in (_form, _kind, _fields, _values, _rows):
            found = list(check(checked, name, claim))
            yield from found
            if found:
                break


def _rests_on_broken_graphs(checked: Checked, claim: dict) -> bool:
    quantity = QUANTITIES.get(claim["quantity"])
    broken = "graphs" in checked.document.data and "graphs" not in checked.spec
    return broken and quantity is not None and quantity.analysis == "graphs"


def _form(checked: Checked, name: str, claim: dict) -> Iterator[Problem]:
    """Known quantities, and exactly one thing to compare with."""
    there = [side for side in ("exceeds", "below") if claim[side] is not None]
    if claim["quantity"] not in QUANTITIES:
        yield _unknown(checked, ("claims", name, "quantity"), claim["quantity"])
    if len(there) != 1:
        message = "name what it `exceeds`, or what it stays `below`; exactly one of them is wanted."
        yield checked.problem(("claims", name), message)
    for side in there:
        if isinstance(claim[side], str) and claim[side] not in QUANTITIES:
            yield _unknown(checked, ("claims", name, side), claim[side])


def _unknown(checked: Checked, path: Path, name: str) -> Problem:
    message = f"`{name}` is nothing that claims can be about.{did_you_mean(name, QUANTITIES)}"
    return checked.problem(path, f"{message} There are: {', '.join(QUANTITIES)}.")


def _kind(checked: Checked, name: str, claim: dict) -> Iterator[Problem]:
    """Analyses that are there, and sides that can be compared."""
    relation, other = relation_of(claim)
    quantity, path = QUANTITIES[claim["quantity"]], ("claims", name, relation)
    named = {("claims", name, "quantity"): claim["quantity"]} | (
        {path: other} if isinstance(other, str) else {}
    )
    for place, one in named.items():
        if not _analysed(checked, QUANTITIES[one].analysis):
            yield checked.problem(place, f"`{one}` needs {_section(one)}, which this study does not have.")
    yield from _categories(checked, ("claims", name, "quantity"), quantity)
    if isinstance(other, str) and not _alike(quantity, QUANTITIES[other], claim["of"]["outcome"]):
        yield checked.problem(
            path, f"{_described(claim['quantity'])} cannot be compared with {_described(other)}."
        )
    elif isinstance(other, dict) and _scale(quantity, claim["of"]) != _scale(
        quantity, claim["of"] | given(other)
    ):
        yield checked.problem(
            (*path, "outcome"), "counted in another unit than the outcome of the claim itself."
        )
    elif quantity.way == "printed" and (other, relation) != (quantity.only_against, "exceeds"):
        wanted = quantity.only_against
        message = f"`{claim['quantity']}` is tested against {wanted} alone, as in `exceeds: {wanted}`."
        if wanted is None:
            message = f"`{claim['quantity']}` is what others are compared with; nothing tests it by itself."
        yield checked.problem(path, message)


def _analysed(checked: Checked, analysis: str | None) -> bool:
    return (
        analysis is None
        or analysis in checked.spec["analyses"]
        or (analysis == "graphs" and "graphs" in checked.spec)
    )


def _section(name: str) -> str:
    analysis = QUANTITIES[name].analysis
    return "`graphs`" if analysis == "graphs" else f"`analyses.{analysis}`"


def _described(name: str) -> str:
    scale = QUANTITIES[name].scale_at(None)
    return f"`{name}` ({scale.unit}, over {QUANTITIES[name].replication})"


def _alike(one: Quantity, other: Quantity, outcome: str | None) -> bool:
    return one.scale_at(outcome) == other.scale_at(outcome) and (one.way, one.items) == (
        other.way,
        other.items,
    )


def _scale(quantity: Quantity, selectors: dict) -> Scale:
    return quantity.scale_at(selectors["outcome"])


def _categories(checked: Checked, path: Path, quantity: Quantity) -> Iterator[Problem]:
    if quantity.way != "overlap" or checked.lexicon is None:
        return
    sizes = Counter(concept.category for concept in checked.concepts)
    if len(sizes) < 2 or max(sizes.values()) < 2:
        yield checked.problem(path, "needs at least two categories, one of them with two concepts.")


def _fields(checked: Checked, name: str, claim: dict) -> Iterator[Problem]:
    """Selectors that the quantity knows, in `of` and in the other side."""
    relation, other = relation_of(claim)
    known = QUANTITIES[claim["quantity"]].selectors
    either = {*known, *(QUANTITIES[other].selectors if isinstance(other, str) else ())}
    groups = {"of": (claim["of"], either), relation: (other if isinstance(other, dict) else {}, known)}
    for group, (selectors, allowed) in groups.items():
        for key in given(selectors):
            if key not in allowed:
                message = f"`{claim['quantity']}` knows no `{key}`; it knows: {', '.join(known)}."
                yield checked.document.problem(("claims", name, group, key), message, at_key=True)


def _values(checked: Checked, name: str, claim: dict) -> Iterator[Problem]:
    """Models, controls, thresholds and the like that the study has."""
    relation, other = relation_of(claim)
    for group, selectors in (("of", claim["of"]), (relation, other if isinstance(other, dict) else {})):
        for key, value in given(selectors).items():
            allowed = _allowed(checked, QUANTITIES[claim["quantity"]], key)
            if allowed is not None and value not in allowed:
                yield checked.problem(("claims", name, group, key), _not_there(key, value, allowed))
    quantity = QUANTITIES[claim["quantity"]]
    references = checked.spec["analyses"].get("alignment", {}).get("references", {})
    if "reference" in quantity.selectors and len(references) > 1 and claim["of"]["reference"] is None:
        message = f"name one of the study's references: {', '.join(references)}."
        yield checked.problem(("claims", name, "of", "reference"), message)


def _allowed(checked: Checked, quantity: Quantity, selector: str) -> list | None:
    """The values of a selector that the study has; None where any is possible or models differ."""
    spec = checked.spec
    analysis = spec["analyses"].get(quantity.analysis, {})
    if selector == "model":
        return list(spec["models"])
    if selector == "control":
        there = ["measured", *spec["experts"]["controls"], *BASELINES]
        return [control for control in quantity.controls if control in there]
    if selector == "threshold":
        return [headline_threshold(spec)] if quantity.table in AT_HEADLINE else spec["experts"]["thresholds"]
    if selector == "text":
        return ["test", *(["shifted"] if spec["graphs"]["corpora"]["shifted"] else [])]
    fields = {"reference": "references", "size": "sizes", "action": "actions"}
    fields |= {"positives": "positives", "negatives": "negatives"}
    return list(analysis[fields[selector]]) if fields.get(selector) in analysis else None


def _not_there(selector: str, value: Any, allowed: list) -> str:
    near = did_you_mean(value, allowed) if isinstance(value, str) else ""
    more = ", ..." if len(allowed) > SHOWN else ""
    listed = ", ".join(map(str, allowed[:SHOWN]))
    return f"no {selector} {value} is known here.{near} There are: {listed}{more}."


def _rows(checked: Checked, name: str, claim: dict) -> Iterator[Problem]:
    """Checkpoints and layers that each model has, and two sides that differ."""
    found = [
        problem
        for model in claimed_models(checked.spec, claim)
        for problem in _of_model(checked, name, claim, model)
    ]
    yield from dict.fromkeys(found)
    if not found and not list(claim_rows(checked.spec, name, claim)):
        message = "nothing to compare: both sides are the same for every model that has this quantity."
        yield checked.problem(("claims", name), message)


def _of_model(checked: Checked, name: str, claim: dict, model: str) -> Iterator[Problem]:
    relation, other = relation_of(claim)
    chosen = given(claim["of"]) | {"model": model}
    groups = {"of": chosen}
    if isinstance(other, dict):
        groups[relation] = chosen | given(other)
    for group, selectors in groups.items():
        written = claim["of"] if group == "of" else other
        quantity = QUANTITIES[claim["quantity"]]
        yield from _checkpoint(checked, ("claims", name, group, "checkpoint"), quantity, selectors, written)
        yield from _layer(checked, ("claims", name, group, "layer"), selectors)
    if "alignment_pairs" in claim_tables(claim):
        yield from _pairs(checked, name, claim, model)


def _checkpoint(
    checked: Checked, path: Path, quantity: Quantity, selectors: dict, written: dict
) -> Iterator[Problem]:
    model, wanted = selectors["model"], selectors.get("checkpoint", "last")
    there = known_checkpoints(checked.spec, quantity, model)
    wanted = {"first": checked.spec["models"][model]["checkpoints"][0], "last": there[-1:]}.get(
        wanted, wanted
    )
    if written["checkpoint"] is not None and selectors.get("control") == UNTRAINED:
        yield checked.problem(path, "the untrained twin has no checkpoints; leave it out.")
    elif not there:
        yield checked.problem((*path[:-1], "model"), f"`{model}` has no checkpoint with this quantity.")
    elif wanted != there[-1:] and str(wanted) not in there:
        more = ", ..." if len(there) > SHOWN else ""
        known = f"it is known at: {', '.join(there[:SHOWN])}{more}."
        yield checked.problem(path, f"`{model}` has no such value at checkpoint {wanted}; {known}")


def _layer(checked: Checked, path: Path, selectors: dict) -> Iterator[Problem]:
    shape = checked.declared[selectors["model"]]
    layer = selectors.get("layer")
    if shape and layer is not None and layer >= shape.layers:
        message = f"`{selectors['model']}` has no layer {layer}; its layers are 0 to {shape.layers - 1}."
        yield checked.problem(path, message)


def _pairs(checked: Checked, name: str, claim: dict, model: str) -> Iterator[Problem]:
    """Two alignments are compared over the same words, which needs the pairs of both."""
    relation, _ = relation_of(claim)
    headline = headline_threshold(checked.spec)
    for group, side in zip(("of", relation), sides(checked.spec, claim, model), strict=True):
        where = side["where"] if isinstance(side, dict) else {}
        last = str(checked.spec["models"][where.get("model", model)]["checkpoints"][-1])
        wrong = [
            f"control {where['control']}" if where.get("control") in BASELINES else "",
            f"checkpoint {where['checkpoint']}"
            if where.get("checkpoint", last) not in (last, UNTRAINED)
            else "",
            f"threshold {where['threshold']}" if where.get("threshold", headline) != headline else "",
        ]
        if any(wrong):
            message = (
                f"the rated pairs of {', '.join(filter(None, wrong))} are not kept, and without them "
                "alignment can only be claimed to exceed 0. They are kept of the experts and their controls "
                f"at the last checkpoint ({last} of `{where['model']}`) and threshold {headline}."
            )
            yield checked.problem(("claims", name, group), message)
