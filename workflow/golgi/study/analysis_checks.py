"""What the schema cannot say about the section `analyses`: what does not fit the study's own choices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from golgi.study.checked import Checked
from golgi.study.problems import Problem, did_you_mean

SENTENCES = ("positives", "negatives")
ALTERNATIVES = ("poolings", "sites", "bos", *SENTENCES)


def overlap_beside(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for each analysis of overlaps without the analysis that gives their threshold."""
    for name in ("categories", "hierarchy", "alignment"):
        if name in checked.spec["analyses"] and "overlap" not in checked.spec["analyses"]:
            yield checked.problem(("analyses", name), "needs `overlap` beside it, which gives the threshold.")


def threshold_known(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for a headline threshold at which nothing is counted."""
    overlap, thresholds = checked.spec["analyses"].get("overlap"), checked.spec["experts"]["thresholds"]
    if overlap and overlap["threshold"] not in thresholds:
        listed = ", ".join(map(str, thresholds))
        message = f"{overlap['threshold']} is not among experts.thresholds ({listed})."
        yield checked.problem(("analyses", "overlap", "threshold"), message)


def enough_categories(checked: Checked) -> Iterator[Problem]:
    """Yield a problem where concepts of one category cannot be told from concepts of two."""
    sizes = Counter(concept.category for concept in checked.concepts)
    pairs = sum(size > 1 for size in sizes.values())
    if "categories" in checked.spec["analyses"] and (len(sizes) < 2 or not pairs):
        message = "needs at least two categories, one of them with two concepts."
        yield checked.problem(("analyses", "categories"), message)
    if "hierarchy" in checked.spec["analyses"] and pairs < 2:
        message = "needs at least two categories of two concepts or more: a category is known by the others."
        yield checked.problem(("analyses", "hierarchy"), message)


def folds_fit(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for each size of a fold of which there are not as many sentences as folds."""
    stability, sentences = checked.spec["analyses"].get("stability"), checked.spec["concepts"]["sentences"]
    for kind in SENTENCES if stability else ():
        most = sentences[kind] // stability["folds"]
        for number, size in enumerate(stability[kind]):
            if size > most:
                written = checked.document.data["analyses"]["stability"].get(kind)
                path = ("analyses", "stability", *((kind, number) if written else ("folds",)))
                message = (
                    f"{stability['folds']} disjoint folds of {size} {kind} are more than the "
                    f"{sentences[kind]} of each concept; at most {most} a fold."
                )
                yield checked.problem(path, message)


def probes_fit(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for each model known to have fewer units than the smallest probe reads."""
    sizes = checked.spec["analyses"].get("distributed", {"sizes": [1]})["sizes"]
    for name, shape in checked.declared.items():
        units = shape.layers * shape.units(checked.spec["experts"]["sites"]) if shape else max(sizes)
        if min(sizes) > units:
            message = f"{min(sizes)} units, but `{name}` has {units}."
            yield checked.problem(("analyses", "distributed", "sizes", 0), message)


def action_size_known(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for a headline number of units that is not acted on."""
    interventions = checked.spec["analyses"].get("interventions")
    if interventions and interventions["size"] not in interventions["sizes"]:
        listed = ", ".join(map(str, interventions["sizes"]))
        path = ("analyses", "interventions", "size")
        yield checked.problem(path, f"{interventions['size']} is not among `sizes` ({listed}).")


def acted_concepts_known(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for each concept to act on that the study does not have."""
    if "interventions" not in checked.spec["analyses"]:
        return
    wanted = checked.spec["analyses"]["interventions"]["concepts"]
    there = [concept.name for concept in checked.concepts]
    path = ("analyses", "interventions", "concepts")
    for number, name in enumerate(wanted if isinstance(wanted, list) else []):
        if name not in there:
            message = f"the study has no concept `{name}`.{did_you_mean(name, there)}"
            yield checked.problem((*path, number), message)
    written = "concepts" in checked.document.data["analyses"]["interventions"]
    if written and isinstance(wanted, int) and wanted > len(there):
        yield checked.problem(path, f"{wanted} concepts, but the study has {len(there)}.")


def written_text_needs_attributes(checked: Checked) -> Iterator[Problem]:
    """Yield a problem where text is to be written from a lexicon that lacks what to write."""
    bare = [concept.name for concept in checked.lexicon.by_name.values() if not concept.attributes]
    if bare and checked.spec["analyses"].get("interventions", {}).get("text") == "microworld":
        listed = ", ".join(bare[:5]) + (f" and {len(bare) - 5} more" if len(bare) > 5 else "")
        message = (
            f"microworld tells of attributes, and {checked.lexicon.file} has none for: {listed}. "
            "Name texts of your own."
        )
        yield checked.problem(("analyses", "interventions", "text"), message)


def alternatives_differ(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for each alternative that is the study's own choice, or more than it has."""
    sensitivity, experts = checked.spec["analyses"].get("sensitivity"), checked.spec["experts"]
    if not sensitivity:
        return
    own = {"poolings": [experts["pooling"]], "sites": experts["sites"] if len(experts["sites"]) == 1 else []}
    for field, taken in own.items():
        written = checked.document.data["analyses"]["sensitivity"].get(field, [])
        for number, choice in enumerate(written):
            if choice in taken:
                message = f"`{choice}` is what the study does anyway; name others."
                yield checked.problem(("analyses", "sensitivity", field, number), message)
    if not any(sensitivity[field] for field in ALTERNATIVES) and len(experts["thresholds"]) == 1:
        message = "names nothing to do otherwise, and `experts.thresholds` has one threshold alone."
        yield checked.problem(("analyses", "sensitivity"), message)
    sentences = checked.spec["concepts"]["sentences"]
    for kind in SENTENCES:
        for number, size in enumerate(sensitivity[kind] or ()):
            if size >= sentences[kind]:
                message = f"{size} is not less than the study's {sentences[kind]} {kind}."
                yield checked.problem(("analyses", "sensitivity", kind, number), message)
