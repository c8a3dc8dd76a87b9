"""Claims in a study: what is refused, in which words, and the rows that are left to test."""

import pytest

from golgi.study import StudyError, load_study
from golgi.study.checked import Checked
from golgi.study.claim_rows import settled_claims
from golgi.study.claims import claim_problems, claim_tables, claimed_tables
from golgi.study.document import parse_document
from golgi.study.lexicon import load_lexicon
from golgi.study.quantities import LARGEST, QUANTITIES
from golgi.study.resolve import resolve
from golgi.study.schema import study_schema
from golgi.tables import table_schema

STUDY = """\
study: claimed
models:
  tiny: {source: {train: {corpus: microworld, layers: 2, steps: 400}}, checkpoints: [0, 100, 400], bos: true}
  mini: {source: {train: {corpus: microworld, layers: 4, steps: 400}}, checkpoints: [0, 400], bos: true}
concepts:
  lexicon: config/lexicons/microworld.yaml
  sentences: {source: {templates: microworld}, positives: 100, negatives: 400}
experts: {thresholds: [0.5, 0.7]}
analyses:
  overlap: {threshold: 0.5}
  alignment: {references: {taxonomy: {lexicon: true}, men: {file: men.txt}}}
  stability: {folds: 4}
  hierarchy: {}
  polysemy: {}
  distributed: {sizes: [1, 10]}
  discoveries: {}
  interventions: {sizes: [1, 10], size: 10}
graphs: {units: {layers: all}, corpora: {build: microworld}}
claims:
"""

pytestmark = pytest.mark.usefixtures("in_root")


def checked(*claims: str, study: str = STUDY) -> Checked:
    """A study with the given claims, each the fields of one, as the loader hands it to the checks."""
    lines = [f"  claim{number}: {{{fields}}}\n" for number, fields in enumerate(claims)]
    document = parse_document((study + "".join(lines)).encode(), "claimed.yaml")
    return Checked(document, resolve(document, {})[0], load_lexicon("config/lexicons/microworld.yaml"))


def said(fields: str, study: str = STUDY) -> list[str]:
    return [f"{one.field}: {one.message}" for one in claim_problems(checked(fields, study=study))]


def rows(fields: str) -> list[dict]:
    one = checked(fields)
    assert not list(claim_problems(one))
    return settled_claims(one.spec)


GOOD = [
    "quantity: within_overlap, exceeds: between_overlap",
    "quantity: within_overlap, exceeds: 0.1, of: {control: rotated}",
    "quantity: overlap_gap, exceeds: {control: untrained}",
    "quantity: experts, exceeds: {checkpoint: first}",
    "quantity: experts, exceeds: {control: word}, of: {layer: 1, threshold: 0.7, checkpoint: 0}",
    "quantity: alignment, exceeds: 0, of: {reference: men, checkpoint: first, threshold: 0.7}",
    "quantity: alignment, exceeds: 0, of: {reference: men, control: input_embedding}",
    "quantity: alignment, exceeds: {control: untrained}, of: {reference: taxonomy}",
    "quantity: alignment, exceeds: {reference: taxonomy}, of: {reference: men}",
    "quantity: alignment, exceeds: {model: tiny}, of: {reference: men}",
    "quantity: stability, exceeds: {control: shuffled}, of: {positives: 12}",
    "quantity: containment, exceeds: wrong_containment, of: {direction: parent_in_child}",
    "quantity: tree_correlation, exceeds: 0",
    "quantity: same_category_sharing, exceeds: expected_sharing",
    "quantity: probe_ap, exceeds: unit_ap, of: {size: 10}",
    "quantity: effect, exceeds: {units: random}, of: {action: force, outcome: generated}",
    "quantity: effect, below: {units: random}, of: {action: zero, size: 1}",
    "quantity: effect, exceeds: {outcome: absent}",
    "quantity: false_discovery, below: 0.05",
    "quantity: graph_f1, exceeds: {method: token}",
]


@pytest.mark.parametrize("fields", GOOD)
def test_a_claim_that_the_study_can_test_is_accepted(fields):
    assert rows(fields)


