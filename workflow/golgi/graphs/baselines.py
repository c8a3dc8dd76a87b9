"""Baselines of neuron graphs: what a token alone foretells, or with the one or two tokens before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BASELINES = {"token": 1, "bigram": 2, "trigram": 3}  # method -> n


class Ngrams:
    """The n-grams of some texts, numbered from 1 on; 0 is any other.

    `texts` are arrays [window, token] of token ids, right padded with -1.
    """

    def __init__(self, texts: Sequence[np.ndarray], n: int):
        self.n = n
        self._tokens = np.unique(np.concatenate([ids[ids >= 0] for ids in texts]))
        keys = np.concatenate([self._keys(ids).ravel() for ids in texts])
        self._known = np.unique(keys[keys >= 0])
        self.size = len(self._known) + 1

    def numbers(self, ids: np.ndarray) -> np.ndarray:
        """Return the number of the n-gram that ends at every token of ids [window, token], int32 like ids.

        It is 0 for n-grams that are not in the texts, and where the window has fewer than n tokens so far.

        >>> Ngrams([np.array([[5, 7, 5, -1]])], 2).numbers(np.array([[7, 5, 7, 7, -1]]))
        array([[0, 2, 1, 0, 0]], dtype=int32)
        """
        return (_places(self._known, self._keys(ids)) + 1).astype(np.int32)

    def _keys(self, ids: np.ndarray) -> np.ndarray:
        # Tokens are counted first: keys fit 64 bits up to two million different tokens, n being 3 at most.
        tokens = _places(self._tokens, ids)
        keys = tokens.copy()
        for back in range(1, self.n):
            before = np.full_like(tokens, -1)
            before[:, back:] = tokens[:, :-back]
            keys = np.where((keys >= 0) & (before >= 0), before * len(self._tokens) ** back + keys, -1)
        return keys


def strongest(numbers: np.ndarray, shares: np.ndarray, size: int) -> np.ndarray:
    """Return the largest share of each n-gram in a text, [unit, n-gram] float32; -inf where it is not there.

    numbers [place] are those of the n-grams that end there, below `size`, 0 for none that counts; shares
    [unit, place] what the units make of them.
    """
    places = np.flatnonzero(numbers)
    places = places[np.argsort(numbers[places], kind="stable")]
    found, starts = np.unique(numbers[places], return_index=True)
    table = np.full((len(shares), size), -np.inf, np.float32)
    if found.size:
        table[:, found] = np.maximum.reduceat(shares[:, places], starts, axis=1)
    return table


def add_strongest(table: np.ndarray, units: np.ndarray, numbers: np.ndarray, shares: np.ndarray) -> None:
    """Raise the table [unit, n-gram] to shares [occurrence] that units have at n-grams; 0 is none."""
    known = numbers > 0
    np.maximum.at(table, (units[known], numbers[known]), shares[known])


def last_tokens(windows: np.ndarray, tokens: np.ndarray, n: int) -> np.ndarray:
    """Return the n tokens [row, n] that end at place tokens [row] of windows [row, token]; -1 before one."""
    places = tokens[:, None] + np.arange(1 - n, 1)
    return np.where(places >= 0, np.take_along_axis(windows, np.maximum(places, 0), axis=1), -1)


def _places(ordered: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    # Where the wanted ones stand in what is ordered; -1 where they do not.
    if not ordered.size:
        return np.full(wanted.shape, -1)
    found = np.minimum(np.searchsorted(ordered, wanted), ordered.size - 1)
    return np.where(ordered[found] == wanted, found, -1)
