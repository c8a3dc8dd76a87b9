"""Caption of the figure of what a language model wrote, with every number taken from the table."""

import polars as pl

from golgi.captions.wording import Findings, Tables, percent
from golgi.figures.rows import counted, listed
from golgi.figures.writing import VERDICTS
from golgi.figures.writing_concepts import KINDS, MOST_CONCEPTS

TITLES = {"writing": "Sentences that a language model wrote"}
SHOWN = {
    "writing": (
        "Left, what was said of every sentence that was found in the replies: kept, or the first gate that "
        "it did not pass, in the order in which they stand. A sentence is nearly repeated if too many of its "
        "runs of three words are those of one before, and confused if a classifier of words takes a fact for "
        "a story or the reverse. Where sentences that name another concept are left out, those in which "
        "related concepts meet are among them: related concepts then overlap less than with all sentences. "
        "Right, the sentences kept of those wanted, by concept; a concept has more than it wants where its "
        "last replies held more than was missing. Orange, and with numbers: what is short. "
        f"Of more than {MOST_CONCEPTS} concepts each row is a category: the line from its lowest "
        "concept to its highest, the mark its middle one, a cross each that is short."
    )
}
TAKEN = {
    "short": "had too few words",
    "long": "had too many words",
    "unnamed": "did not name the concept",
    "subtype": "named a kind of it",
    "other_concept": "named another concept of the study",
    "language": "were in another language",
    "repeated": "were there before",
    "similar": "were nearly the same as one before",
    "swapped": "were a fact for a story or the reverse",
}
MOST_NAMED = 6


def writing(tables: Tables, model: str, options: dict) -> str:
    """Requests, sentences, the share kept, the two gates that took most, and the concepts that are short."""
    table = tables["writing"]
    sums = table.select(
        pl.col(
            "requests", "refusals", "cuts", "sentences", "prompt_tokens", "completion_tokens", *VERDICTS
        ).sum()
    ).row(0, named=True)
    found = [asked(sums), kept(sums), replies(sums), missing(table), priced(table["cost"])]
    return " ".join(text for text in found if text)


def asked(sums: dict) -> str:
    tokens = f"{sums['prompt_tokens']:,} tokens of prompts and {sums['completion_tokens']:,} of replies"
    return f"{counted(sums['requests'], 'request')} gave {counted(sums['sentences'], 'sentence')} ({tokens})."


def kept(sums: dict) -> str:
    """The share kept, and the two gates that took most."""
    total = sums["sentences"]
    if not total:
        return ""
    text = f"{percent(sums['kept'] / total)} of them were kept"
    most = sorted(TAKEN, key=lambda gate: -sums[gate])[:2]
    took = [f"{percent(sums[gate] / total)} {TAKEN[gate]}" for gate in most if sums[gate]]
    return f"{text}; {listed(took)}." if took else f"{text}."


def replies(sums: dict) -> str:
    noun = "reply" if sums["refusals"] == 1 else "replies"
    refused = f"the model declined to write in {sums['refusals']:,} {noun}"
    cut = f"the last sentence was cut off in {sums['cuts']:,}"
    told = [text for text, number in ((refused, sums["refusals"]), (cut, sums["cuts"])) if number]
    text = listed(told)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def missing(table: pl.DataFrame) -> str:
    """How many concepts are short, and which most."""
    total = table["index"].n_unique()
    short = table.filter(pl.col("missing") > 0)
    if short.is_empty():
        return "Every concept has the sentences that it wants."
    concepts = (
        short.group_by("index", "concept").agg(pl.col("missing").sum()).sort(-pl.col("missing"), "index")
    )
    named = [
        lack(short, index, concept) for index, concept in concepts.head(MOST_NAMED)["index", "concept"].rows()
    ]
    more = concepts.height - len(named)
    named += [f"{more:,} more"] if more else []
    lacking = counted(short["missing"].sum(), "sentence")
    verb = "is" if concepts.height == 1 else "are"
    return f"{concepts.height:,} of {counted(total, 'concept')} {verb} short, by {lacking}: {listed(named)}."


def lack(short: pl.DataFrame, index: int, concept: str) -> str:
    rows = dict(short.filter(pl.col("index") == index).select("kind", "missing").rows())
    told = [
        f"{rows[kind]:,} {kind if rows[kind] == 1 else plural}"
        for kind, plural in KINDS.items()
        if kind in rows
    ]
    return f"{concept} ({listed(told)})"


def priced(cost: pl.Series) -> str:
    """What it cost at the study's prices; nothing where it names none."""
    return "" if cost.null_count() else f"At the prices that the study names this cost {cost.sum():,.2f}."


FINDINGS: Findings = {"writing": (writing, "writing")}
