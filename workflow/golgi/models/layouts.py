"""Token sequences laid out for a forward pass: one a row, or with the beginnings that they share run once."""

from dataclasses import dataclass

import numpy as np

from golgi.models.windows import PADDING, pad

SLOTS = 96  # positions in a packed row: more share more, but attention grows with them
WORTH = 0.85  # packing is chosen where it leaves at most this share of the positions


@dataclass(frozen=True)
class Sequences:
    """Different token sequences in lexicographic order, a beginning before what it begins."""

    ids: np.ndarray  # [sequence, token] int32, BOS included, right padded with -1
    lengths: np.ndarray  # [sequence] int64


@dataclass(frozen=True)
class Layout:
    """What one forward reads, and where each sequence ends in it."""

    ids: np.ndarray  # [row, slot] int64, -1 where there is nothing
    members: np.ndarray  # [sequence] the sequences that are laid out here
    rows: np.ndarray  # [sequence] row of its last token
    slots: np.ndarray  # [sequence] slot of its last token
    positions: np.ndarray | None = None  # [row, slot] int64: tokens before it; None: the slots themselves
    visible: np.ndarray | None = None  # [row, slot, slot] bool: what a slot sees; None: all before it

    @property
    def tokens(self) -> int:
        """Positions that hold a token."""
        return int((self.ids != PADDING).sum())


def gather(contexts: list[np.ndarray], bos: int | None) -> tuple[Sequences, np.ndarray]:
    """Return the different contexts, BOS in front of each, and for every context which of them it is."""
    ids = with_bos(pad(contexts), bos)
    # Rows as strings of bytes, the highest byte first: these sort as the ids do, and quickly.
    keys = np.ascontiguousarray((ids + 1).astype(">u4")).view(f"S{4 * ids.shape[1]}")[:, 0]
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    ids = ids[first]
    return Sequences(ids, (ids != PADDING).sum(axis=1)), which


def with_bos(ids: np.ndarray, bos: int | None) -> np.ndarray:
    """Return sequences [sequence, token] with BOS in front of each, where `bos` is an id."""
    return ids if bos is None else np.insert(ids, 0, bos, axis=1)


class Alone:
    """Every sequence in a row of its own, longest first, right padded."""

    def __init__(self, sequences: Sequences, members: np.ndarray):
        """`members` are the sequences to lay out."""
        self._sequences = sequences
        self._order = members[np.lexsort((members, -sequences.lengths[members]))]
        self.positions = int(sequences.lengths[members].sum())

    def batches(self, batch_tokens: int) -> list[np.ndarray]:
        """Return batches of rows, of at most `batch_tokens` positions where one row has no more."""
        batches, start = [], 0
        while start < len(self._order):
            count = max(1, batch_tokens // int(self._sequences.lengths[self._order[start]]))
            batches.append(self._order[start : start + count])
            start += count
        return batches

    def size(self, batch: np.ndarray) -> int:
        """Return the positions that a batch takes, padding included."""
        return len(batch) * int(self._sequences.lengths[batch].max())

    def lay_out(self, batch: np.ndarray) -> Layout:
        """Return the layout of a batch."""
        lengths = self._sequences.lengths[batch]
        ids = self._sequences.ids[batch, : lengths.max()].astype(np.int64)
        return Layout(ids, batch, np.arange(len(batch)), lengths - 1)


class Packed:
    """Sequences one after another in rows; what one shares with the one before it is there once."""

    def __init__(self, sequences: Sequences, members: np.ndarray, *, slots: int = SLOTS):
        """`members`, in ascending order, are the sequences to lay out."""
        self._ids, self._lengths = sequences.ids[members], sequences.lengths[members]
        self._members = members
        self._shared = _shared_beginnings(self._ids)
        self._width = max(slots, int(self._lengths.max()))
        self._starts = self._fill_rows()
        self.positions = (len(self._starts) - 1) * self._width

    def _fill_rows(self) -> np.ndarray:
        ends = np.cumsum(self._lengths - self._shared)
        starts = [0]
        while starts[-1] < len(ends):
            first = starts[-1]
            before = ends[first] - self._lengths[first]  # the first of a row shares nothing
            starts.append(int(np.searchsorted(ends, before + self._width, side="right")))
        return np.array(starts)

    def batches(self, batch_tokens: int) -> list[np.ndarray]:
        """Return batches of rows, of at most `batch_tokens` positions where one row has no more."""
        rows, count = np.arange(len(self._starts) - 1), max(1, batch_tokens // self._width)
        return [rows[start : start + count] for start in range(0, len(rows), count)]

    def size(self, batch: np.ndarray) -> int:
        """Return the positions that a batch takes, padding included."""
        return len(batch) * self._width

    def lay_out(self, batch: np.ndarray) -> Layout:
        """Return the layout of a batch."""
        start, stop = self._starts[batch[0]], self._starts[batch[-1] + 1]
        ids, lengths, shared = (x[start:stop] for x in (self._ids, self._lengths, self._shared.copy()))
        row = np.repeat(np.arange(len(batch)), np.diff(self._starts[batch[0] : batch[-1] + 2]))
        shared[self._starts[batch] - start] = 0
        depth = np.arange(lengths.max())
        new = (depth >= shared[:, None]) & (depth < lengths[:, None])  # [sequence, token]
        path = _paths(new, row)
        sequence, position = np.nonzero(new)
        at = row[sequence], path[sequence, position]
        tokens = np.full((len(batch), self._width), PADDING, np.int64)
        tokens[at] = ids[sequence, position]
        positions = np.zeros_like(tokens)
        positions[at] = position
        last = path[np.arange(len(lengths)), lengths - 1]
        members = self._members[start:stop]
        return Layout(tokens, members, row, last, positions, self._visible(at, path[sequence], position))

    def _visible(
        self, at: tuple[np.ndarray, np.ndarray], paths: np.ndarray, position: np.ndarray
    ) -> np.ndarray:
        visible = np.zeros((at[0].max() + 1, self._width, self._width), bool)
        visible[:, np.arange(self._width), np.arange(self._width)] = (
            True  # an empty slot has to see something
        )
        node, before = np.nonzero(np.arange(paths.shape[1]) <= position[:, None])
        visible[at[0][node], at[1][node], paths[node, before]] = True
        return visible


def _shared_beginnings(ids: np.ndarray) -> np.ndarray:
    differ = np.ones((len(ids), ids.shape[1] + 1), bool)
    differ[1:, :-1] = ids[1:] != ids[:-1]
    shared = differ.argmax(axis=1)
    shared[0] = 0
    return shared


def _paths(new: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Return the slot of every token of every sequence: its own, or that of the last sequence that had it."""
    number = np.cumsum(new).reshape(new.shape) - 1  # tokens are numbered as they come, row after row
    first = number[np.searchsorted(row, row), 0]
    return np.maximum.accumulate(np.where(new, number, -1), axis=0) - first[:, None]


def lay_out_well(sequences: Sequences, members: np.ndarray, *, packed: bool) -> Alone | Packed:
    """Return the layout of fewer positions; `packed` tells whether the model can read packed rows."""
    alone = Alone(sequences, members)
    if not packed:
        return alone
    together = Packed(sequences, members)
    return together if together.positions <= WORTH * alone.positions else alone
