"""Replies in the forms that models choose, written by hand, and what the gates have to find in them."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import yaml

from golgi.concepts.lexicon import Concept, load_lexicon, select
from golgi.writing.parsing import Drawn, take_apart
from golgi.writing.requests import Reply, Request, Sampling

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "data" / "replies"
CONCEPTS = ("dog", "cat", "car", "boat", "apple", "cake", "house", "school")  # two of each of four categories
KINDS = {"dog": ("poodle", "terrier")}
SAMPLING = Sampling(temperature=1.0, top_p=0.95, max_tokens=1000, seed=0)


def written_replies() -> dict[tuple[str, str], list[str]]:
    """Texts of the replies by concept and kind, in the order of their files."""
    replies: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sorted(FOLDER.glob("*/*.txt")):
        # As bytes: the ends of lines are part of what is tested.
        replies[path.parent.name, path.stem.partition("-")[0]].append(path.read_bytes().decode())
    return dict(replies)


def written_verdicts() -> dict[tuple[str, str, int, str], str]:
    """The gate that has to find a sentence, by concept, kind, draw and text; all others have to be kept."""
    verdicts = {}
    for file, found in yaml.safe_load((FOLDER / "verdicts.yaml").read_text(encoding="utf-8")).items():
        concept, reply = Path(file).with_suffix("").parts
        kind, number = reply.split("-")
        verdicts |= {(concept, kind, int(number) - 1, text): verdict for text, verdict in found.items()}
    return verdicts


def written_concepts() -> list[Concept]:
    """The concepts of the replies, in the order of the lexicon, with kinds of dog."""
    chosen = select(load_lexicon(ROOT / "config" / "lexicons" / "men.yaml"), only=CONCEPTS)
    return [replace(concept, kinds=KINDS.get(concept.name, ())) for concept in chosen]


def drawn(replies: dict[tuple[str, str], list[str]]) -> list[Drawn]:
    """The replies as those of a first round, facts before stories."""
    return [
        take_apart(0, asked(concept, kind, draw), Reply(text, "stop", 100, 200))
        for concept, kind in sorted(replies, key=lambda pair: (CONCEPTS.index(pair[0]), pair[1]))
        for draw, text in enumerate(replies[concept, kind])
    ]


def asked(concept: str, kind: str, draw: int) -> Request:
    """A request for sentences."""
    return Request(concept, kind, draw, (("user", f"{concept} {kind} {draw}"),), "a-model", SAMPLING)
