"""Whether sentences read like facts or like stories: a classifier that is fitted to a study's own."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline

from golgi.concepts import microworld
from golgi.concepts.lexicon import Category, Concept, Lexicon
from golgi.study.writing import LEAST_ORIENTATION

FOLDS = 5
FEWEST_CONCEPTS = 3
FEWEST = 30  # sentences of each kind that a model is fitted to
STRENGTH = 30.0  # inverse of regularisation; with less, few sentences reach a probability of .9
REFERENCE = 40  # sentences of Microworld for each of the things below, half facts and half stories
THINGS = {
    "horse": {"does": ("run fast", "pull carts"), "has": ("four legs", "a long tail"), "size": ("big",)},
    "drum": {"does": ("sound loud", "keep time"), "has": ("a round skin", "two sides"), "size": ("small",)},
    "rose": {"does": ("smell sweet", "bloom in summer"), "has": ("thorns", "soft petals"), "size": ("tall",)},
}
TRAITS = {
    "quality": ("beautiful", "strong"),
    "place": ("in the garden", "near the village"),
    "people": ("look at it", "draw it"),
    "person": ("farmer", "teacher"),
    "season": ("summer", "spring"),
}
logger = logging.getLogger(__name__)


class Told(NamedTuple):
    """A sentence, the concept that it is about, and whether it was asked for as a fact or as a story."""

    text: str
    concept: str
    kind: str


class KindGate:
    """Gives the probability that a sentence is of the kind that was not asked for.

    Logistic regression on weighted counts of words. It is fitted to the sentences of the first call alone,
    which are judged by models that have not seen their concept: one whose facts and stories are swapped
    altogether is told by the others. Later sentences are judged by a model of the first without those that
    were told, which have a probability of `sure` or more; a sentence that comes again is judged as before.
    Where there are too few sentences or concepts to fit it to, nothing is told, and the log says so.
    `orientation` is the accuracy of the model of the first on built-in facts and stories, None where there is
    no model or the language is not theirs: under `LEAST_ORIENTATION` all facts and stories look swapped.
    """

    def __init__(self, language: str, sure: float):
        self.language, self.sure = language, sure
        self.orientation: float | None = None
        self._model: Pipeline | None = None
        self._judged: dict[Told, float] = {}
        self._first = True

    def swapped(self, told: Sequence[Told]) -> np.ndarray:
        """Probabilities [sentence] of the other kind; 0 where none can be told."""
        if self._first:
            self._first = False
            return self._fit(told)
        if self._model is None or not told:
            return np.zeros(len(told))
        chances = _against(self._model, told)
        return np.array([self._judged.get(one, chance) for one, chance in zip(told, chances, strict=True)])

    def _fit(self, told: Sequence[Told]) -> np.ndarray:
        distinct = list(dict.fromkeys(told))
        splits = list(_splits(distinct))
        if not splits:
            logger.warning(
                "Whether facts read like stories is not looked at: that takes %d concepts and %d sentences "
                "of each kind in the first round.",
                FEWEST_CONCEPTS,
                FEWEST,
            )
            return np.zeros(len(told))
        for seen, unseen in splits:
            judged = [distinct[row] for row in unseen]
            chances = _against(_fitted([distinct[row] for row in seen]), judged)
            self._judged.update(zip(judged, chances, strict=True))
        right = [one for one in distinct if self._judged[one] < self.sure]
        self._model = _fitted(right if len({one.kind for one in right}) > 1 else distinct)
        if self.language == "en":
            self.orientation = orientation(self._model)
        return np.array([self._judged[one] for one in told])


def are_swapped(orientation: float | None) -> bool:
    """Tell whether what was learned as facts are stories, all in all, and the other way round."""
    return orientation is not None and orientation < LEAST_ORIENTATION


def orientation(model: Pipeline) -> float:
    """Return the accuracy on built-in facts and stories of a model fitted to others."""
    texts = reference()
    accuracy = float(np.mean(model.predict([one.text for one in texts]) == [one.kind for one in texts]))
    logger.info("Facts and stories of Microworld are told apart with accuracy %.2f.", accuracy)
    return accuracy


def reference() -> list[microworld.Sentence]:
    """Built-in facts and stories, always the same, about things that need no lexicon."""
    concepts = tuple(
        Concept(word, word, f"{word}s", "thing", "noun", "a thing", attributes=TRAITS | own)
        for word, own in THINGS.items()
    )
    lexicon = Lexicon(concepts, (Category("thing"),))
    return microworld.sentences(lexicon, concepts, REFERENCE, seed=0)


def _splits(told: Sequence[Told]) -> list[tuple[np.ndarray, np.ndarray]]:
    concepts = [one.concept for one in told]
    number = len(set(concepts))
    if number < FEWEST_CONCEPTS:
        return []
    folds = GroupKFold(min(FOLDS, number)).split(told, groups=concepts)
    splits = list(folds)
    kinds = np.array([one.kind for one in told])
    fewest = min(np.sum(kinds[seen] == kind) for seen, _ in splits for kind in ("fact", "story"))
    return splits if fewest >= FEWEST else []


def _fitted(told: Sequence[Told]) -> Pipeline:
    # Counts are weighted and each sentence brought to length one, so that no word decides by itself: an
    # unusual "did" or three times "the". Unweighted counts told twice as many good sentences.
    words = TfidfVectorizer(token_pattern=r"[^\W_]+", sublinear_tf=True)
    # This solver draws nothing at random for two classes, and threads do not change what it adds up.
    kinds = LogisticRegression(solver="liblinear", class_weight="balanced", C=STRENGTH)
    model = make_pipeline(words, kinds)
    return model.fit([one.text for one in told], [one.kind for one in told])


def _against(model: Pipeline, told: Sequence[Told]) -> np.ndarray:
    chances = model.predict_proba([one.text for one in told])  # [sentence, kind]
    own = np.searchsorted(model.classes_, [one.kind for one in told])
    return 1 - chances[np.arange(len(told)), own]
