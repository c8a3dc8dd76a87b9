"""What the schema cannot say about the section `graphs`: units, checkpoints and texts that are not there."""

from __future__ import annotations

from collections.abc import Iterator

from golgi.study.checked import Checked
from golgi.study.graphs import LONGEST_WINDOW, chosen_checkpoints, same_text
from golgi.study.problems import Path, Problem, did_you_mean
from golgi.study.shapes import Shape

SHOWN_CHECKPOINTS = 12
CORPORA = ("graphs", "corpora")
Shapes = dict[str, Shape | None]


def units_named(checked: Checked) -> Iterator[Problem]:
    """Yield a problem where no units are chosen, or a number to draw without layers to draw from."""
    units, path = checked.spec["graphs"]["units"], ("graphs", "units")
    if not (units["layers"] or units["list"] or "experts" in units):
        yield checked.problem(path, "name at least one of `experts`, `layers` and `list`.")
    elif "sample" in checked.document.data["graphs"]["units"] and not units["layers"]:
        yield checked.problem((*path, "sample"), "units are drawn from `layers`, and none are named.")


def models_known(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for each unit of a model that the study does not have."""
    models = checked.spec["models"]
    for number, unit in enumerate(checked.spec["graphs"]["units"]["list"]):
        if unit["model"] is not None and unit["model"] not in models:
            near = did_you_mean(unit["model"], models)
            message = f"the study has no model `{unit['model']}`.{near}"
            yield checked.problem(("graphs", "units", "list", number, "model"), message)


def checkpoints_known(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for each checkpoint that no model has."""
    choice = checked.spec["graphs"]["checkpoints"]
    there = list(dict.fromkeys(one for name in checked.spec["models"] for one in _checkpoints(checked, name)))
    for number, one in enumerate([] if isinstance(choice, str) else choice):
        if str(one) in there:
            continue
        message = "no untrained twin is read; it is where `untrained` is among experts.controls."
        if one != "untrained":
            more = ", ..." if len(there) > SHOWN_CHECKPOINTS else ""
            message = (
                f"no model has checkpoint {one}. There are: {', '.join(there[:SHOWN_CHECKPOINTS])}{more}."
            )
        yield checked.problem(("graphs", "checkpoints", number), message)


def models_without_graphs(checked: Checked) -> Iterator[Problem]:
    """Yield a warning for each model none of whose checkpoints is chosen."""
    growing = _growing(checked)
    for name in checked.spec["models"]:
        if growing and name not in growing:
            message = f"`{name}` has none of these checkpoints and gets no graphs."
            yield checked.problem(("graphs", "checkpoints"), message)


def texts_apart(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for each text that would be built from and scored on alike."""
    corpora = checked.spec["graphs"]["corpora"]
    if not same_text(corpora["build"], corpora["test"]):
        for path, name in _shared(corpora, "test", "build"):
            message = (
                f"{name} is among the texts of `build` too. Name the same texts for both (one document in "
                "ten is then kept for the test), or none of them twice."
            )
            yield checked.problem(path, message)
    for part in ("build", "test"):
        for path, name in _shared(corpora, "shifted", part):
            message = f"{name} is a text of `{part}`; shifted text comes from another source."
            yield checked.problem(path, message)


def microworld_needs_attributes(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for each text that is to be written from a lexicon that lacks what to write."""
    bare = [concept.name for concept in checked.lexicon.by_name.values() if not concept.attributes]
    for part, text in checked.spec["graphs"]["corpora"].items():
        if bare and text == "microworld":
            listed = ", ".join(bare[:5]) + (f" and {len(bare) - 5} more" if len(bare) > 5 else "")
            message = f"microworld tells of attributes, and {checked.lexicon.file} has none for: {listed}."
            yield checked.problem((*CORPORA, part), message)


def sentences_apart(checked: Checked) -> Iterator[Problem]:
    """Yield a warning where the study's sentences were mined from the text that graphs are grown from."""
    corpora, source = checked.spec["graphs"]["corpora"], checked.spec["concepts"]["sentences"]["source"]
    mined, build = source.get("corpus", []), corpora["build"]
    shared = [file for file in build if file in mined] if isinstance(build, list) else []
    for part in ("test", "shifted"):
        if shared and corpora[part] == "sentences":
            message = f"the study's sentences come from {shared[0]}, which graphs are grown from."
            yield checked.problem((*CORPORA, part), message)


def shifted_missing(checked: Checked) -> Iterator[Problem]:
    """Yield a warning where nothing will say whether graphs hold outside their distribution."""
    if not checked.spec["graphs"]["corpora"]["shifted"]:
        message = "missing; without text from another source, nothing says whether graphs hold elsewhere."
        yield checked.problem((*CORPORA, "shifted"), message)


def windows_fit(checked: Checked, shapes: Shapes) -> Iterator[Problem]:
    """Yield a problem for each model whose context is too short for the window, or the window for the cap."""
    graphs, path = checked.spec["graphs"], ("graphs",)
    if graphs["window"] is not None and graphs["cap"] > graphs["window"]:
        yield checked.problem((*path, "cap"), f"{graphs['cap']} is more than a window of {graphs['window']}.")
    for name in _growing(checked):
        context = shapes[name].context if shapes[name] else None
        if context is None:
            continue
        bos = checked.spec["models"][name]["bos"]
        room, with_bos = context - bos, " and a begin-of-sequence token" if bos else ""
        if graphs["window"] is None and graphs["cap"] > min(LONGEST_WINDOW, room):
            message = (
                f"{graphs['cap']} is more than the window of `{name}`, {min(LONGEST_WINDOW, room)} tokens."
            )
            yield checked.problem((*path, "cap"), message)
        elif graphs["window"] is not None and graphs["window"] > room:
            message = f"{graphs['window']} tokens{with_bos} do not fit `{name}`, whose context is {context}."
            yield checked.problem((*path, "window"), message)


def units_there(checked: Checked, shapes: Shapes) -> tuple[list[Problem], list[Problem]]:
    """Return problems for layers and units that no model has, warnings for those that only some have."""
    problems, warnings = [], []
    units, growing = checked.spec["graphs"]["units"], _growing(checked)
    wanted = [
        (("graphs", "units", "layers", number), {"layer": layer, "unit": None}, growing)
        for number, layer in enumerate(units["layers"] if isinstance(units["layers"], list) else [])
    ]
    wanted += [
        (("graphs", "units", "list", number), unit, [one for one in growing if unit["model"] in (None, one)])
        for number, unit in enumerate(units["list"])
    ]
    for path, unit, names in wanted:
        lacking = [name for name in names if shapes[name] and not _has(shapes[name], unit)]
        found = problems if len(lacking) == len(names) else warnings
        found += [checked.problem(path, _not_there(name, shapes[name], unit)) for name in lacking]
    return problems, warnings


def _has(shape: Shape, unit: dict) -> bool:
    in_layer = unit["unit"] is None or unit["unit"] < shape.width_of(unit["site"])
    return unit["layer"] < shape.layers and in_layer


def _not_there(name: str, shape: Shape, unit: dict) -> str:
    if unit["layer"] >= shape.layers:
        return f"`{name}` has no layer {unit['layer']}; its layers are 0 to {shape.layers - 1}."
    last = shape.width_of(unit["site"]) - 1
    return f"`{name}` has no unit {unit['unit']} at {unit['site']}; its units are 0 to {last}."


def _growing(checked: Checked) -> list[str]:
    choice = checked.spec["graphs"]["checkpoints"]
    return [
        name for name in checked.spec["models"] if chosen_checkpoints(choice, _checkpoints(checked, name))
    ]


def _checkpoints(checked: Checked, name: str) -> list[str]:
    twin = [one for one in checked.spec["experts"]["controls"] if one == "untrained"]
    return [*map(str, checked.spec["models"][name]["checkpoints"]), *twin]


def _named(part: str, texts: str | list[str] | None) -> Iterator[tuple[Path, str]]:
    if isinstance(texts, list):
        for number, name in enumerate(texts):
            yield (*CORPORA, part, number), name
    elif texts:
        yield (*CORPORA, part), texts


def _shared(corpora: dict, part: str, other: str) -> Iterator[tuple[Path, str]]:
    others = [name for _, name in _named(other, corpora[other])]
    return ((path, name) for path, name in _named(part, corpora[part]) if name in others)
