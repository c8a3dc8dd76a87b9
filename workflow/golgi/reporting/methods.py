"""What a study did, as a paper would print it: three sentences, and one more for what goes beyond them."""

from typing import Any

import polars as pl

from golgi.figures.rows import counted, listed, share
from golgi.reporting.citations import ALIGNMENT, EXPERTS, GRAPHS, Work

# A sentence, taken apart where it cites: texts, and works.
Sentence = list[str | Work]

POOLED = {
    "max": "highest activation over the sentence's own tokens",
    "mean": "mean activation over the sentence's own tokens",
    "last": "activation at the sentence's last token",
}
SOURCES = {
    "templates": "written from templates",
    "corpus": "mined from text",
    "files": "read from files",
    "llm": "written by a language model",
}
CONTROLS = {
    "untrained": "in a twin of the model with random weights",
    "rotated": "in a random rotation of the basis",
    "shuffled": "with shuffled labels",
    "word": "with the concept's word masked in every sentence",
}
ACTIONS = {
    "force": "to their median response to its sentences",
    "zero": "to 0",
    "mean_negative": "to their mean response to other sentences",
}


def methods(
    settings: dict[str, Any], concepts: pl.DataFrame | None, models: list[str], works: dict[str, Work]
) -> list[Sentence]:
    """Return the sentences that say what was done: what was read, what compared, how it was tested.

    One more is added for checks of the experts, and one each for hierarchy, probes, interventions, graphs.
    `settings` are parts of the resolved spec (`experts`, `sentences`, `analyses`, `graphs`, `seed`) and the
    `threshold` of headline numbers; `concepts` the table of that name. A part that is missing is not told.
    """
    analyses = settings.get("analyses", {})
    told = [_read(settings, concepts, models), _compared(settings), _tested(settings)]
    told += [sentence for tell in FURTHER if (sentence := tell(analyses)) is not None]
    told += [_grown()] if settings.get("graphs") else []
    return [[works.get(part, part) for part in sentence] for sentence in told]


def _read(settings: dict[str, Any], concepts: pl.DataFrame | None, models: list[str]) -> Sentence:
    experts, threshold = settings.get("experts", {}), settings.get("threshold")
    sites = listed(experts.get("sites", [])) or "the site of the study"
    pooled = POOLED.get(experts.get("pooling"), "activation, pooled over the sentence's own tokens")
    level = "a threshold" if threshold is None else share(threshold)
    text = (
        f"A unit is a coordinate of {sites} in any layer of {listed(models) or 'a model'}, its response to a "
        f"sentence its {pooled}, and its expertise in a concept the average precision with which that "
        f"response separates {_numbers(settings.get('sentences', {}), concepts)}; units that reach {level} "
        "are experts of the concept ("
    )
    return [text, EXPERTS, ")."]


def _numbers(sentences: dict[str, Any], concepts: pl.DataFrame | None) -> str:
    source = SOURCES.get(next(iter(sentences.get("source", {})), None))
    about = f"sentences about it{f', {source},' if source else ''}"
    if concepts is None or concepts.is_empty():
        return f"{about} from others"
    chance = share(concepts["prevalence"].mean())
    return (
        f"{_span(concepts['positives'])} {about} from {_span(concepts['negatives'])} about the other "
        f"concepts ({counted(concepts.height, 'concept')}, chance {chance})"
    )


def _span(numbers: pl.Series) -> str:
    least, most = numbers.min(), numbers.max()
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _compared(settings: dict[str, Any]) -> Sentence:
    analyses = settings.get("analyses", {})
    controls = settings.get("experts", {}).get("controls", [])
    beside = [CONTROLS[control] for control in CONTROLS if control in controls]
    again = f"the same was measured {listed(beside)}" if beside else "no control was run"
    if "overlap" not in analyses:
        return [f"Experts were counted in each layer, concepts without any included, and {again}."]
    against = ["between pairs of one category and of two"] if "categories" in analyses else []
    against += _references(analyses)
    compared = f", compared {', and '.join(against)} (" if against else " ("
    text = f"The similarity of two concepts is the Jaccard overlap of their sets of experts{compared}"
    return [text, ALIGNMENT, f"), and {again}."]