BAD = {
    "quantity: within_overlp, exceeds: between_overlap": (
        "claims.claim0.quantity: `within_overlp` is nothing that claims can be about. Did you mean "
        "`within_overlap`? There are: within_overlap, between_overlap,"
    ),
    "quantity: within_overlap, exceeds: expert": (
        "claims.claim0.exceeds: `expert` is nothing that claims can be about. Did you mean `experts`?"
    ),
    "quantity: experts": (
        "claims.claim0: name what it `exceeds`, or what it stays `below`; exactly one of them is wanted."
    ),
    "quantity: experts, exceeds: 1, below: 3": (
        "claims.claim0: name what it `exceeds`, or what it stays `below`; exactly one of them is wanted."
    ),
    "quantity: experts, exceeds: alignment": (
        "claims.claim0.exceeds: `experts` (experts per concept, over concepts) cannot be compared with "
        "`alignment` (Spearman's ρ, over words)."
    ),
    "quantity: within_overlap, exceeds: stability": (
        "claims.claim0.exceeds: `within_overlap` (Jaccard overlap, over concepts) cannot be compared with "
        "`stability`"
    ),
    "quantity: experts, exceeds: 1, of: {reference: men}": (
        "claims.claim0.of.reference: `experts` knows no `reference`; it knows: model, checkpoint, control, "
        "threshold, layer."
    ),
    "quantity: experts, exceeds: {size: 3}": "claims.claim0.exceeds.size: `experts` knows no `size`;",
    "quantity: experts, exceeds: 1, of: {model: tina}": (
        "claims.claim0.of.model: no model tina is known here. Did you mean `tiny`? There are: tiny, mini."
    ),
    "quantity: experts, exceeds: {model: tina}": "claims.claim0.exceeds.model: no model tina is known here.",
    "quantity: experts, exceeds: 1, of: {checkpoint: 100}": (
        "claims.claim0.of.checkpoint: `mini` has no such value at checkpoint 100; it is known at: 0, 400."
    ),
    "quantity: stability, exceeds: {checkpoint: first}": (
        "claims.claim0.exceeds.checkpoint: `tiny` has no such value at checkpoint 0; it is known at: 400."
    ),
    "quantity: experts, exceeds: {control: untrained, checkpoint: 0}": (
        "claims.claim0.exceeds.checkpoint: the untrained twin has no checkpoints; leave it out."
    ),
    "quantity: experts, exceeds: 1, of: {threshold: 0.6}": (
        "claims.claim0.of.threshold: no threshold 0.6 is known here. There are: 0.5, 0.7."
    ),
    "quantity: within_overlap, exceeds: between_overlap, of: {threshold: 0.7}": (
        "claims.claim0.of.threshold: no threshold 0.7 is known here. There are: 0.5."
    ),
    "quantity: alignment, exceeds: 0": (
        "claims.claim0.of.reference: name one of the study's references: taxonomy, men."
    ),
    "quantity: alignment, exceeds: 0, of: {reference: simlex}": (
        "claims.claim0.of.reference: no reference simlex is known here. There are: taxonomy, men."
    ),
    "quantity: alignment, exceeds: {checkpoint: first}, of: {reference: men}": (
        "claims.claim0.exceeds: the rated pairs of checkpoint 0 are not kept, and without them alignment can "
        "only be claimed to exceed 0. They are kept of the experts and their controls at the last checkpoint "
        "(400 of `tiny`) and threshold 0.5."
    ),
    "quantity: alignment, exceeds: {control: input_embedding}, of: {reference: men}": (
        "claims.claim0.exceeds: the rated pairs of control input_embedding are not kept"
    ),
    "quantity: alignment, exceeds: 0.3, of: {reference: men, threshold: 0.7}": (
        "claims.claim0.of: the rated pairs of threshold 0.7 are not kept"
    ),
    "quantity: false_discovery, below: {control: shuffled}": (
        "claims.claim0.below.control: no control shuffled is known here. There are: measured, untrained."
    ),
    "quantity: effect, exceeds: {size: 3}": (
        "claims.claim0.exceeds.size: no size 3 is known here. There are: 1, 10."
    ),
    "quantity: effect, exceeds: {outcome: generated}": (
        "claims.claim0.exceeds.outcome: counted in another unit than the outcome of the claim itself."
    ),
    "quantity: containment, exceeds: {control: rotated}": (
        "claims.claim0.exceeds: `containment` is tested against wrong_containment alone, as in "
        "`exceeds: wrong_containment`."
    ),
    "quantity: wrong_containment, exceeds: 0.1": (
        "claims.claim0.exceeds: `wrong_containment` is what others are compared with; nothing tests it by "
        "itself."
    ),
    "quantity: same_category_sharing, exceeds: expected_sharing, of: {threshold: 0.7}": (
        "claims.claim0.of.threshold: no threshold 0.7 is known here. There are: 0.5."
    ),
    "quantity: stability, exceeds: 0.5, of: {negatives: 7}": (
        "claims.claim0.of.negatives: no negatives 7 is known here. There are: 25, 50, 100."
    ),
    "quantity: tree_correlation, exceeds: {control: untrained}": (
        "claims.claim0.exceeds: `tree_correlation` is tested against 0 alone, as in `exceeds: 0`."
    ),
    "quantity: tree_correlation, below: 0": "claims.claim0.below: `tree_correlation` is tested against 0",
    "quantity: expected_sharing, exceeds: 0": (
        "claims.claim0.exceeds: `expected_sharing` is what others are compared with; nothing tests it by "
        "itself."
    ),
    "quantity: experts, exceeds: 1, of: {layer: 3}": (
        "claims.claim0.of.layer: `tiny` has no layer 3; its layers are 0 to 1."
    ),
    "quantity: experts, exceeds: {checkpoint: last}": (
        "claims.claim0: nothing to compare: both sides are the same for every model that has this quantity."
    ),
    "quantity: graph_f1, exceeds: {text: shifted}": (
        "claims.claim0.exceeds.text: no text shifted is known here. There are: test."
    ),
}


