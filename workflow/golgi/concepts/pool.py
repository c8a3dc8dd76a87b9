"""Choose the study's sentences among the candidates: each once, for one concept, the asked-for number."""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from golgi.concepts.lexicon import Concept
from golgi.errors import GolgiError

logger = logging.getLogger(__name__)


class Candidate(NamedTuple):
    """A sentence that a source offers for a concept."""

    text: str
    concept: str
    kind: str  # fact, story or mention
    origin: str  # a frame's name, or file and line


class Pool(NamedTuple):
    """The chosen sentences in concept order, and per concept what became of the candidates."""

    sentences: list[Candidate]
    tallies: dict[str, Counter]  # found, duplicates_within, duplicates_across, surplus, shared


def choose(candidates: Iterable[Candidate], concepts: list[Concept], *, positives: int, seed: int) -> Pool:
    """Choose `positives` sentences per concept, half facts and half stories where the source has both.

    Where there are fewer of one kind all of them are taken, the rest is of the other, and the log says so.
    Texts equal but for case and white space count as one, and no text is chosen twice. A text offered for
    several concepts is a last resort, because it makes their experts overlap by itself: concepts choose in
    the order of how little they were offered, texts of their own first. Among equals those with the lowest
    seeded hash are kept, a random sample that does not depend on the order of the candidates. Raises
    GolgiError naming every concept that falls short.

    Every distinct candidate is kept until the last, some 450 bytes each: for 240 everyday nouns 1 MB for each
    MB of an encyclopedia, 4 MB for each MB of children's stories.
    """
    tallies = {concept.name: Counter() for concept in concepts}
    texts = _without_repeats(candidates, tallies, seed)
    claims = Counter(key for own in texts.values() for key in own)
    taken: set[bytes] = set()
    chosen: dict[str, list[Candidate]] = {}
    for name in sorted(tallies, key=lambda name: (len(texts[name]), name)):
        free = sorted((claims[key], key) for key in texts[name] if key not in taken)
        keys = _sample([(key, texts[name][key].kind) for _, key in free], positives)
        taken.update(keys)
        chosen[name] = [texts[name][key] for key in keys]
        tallies[name]["duplicates_across"] = len(texts[name]) - len(free)
        tallies[name]["surplus"] = len(free) - len(keys)
        tallies[name]["shared"] = sum(claims[key] > 1 for key in keys)
    _refuse_shortage(chosen, tallies, positives)
    _warn_of_uneven_halves(chosen, positives)
    return Pool([candidate for concept in concepts for candidate in chosen[concept.name]], tallies)


def _without_repeats(
    candidates: Iterable[Candidate], tallies: dict[str, Counter], seed: int
) -> dict[str, dict[bytes, Candidate]]:
    texts: dict[str, dict[bytes, Candidate]] = defaultdict(dict)
    for candidate in candidates:
        tallies[candidate.concept]["found"] += 1
        own, key = texts[candidate.concept], _key(candidate.text, seed)
        if key in own:
            tallies[candidate.concept]["duplicates_within"] += 1
        own.setdefault(key, candidate)
    return texts


def _key(text: str, seed: int) -> bytes:
    folded = " ".join(text.casefold().split())
    return hashlib.blake2b(folded.encode(), digest_size=12, key=str(seed).encode()).digest()


def _sample(offered: list[tuple[bytes, str]], number: int) -> list[bytes]:
    facts = [key for key, kind in offered if kind == "fact"]
    stories = [key for key, kind in offered if kind == "story"]
    if not facts or not stories:
        return [key for key, _ in offered[:number]]
    # All of a kind that is short of its half, and more of the other instead.
    first = min(len(facts), max(number // 2, number - len(stories)))
    kept = facts[:first] + stories[: number - first]
    others = [key for key, kind in offered if kind not in ("fact", "story")]
    return kept + others[: number - len(kept)]


def _warn_of_uneven_halves(chosen: dict[str, list[Candidate]], positives: int) -> None:
    kinds = {name: Counter(one.kind for one in sentences) for name, sentences in chosen.items()}
    uneven = [
        f"{name} ({counts['fact']} facts, {counts['story']} stories)"
        for name, counts in sorted(kinds.items())
        if counts["fact"] != positives // 2 or counts["story"] != positives - positives // 2
    ]
    if uneven and {"fact", "story"} <= set().union(*kinds.values()):
        logger.warning("Facts and stories are not half and half for: %s.", ", ".join(uneven))


def _refuse_shortage(chosen: dict[str, list[Candidate]], tallies: dict[str, Counter], wanted: int) -> None:
    lines = [
        f"  {concept}: {len(chosen[concept])} ({tally['found']} found, "
        f"{tally['duplicates_within']} repeated, {tally['duplicates_across']} taken by another concept)"
        for concept, tally in tallies.items()
        if len(chosen[concept]) < wanted
    ]
    if lines:
        raise GolgiError(
            f"{len(lines)} of {len(tallies)} concepts have fewer than the {wanted} sentences that "
            "concepts.sentences.positives asks for:\n" + "\n".join(lines)
        )