def _references(analyses: dict[str, Any]) -> list[str]:
    given = analyses.get("alignment", {}).get("references", {})
    lexicon = [name for name, one in given.items() if one.get("lexicon")]
    people = [name for name in given if name not in lexicon]
    found = [f"people's ratings ({listed(people)})"] if people else []
    found += [f"attributes in the lexicon ({listed(lexicon)})"] if lexicon else []
    return [f"by Spearman's rank correlation with {listed(found)}"] if found else []


def _tested(settings: dict[str, Any]) -> Sentence:
    analyses = settings.get("analyses", {}).values()
    bootstraps = sorted({one["bootstraps"] for one in analyses if one and "bootstraps" in one})
    permutations = sorted({one["permutations"] for one in analyses if one and "permutations" in one})
    seed = settings.get("seed")
    seeded = "" if seed is None else f"; every random choice follows from the seed {seed}"
    if not bootstraps and not permutations:
        return [f"Numbers are means over all concepts, and no hypothesis was tested{seeded}."]
    said = [f"intervals are 95 % bootstrap intervals ({_many(bootstraps)} resamples)"] if bootstraps else []
    if permutations:
        families = "each family of planned tests" + (" and over all claims" if settings.get("claims") else "")
        said.append(
            f"p-values are one-sided unless it is said otherwise, (b + 1)/(m + 1) from m = "
            f"{_many(permutations)} permutations, and adjusted by Holm's method within {families}"
        )
    text = "; ".join(said)
    return [f"{text[0].upper()}{text[1:]}{seeded}."]


def _many(numbers: list[int]) -> str:
    return listed([f"{number:,}" for number in numbers])


def _firm(analyses: dict[str, Any]) -> Sentence | None:
    said = []
    if "discoveries" in analyses:
        given = analyses["discoveries"]
        said.append(
            f"counted under {given['shuffles']:,} shuffles of each concept's labels, with the share of false "
            f"discoveries held at {share(given['level'])} (Benjamini and Hochberg)"
        )
    if "stability" in analyses:
        said.append(f"sought anew in {analyses['stability']['folds']:,} disjoint folds of the sentences")
    if "sensitivity" in analyses:
        said.append("counted again with each choice of the study made otherwise")
    return [f"To see how firm they are, experts were {listed(said)}."] if said else None


def _hierarchy(analyses: dict[str, Any]) -> Sentence | None:
    if "hierarchy" not in analyses:
        return None
    return [
        "A category was scored as a concept on sentences of its other members, the containment of a "
        "concept's experts in its own category's was compared with that in others', and the tree that "
        "average linkage makes of overlap was compared with the lexicon's by cophenetic correlation."
    ]


def _distributed(analyses: dict[str, Any]) -> Sentence | None:
    if "distributed" not in analyses:
        return None
    given = analyses["distributed"]
    return [
        f"Linear probes of {_many(given['sizes'])} units were held against the best single unit on "
        f"{share(given['heldout'])} of the sentences, which neither had learned from."
    ]


def _interventions(analyses: dict[str, Any]) -> Sentence | None:
    if "interventions" not in analyses:
        return None
    given = analyses["interventions"]
    ways = listed([ACTIONS[action] for action in given["actions"]])
    chosen = given["concepts"]  # a number of them, or their names
    number = chosen if isinstance(chosen, int) else len(chosen)
    return [
        f"The {given['size']:,} best experts of {counted(number, 'concept')} were set {ways} at "
        "every token, and what became of the concept's word was compared with setting as many random units, "
        f"matched by layer and mean response, in {given['draws']:,} draws."
    ]


def _grown() -> Sentence:
    return [
        "A neuron graph holds the tokens on which a unit fires and the contexts that they need: it was grown "
        "backwards from windows of text in which the unit fires, pruned to the shortest context, weighed by "
        "saliency, augmented with substitutes, calibrated on random text, and scored by how well it "
        "foretells firing on text that it was not grown from (",
        GRAPHS,
        "; matching backtracks here, so that no path is missed).",
    ]


FURTHER = (_firm, _hierarchy, _distributed, _interventions)