@pytest.mark.parametrize("fields", BAD)
def test_a_claim_that_the_study_cannot_test_is_refused_in_its_own_words(fields):
    problem, *others = said(fields)
    assert problem.startswith(BAD[fields])
    assert all("`mini`" in other for other in others)


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_claim_whose_analysis_is_missing_says_which_it_needs(name):
    bare = STUDY[: STUDY.index("analyses:")] + "claims:\n"
    against = 0 if QUANTITIES[name].only_against is None else QUANTITIES[name].only_against
    found = said(f"quantity: {name}, exceeds: {against}", study=bare)
    analysis = QUANTITIES[name].analysis
    needed = "`graphs`" if analysis == "graphs" else f"`analyses.{analysis}`"
    assert any(f"needs {needed}, which this study does not have." in one for one in found) == bool(analysis)


def test_a_problem_stands_where_the_claim_is_written():
    (problem,) = claim_problems(
        checked(GOOD[0], "quantity: experts, exceeds: 1, of: {layer: 7, model: tiny}")
    )
    assert (problem.file, problem.line) == ("claimed.yaml", STUDY.count("\n") + 2)


def test_a_control_that_the_study_does_not_run_is_refused():
    without = STUDY.replace("experts: {", "experts: {controls: [untrained], ")
    (problem,) = said("quantity: experts, exceeds: {control: rotated}", study=without)
    assert problem.endswith("no control rotated is known here. There are: measured, untrained.")


def test_overlap_of_categories_needs_two_of_them():
    single = STUDY.replace("microworld.yaml", "microworld.yaml\n  categories: [animal]")
    (problem,) = said(GOOD[0], study=single)
    assert problem == "claims.claim0.quantity: needs at least two categories, one of them with two concepts."


def test_claims_about_graphs_wait_for_graphs_in_form():
    one = checked("quantity: graph_f1, exceeds: {method: token}")
    del one.spec["graphs"]
    assert not list(claim_problems(one))


def test_without_a_model_there_is_a_row_for_each():
    assert [row["model"] for row in rows(GOOD[0])] == ["tiny", "mini"]
    assert [row["model"] for row in rows(f"{GOOD[0]}, of: {{model: mini}}")] == ["mini"]


def test_a_model_is_not_compared_with_itself():
    (row,) = rows("quantity: experts, exceeds: {model: tiny}")
    assert (row["left"]["where"]["model"], row["right"]["where"]["model"]) == ("mini", "tiny")


