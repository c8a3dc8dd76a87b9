"""What counting alone achieves on held-out text: the losses a trained model has to beat."""

import numpy as np


def unigram_loss(training: np.ndarray, following: np.ndarray, *, vocabulary: int) -> float:
    """Return the cross-entropy of `following` under add-one unigram counts of `training`, nats per token."""
    return float(-np.log(_unigram(training, vocabulary)[following]).mean())


def bigram_loss(
    training: np.ndarray, previous: np.ndarray, following: np.ndarray, *, vocabulary: int
) -> float:
    """Return the cross-entropy of `following` after `previous` under an interpolated bigram, nats per token.

    Counts of `training` are interpolated with the add-one unigram by Witten and Bell's rule (Witten and
    Bell 1991, method C): the weight of the unigram is the number of different tokens seen after `previous`.
    """
    pairs, counts = np.unique(training[:-1] * vocabulary + training[1:], return_counts=True)
    after = np.bincount(training[:-1], minlength=vocabulary)  # tokens seen after each token
    kinds = np.bincount(pairs // vocabulary, minlength=vocabulary)  # different tokens among them
    wanted = previous * vocabulary + following
    place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    seen = np.where(pairs[place] == wanted, counts[place], 0)
    unigram = _unigram(training, vocabulary)[following]
    weight = kinds[previous]
    total = after[previous] + weight
    probability = np.where(total > 0, (seen + weight * unigram) / np.maximum(total, 1), unigram)
    return float(-np.log(probability).mean())


def _unigram(training: np.ndarray, vocabulary: int) -> np.ndarray:
    counts = np.bincount(training, minlength=vocabulary) + 1
    return counts / counts.sum()
