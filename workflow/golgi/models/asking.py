"""What is asked of a model's next-token probabilities, laid out so that no beginning is read twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from golgi.models.windows import PADDING, pad


@dataclass(frozen=True)
class Asked:
    """How probable are the tokens from `start` on, given those before them? BOS, if any, is among these."""

    ids: np.ndarray  # [token] int64
    start: int  # 1 or more


class Plan:
    """The sequences to read: what is asked of a beginning of another sequence is asked there."""

    def __init__(self, asked: Sequence[Asked]):
        """The last token of what is asked is not read, only predicted."""
        keys = [tuple(one.ids[:-1].tolist()) for one in asked]
        order = sorted(range(len(asked)), key=lambda index: keys[index])
        self._sequences: list[tuple[int, ...]] = []
        sequence = np.zeros(len(asked), np.int64)
        for place, index in enumerate(order):
            following = keys[order[place + 1]] if place + 1 < len(order) else ()
            sequence[index] = len(self._sequences)
            if following[: len(keys[index])] != keys[index]:
                self._sequences.append(keys[index])
        self.lengths = np.array([len(ids) for ids in self._sequences], np.int64)
        self._fill_queries(asked, sequence)

    def _fill_queries(self, asked: Sequence[Asked], sequence: np.ndarray) -> None:
        order = np.argsort(sequence, kind="stable")
        counts = np.array([len(asked[index].ids) - asked[index].start for index in order], np.int64)
        self.asked = np.repeat(order, counts)  # [query]
        slots = [np.arange(asked[index].start - 1, len(asked[index].ids) - 1) for index in order]
        self.slot = np.concatenate([*slots, np.zeros(0, np.int64)])  # [query] where it is predicted
        tokens = [asked[index].ids[asked[index].start :] for index in order]
        self.token = np.concatenate([*tokens, np.zeros(0, np.int64)]).astype(np.int64)
        self._bounds = np.searchsorted(sequence[self.asked], np.arange(len(self._sequences) + 1))

    def batches(self, edits: int, *, tokens: int, scored: int) -> list[np.ndarray]:
        """Return rows of (sequence, edit), longest first; each batch is an array [row, 2].

        It has at most `tokens` padded tokens and `scored` queries, where a single row has no more.
        """
        sequence = np.repeat(np.argsort(-self.lengths, kind="stable"), edits)
        rows = np.stack([sequence, np.tile(np.arange(edits), len(self.lengths))], axis=1)
        ends = np.cumsum(np.diff(self._bounds)[sequence])
        batches, start = [], 0
        while start < len(rows):
            count = max(1, tokens // int(self.lengths[sequence[start]]))
            before = ends[start - 1] if start else 0
            stop = int(np.searchsorted(ends, before + scored, side="right"))
            stop = max(start + 1, min(start + count, stop))
            batches.append(rows[start:stop])
            start = stop
        return batches

    def size(self, batch: np.ndarray) -> int:
        """Return the positions that a batch takes, padding included."""
        return len(batch) * int(self.lengths[batch[:, 0]].max())

    def lay_out(self, sequences: np.ndarray) -> np.ndarray:
        """Return the ids of some sequences, [row, slot] int64; 0 behind their ends, where nothing looks."""
        ids = pad([np.array(self._sequences[index], np.int32) for index in sequences]).astype(np.int64)
        return np.where(ids == PADDING, 0, ids)

    def about(self, sequences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return for every query about these sequences the row that its sequence has here, and the query."""
        return expand(self._bounds, sequences)


def expand(bounds: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for chosen groups of entries that lie between `bounds`, each entry's place in `chosen`, and it.

    >>> expand(np.array([0, 2, 2, 5]), np.array([2, 0]))
    (array([0, 0, 0, 1, 1]), array([2, 3, 4, 0, 1]))
    """
    counts = np.diff(bounds)[chosen]
    group = np.repeat(np.arange(len(chosen)), counts)
    within = np.arange(len(group)) - np.repeat(np.cumsum(counts) - counts, counts)
    return group, bounds[chosen][group] + within
