"""A synthetic table of claims, for tests of its figure, caption and section of the report."""

import polars as pl
from synthetic_tables import table

# Sentence, what is compared with what, unit, effect, half the interval, Holm's p, what matters, and the test.
CLAIMS = {
    "categories": (
        "Concepts of one category share more experts than concepts of two.",
        ("within_overlap", "exceeds", "between_overlap"),
        ("Jaccard overlap", 0.21, 0.05, 0.0005, 0.02, "permuted category labels", "concepts"),
    ),
    "neurons": (
        "Neurons are privileged: their experts agree with people more than those of a rotated basis.",
        ("alignment (reference men)", "exceeds", "control rotated"),
        ("Spearman's ρ", -0.03, 0.06, 1.0, 0.05, "bootstrap", "words"),
    ),
    "stable": (
        "Disjoint sentences find the same experts.",
        ("stability", "exceeds", "0.5"),
        ("Jaccard overlap", 0.02, 0.11, 0.41, 0.05, "sign flips", "concepts"),
    ),
    "tree": (
        "Overlap follows the lexicon's tree.",
        ("tree_correlation", "exceeds", "0"),
        ("Pearson's r", 0.4, None, 0.0005, 0.05, "permutations", "concepts"),
    ),
    "learned": (
        "Experts are learned.",
        ("experts", "exceeds", "control untrained"),
        ("experts per concept", 140.0, 22.0, 0.004, 1.0, "sign flips", "concepts"),
    ),
}
REASON = "no concept has an expert"
TABLE_OF = {"within_overlap": "overlap", "alignment": "alignment", "stability": "stability_concepts"}
TABLE_OF |= {"tree_correlation": "hierarchy_tree", "experts": "counts"}


def claims_table(
    *, models: tuple[str, ...], concepts: int, undefined: bool, long: bool
) -> dict[str, pl.DataFrame]:
    """Table `claims`: some held, some not, some underpowered, and without experts undefined."""
    tail = (
        " This is said at some length, with a-word-that-is-much-too-long-to-be-broken-anywhere-at-all." * long
    )
    rows = [
        row | {"index": place, "say": row["say"] + tail}
        for place, row in enumerate(
            one for name in CLAIMS for one in claim_rows(name, models, concepts, undefined)
        )
    ]
    return {"claims": table("claims", rows)}


def claim_rows(name: str, models: tuple[str, ...], concepts: int, undefined: bool) -> list[dict]:
    say, (quantity, relation, against), numbers = CLAIMS[name]
    unit, effect, half, p, matters, test, replication = numbers
    rows = []
    for rank, model in enumerate(models):
        middle = effect * (1 - 0.2 * rank)
        ends = (None, None) if half is None else (middle - half, middle + half)
        known = {"value": middle + 1, "other": 1.0, "effect": middle, "low": ends[0], "high": ends[1]}
        known |= {"p": p / 5, "p_holm": p, "n": concepts, "left_out": 2 * (name == "stable")}
        if undefined:
            known = dict.fromkeys(known) | {"n": 0, "left_out": concepts, "reason": REASON}
        verdict = "held" if p <= 0.05 else "not_held" if half and middle + half < matters else "underpowered"
        rows.append(
            known
            | {"claim": name, "say": say, "model": model, "quantity": quantity, "relation": relation}
            | {"against": against, "unit": unit, "matters": matters, "test": test}
            | {"verdict": "underpowered" if undefined else verdict, "unit_of_replication": replication}
            | {"table": TABLE_OF[quantity.split(" ")[0]]}
        )
    return rows
