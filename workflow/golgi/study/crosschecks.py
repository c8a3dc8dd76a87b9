"""What the schema cannot say: fields that contradict each other, the lexicon or the files they name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath

from golgi.study import analysis_checks, claims, graph_checks, writing_checks, writing_warnings
from golgi.study.checked import Checked
from golgi.study.lexicon import unknown_names
from golgi.study.problems import Path, Problem, did_you_mean
from golgi.study.ratings import FEWEST_PAIRS, too_few_pairs

CHANCE_DEVIATIONS = 4
HINTED = 50  # names whose nearest is looked for: more are not read, and looking takes time
# Windows opens a device in place of a file of this name, whatever its ending.
DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


Check = Callable[[Checked], Iterator[Problem]]


def crosscheck(checked: Checked) -> tuple[list[Problem], list[Problem]]:
    """Return problems and warnings of the sections that are in form."""
    return _run(ERRORS, checked), _run(WARNINGS, checked)


def _run(checks: dict[Check, set[str]], checked: Checked) -> list[Problem]:
    there = set(checked.spec) | ({"lexicon"} if checked.lexicon else set())
    return [problem for check, needs in checks.items() if needs <= there for problem in check(checked)]


def chance_line(positives: int, negatives: int) -> tuple[float, float]:
    """Return mean and standard deviation of average precision under chance.

    The mean is the prevalence p, the deviation close to p sqrt((1 - p) / N+): .286 and .012 at 400 positives
    against 1000 negatives. Simulation agrees within a tenth from 25 positives and a prevalence of .25 on.
    """
    prevalence = positives / (positives + negatives)
    return prevalence, prevalence * math.sqrt((1 - prevalence) / positives)


def _model_names(checked: Checked) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name in checked.spec["models"]:
        other = first.setdefault(name.lower(), name)
        if other != name:
            message = f"differs from `{other}` only in capitals; some disks cannot tell their folders apart."
            yield checked.document.problem(("models", name), message, at_key=True)


def _portable_names(checked: Checked) -> Iterator[Problem]:
    spec = checked.spec
    references = spec["analyses"].get("alignment", {}).get("references", {})
    paths = [("models", name) for name in spec["models"]]
    paths += [("analyses", "alignment", "references", name) for name in references]
    for path in [("study",), *paths]:
        name = path[-1] if path[1:] else spec["study"]
        if DEVICES.fullmatch(name) or name.endswith("."):
            message = f"`{name}` cannot be the name of a folder on Windows, and results are to be passed on."
            yield checked.document.problem(path, message, at_key=len(path) > 1)


def _trained_models(checked: Checked) -> Iterator[Problem]:
    for name, model in checked.spec["models"].items():
        training = model["source"].get("train")
        if not training:
            continue
        yield from _training_shape(checked, ("models", name, "source", "train"), training)
        yield from _training_steps(
            checked, ("models", name, "checkpoints"), model["checkpoints"], training["steps"]
        )
        written = checked.document.data["models"][name]["source"]["train"]
        if training["documents"] is None and "documents" in written:
            path = ("models", name, "source", "train", "documents")
            yield checked.problem(
                path, "only texts of the `microworld` are written; your own corpus is read whole."
            )


def _training_shape(checked: Checked, path: Path, training: dict) -> Iterator[Problem]:
    width, heads = training["width"], training["heads"]
    if width % heads:
        yield checked.problem((*path, "heads"), f"{heads} heads do not divide a width of {width}.")
    elif (width // heads) % 2:
        share = width // heads
        message = (
            f"{heads} heads of a width of {width} get {share} each; rotary positions need an even number."
        )
        yield checked.problem((*path, "heads"), message)


def _training_steps(checked: Checked, path: Path, checkpoints: list, steps: int) -> Iterator[Problem]:
    if checkpoints == ["final"]:
        message = f"missing. Name the training steps to read, for instance [0, {steps}]."
        yield checked.problem(path, message)
        return
    for number, step in enumerate(checkpoints):
        if step > steps:
            yield checked.problem((*path, number), f"{step} is beyond the training's {steps} steps.")


def _checkpoint_patterns(checked: Checked) -> Iterator[Problem]:
    for name, model in checked.spec["models"].items():
        key = {"hub": "revision", "directory": "folder"}.get(next(iter(model["source"])))
        if key and model["checkpoints"] != ["final"] and "{step}" not in model["source"][key]:
            message = "the same for every checkpoint. `{step}` stands for the step, as in `step{step}`."
            yield checked.problem(("models", name, "source", key), message)


def _pythia_steps(checked: Checked) -> Iterator[Problem]:
    there = sorted({0, *(2**power for power in range(10)), *range(1000, 144000, 1000)})
    for name, model in checked.spec["models"].items():
        hub = model["source"].get("hub", "")
        if not hub.lower().startswith("eleutherai/pythia-") or model["checkpoints"] == ["final"]:
            continue
        for number, step in enumerate(model["checkpoints"]):
            if step not in there:
                nearest = min(there, key=lambda other: (abs(other - step), other))
                message = f"{hub} has no step {step}; the nearest is {nearest}."
                yield checked.problem(("models", name, "checkpoints", number), message)


def _known_concepts(checked: Checked) -> Iterator[Problem]:
    chosen, lexicon = checked.spec["concepts"], checked.lexicon
    names = {"categories": [one.name for one in lexicon.categories], "only": list(lexicon.by_name)}
    unknown = 0
    for field, known in names.items():
        for number in unknown_names(chosen[field], known):
            unknown += 1
            word = chosen[field][number]
            kind = "category" if field == "categories" else "concept"
            hint = did_you_mean(word, known) if unknown <= HINTED else ""
            message = f"`{word}` is not a {kind} of {lexicon.file}.{hint}"
            yield checked.problem(("concepts", field, number), message)
    if unknown:
        return
    there = [concept.name for concept in checked.concepts]
    for number in unknown_names(chosen["only"], there):
        message = f"`{chosen['only'][number]}` is in none of the categories chosen."
        yield checked.problem(("concepts", "only", number), message)
    if len(there) < 2:
        message = f"{len(there)} concept{'' if len(there) == 1 else 's'}; a study compares at least 2."
        yield checked.problem(("concepts",), message)


def _enough_negatives(checked: Checked) -> Iterator[Problem]:
    sentences, others = checked.spec["concepts"]["sentences"], len(checked.concepts) - 1
    available = sentences["positives"] * others
    if others >= 1 and sentences["negatives"] > available:
        message = (
            f"{sentences['negatives']} negatives, but the other {others} concepts have only "
            f"{available} sentences ({sentences['positives']} each)."
        )
        yield checked.problem(("concepts", "sentences", "negatives"), message)


def _lexicon_reference(checked: Checked) -> Iterator[Problem]:
    alignment = checked.spec["analyses"].get("alignment", {"references": {}})
    bare, pairs = _without_attributes(checked), math.comb(len(checked.concepts), 2)
    for name, reference in alignment["references"].items():
        path = ("analyses", "alignment", "references", name)
        if "lexicon" in reference and bare:
            yield checked.problem(path, f"needs attributes in {checked.lexicon.file}; without any: {bare}.")
        if "lexicon" in reference and pairs < FEWEST_PAIRS:
            yield checked.problem(path, too_few_pairs(f"{len(checked.concepts)} concepts make", pairs))


def _templates_need_attributes(checked: Checked) -> Iterator[Problem]:
    bare = _without_attributes(checked)
    if bare and "templates" in checked.spec["concepts"]["sentences"]["source"]:
        message = f"templates tell of attributes, and {checked.lexicon.file} has none for: {bare}."
        yield checked.problem(("concepts", "sentences", "source"), message)


def _without_attributes(checked: Checked) -> str:
    bare = [concept.name for concept in checked.concepts if not concept.attributes]
    return ", ".join(bare[:5]) + (f" and {len(bare) - 5} more" if len(bare) > 5 else "")


def _chance(checked: Checked) -> Iterator[Problem]:
    sentences = checked.spec["concepts"]["sentences"]
    mean, deviation = chance_line(sentences["positives"], sentences["negatives"])
    limit = mean + CHANCE_DEVIATIONS * deviation
    for number, threshold in enumerate(checked.spec["experts"]["thresholds"]):
        if threshold < limit:
            message = (
                f"{threshold} is near what chance gives with {sentences['positives']} positives and "
                f"{sentences['negatives']} negatives ({mean:.3f} +- {deviation:.3f}): units unrelated to a "
                f"concept will pass. Take more negatives, or thresholds above {limit:.2f}."
            )
            yield checked.problem(("experts", "thresholds", number), message)


def _file_name(checked: Checked) -> Iterator[Problem]:
    stem, name = FilePath(checked.document.file).stem, checked.spec["study"]
    if stem != name:
        yield checked.problem(
            ("study",), f"the file is called {stem}, the study {name}; results go to results/{name}."
        )


def _graph_windows(checked: Checked) -> Iterator[Problem]:
    yield from graph_checks.windows_fit(checked, checked.declared)


def _graph_units(checked: Checked) -> Iterator[Problem]:
    yield from graph_checks.units_there(checked, checked.declared)[0]


def _graph_units_of_some(checked: Checked) -> Iterator[Problem]:
    yield from graph_checks.units_there(checked, checked.declared)[1]


GRAPHS_AND_MODELS = {"graphs", "models", "experts"}
ERRORS: dict[Check, set[str]] = {
    _model_names: {"models"},
    _portable_names: {"study", "models", "analyses"},
    _trained_models: {"models"},
    _checkpoint_patterns: {"models"},
    _pythia_steps: {"models"},
    _known_concepts: {"concepts", "lexicon"},
    _enough_negatives: {"concepts", "lexicon"},
    analysis_checks.threshold_known: {"analyses", "experts"},
    analysis_checks.overlap_beside: {"analyses"},
    analysis_checks.enough_categories: {"analyses", "concepts", "lexicon"},
    analysis_checks.folds_fit: {"analyses", "concepts"},
    analysis_checks.probes_fit: {"analyses", "experts", "models"},
    analysis_checks.action_size_known: {"analyses"},
    analysis_checks.acted_concepts_known: {"analyses", "concepts", "lexicon"},
    analysis_checks.written_text_needs_attributes: {"analyses", "lexicon"},
    analysis_checks.alternatives_differ: {"analyses", "concepts", "experts"},
    _lexicon_reference: {"analyses", "concepts", "lexicon"},
    _templates_need_attributes: {"concepts", "lexicon"},
    writing_checks.prompts_in_order: {"concepts", "lexicon"},
    writing_checks.bounds_in_order: {"concepts"},
    writing_checks.language_known: {"concepts"},
    writing_checks.keys_meant: {"concepts"},
    writing_checks.transcripts_of_others: {"concepts", "study"},
    claims.claim_problems: {"claims", "models", "experts", "analyses", "concepts"},
    graph_checks.units_named: {"graphs"},
    graph_checks.models_known: {"graphs", "models"},
    graph_checks.checkpoints_known: GRAPHS_AND_MODELS,
    graph_checks.texts_apart: {"graphs"},
    graph_checks.microworld_needs_attributes: {"graphs", "lexicon"},
    _graph_windows: GRAPHS_AND_MODELS,
    _graph_units: GRAPHS_AND_MODELS,
}
WARNINGS: dict[Check, set[str]] = {
    _chance: {"concepts", "experts"},
    _file_name: {"study"},
    graph_checks.models_without_graphs: GRAPHS_AND_MODELS,
    graph_checks.sentences_apart: {"graphs", "concepts"},
    graph_checks.shifted_missing: {"graphs"},
    _graph_units_of_some: GRAPHS_AND_MODELS,
    writing_warnings.first_senses_meant: {"concepts", "lexicon"},
    writing_warnings.glosses_name_no_others: {"concepts", "lexicon"},
    writing_warnings.forms_that_count: {"concepts", "lexicon"},
    writing_warnings.prompts_tell_enough: {"concepts"},
    writing_warnings.prompts_in_the_language: {"concepts"},
    writing_warnings.prompts_not_swapped: {"concepts"},
    writing_warnings.writer_stays: {"concepts"},
    writing_warnings.transcripts_at_rest: {"concepts"},
    writing_warnings.keys_kept: {"concepts"},
    writing_warnings.replies_can_differ: {"concepts"},
    writing_warnings.replies_have_room: {"concepts"},
}