def test_choices_that_are_not_made_are_those_of_the_study():
    first, _ = rows("quantity: experts, exceeds: {control: untrained}")
    where = {"model": "tiny", "control": "measured", "threshold": 0.5, "checkpoint": "400"}
    assert first["left"] == {"quantity": "experts", "where": where}
    assert first["right"]["where"] == where | {"control": "untrained", "checkpoint": "untrained"}
    effect = rows("quantity: effect, exceeds: 0")[0]["left"]["where"]
    chosen = {"action": "force", "units": "top", "size": 10, "outcome": "occurs"}
    assert effect == {"model": "tiny", "checkpoint": "400"} | chosen
    assert rows("quantity: stability, exceeds: 0")[0]["left"]["where"]["positives"] == 25
    assert rows("quantity: probe_ap, exceeds: unit_ap")[0]["left"]["where"]["size"] == LARGEST


def test_the_other_side_takes_over_what_it_does_not_say():
    row = rows("quantity: experts, exceeds: {threshold: 0.7}, of: {control: word, checkpoint: first}")[0]
    assert row["right"]["where"] == row["left"]["where"] | {"threshold": 0.7}
    assert row["left"]["where"]["checkpoint"] == "0"


def test_what_matters_is_the_quantity_s_own_where_the_claim_does_not_say():
    assert rows("quantity: experts, exceeds: 0")[0]["matters"] == 1
    assert rows("quantity: experts, exceeds: 0, matters: 7")[0]["matters"] == 7
    generated = rows("quantity: effect, exceeds: 0, of: {outcome: generated}")[0]
    assert (generated["matters"], generated["unit"]) == (0.05, "share of continuations")


def test_a_claim_without_words_gets_some():
    assert rows(GOOD[0])[0]["say"] == "The overlap within categories exceeds the overlap between categories."
    assert rows("quantity: false_discovery, below: 0.05")[0]["say"] == (
        "The share of experts that chance gives stays below 0.05."
    )
    twin = rows("quantity: alignment, exceeds: {control: untrained}, of: {reference: men}")[0]
    assert twin["say"] == "The alignment with men exceeds that of the untrained twin."
    assert (twin["quantity"], twin["against"]) == ("alignment (reference men)", "control untrained")
    assert rows('quantity: experts, exceeds: 0, say: "There are any."')[0]["say"] == "There are any."


def test_a_claim_names_the_tables_it_rests_on():
    needed = {
        GOOD[0]: ["overlap", "concepts"],
        "quantity: alignment, exceeds: 0, of: {reference: men}": ["alignment"],
        "quantity: alignment, exceeds: {control: rotated}, of: {reference: men}": ["alignment_pairs"],
        "quantity: probe_ap, exceeds: unit_ap": ["probes"],
        "quantity: containment, exceeds: wrong_containment": ["hierarchy"],
    }
    spec = checked(*needed).spec
    assert [claim_tables(claim) for claim in spec["claims"].values()] == list(needed.values())
    assert claimed_tables(spec) == [
        "overlap",
        "concepts",
        "alignment",
        "alignment_pairs",
        "probes",
        "hierarchy",
    ]


@pytest.mark.parametrize("name", QUANTITIES)
def test_quantities_are_columns_of_tables(name):
    quantity = QUANTITIES[name]
    columns = {column["name"] for column in table_schema(quantity.table)["columns"]}
    named = {quantity.value, quantity.per, quantity.difference, quantity.left_out} - {None}
    needed = (
        {quantity.columns.get(one, one) for one in quantity.selectors} | {"checkpoint"} | set(quantity.fixed)
    )
    items = set(quantity.items) if quantity.way == "paired" else set()
    assert needed | items | named <= columns


def test_the_schema_knows_every_quantity_and_selector():
    definitions = study_schema()["$defs"]
    described = definitions["claim"]["properties"]["quantity"]["description"]
    assert all(f"`{name}`" in described for name in QUANTITIES)
    used = {selector for quantity in QUANTITIES.values() for selector in quantity.selectors}
    assert used == set(definitions["selectors"]["properties"])


def test_a_study_with_a_claim_it_cannot_test_is_not_loaded(tmp_path):
    file = tmp_path / "claimed.yaml"
    file.write_text(STUDY.replace(", men: {file: men.txt}", "") + "  wrong: {quantity: expert, exceeds: 0}\n")
    with pytest.raises(StudyError, match=r"claims\.wrong\.quantity: `expert` is nothing"):
        load_study(file)
    file.write_text(
        STUDY.replace(", men: {file: men.txt}", "") + "  right: {quantity: experts, exceeds: 0}\n"
    )
    assert settled_claims(load_study(file).spec)[0]["claim"] == "right"
