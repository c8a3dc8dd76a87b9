"""Exemplars: of every unit the windows of a text in which it is strongest, and some in which it fires."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOTHING = -1


@dataclass(frozen=True)
class Exemplars:
    """Tokens to explain, sorted by unit, the strongest first, then the other firings in the text's order."""

    unit: np.ndarray  # [exemplar] int32
    window: np.ndarray  # [exemplar] int32
    token: np.ndarray  # [exemplar] int32, place in the window
    activation: np.ndarray  # [exemplar] float32
    strongest: np.ndarray  # [exemplar] bool; the others are random firings
    maximum: np.ndarray  # [unit] float32
    weak: (
        np.ndarray
    )  # [unit] int32: windows that were strong enough for their place, and too weak for a graph


class Finder:
    """Collects exemplars from a text that streams by once; takes memory for units, not for the text.

    Of every unit the `strongest` windows are kept, one a document (Foote et al. 2023, sec. 3), and `firings`
    random ones of all windows in which it reaches `fires` of its maximum: units are not what they are at
    their peak alone. Exemplars stand at the strongest token of their window.
    """

    def __init__(self, units: int, *, strongest: int, firings: int, fires: float, weakest: float):
        self.fires, self.weakest = fires, weakest
        self.maximum = np.full(units, -np.inf, np.float32)
        self._best = _Ranking(units, strongest)
        self._drawn = _Ranking(units, firings)
        self._open: tuple[int, _Candidates] | None = None

    def add(
        self,
        values: np.ndarray,
        tokens: np.ndarray,
        *,
        windows: np.ndarray,
        documents: np.ndarray,
        luck: np.ndarray,
    ) -> None:
        """Take in some windows: the highest activation of every unit and its place, both [window, unit].

        `windows` are their numbers, ascending over all calls, `documents` those of their documents, `luck` a
        random number of each: where there are too many firings, those of the luckiest windows are kept.
        """
        self.maximum = np.maximum(self.maximum, values.max(axis=0))
        seen = _Candidates(values.T, np.broadcast_to(windows, values.T.shape), tokens.T)
        self._add_documents(seen, documents)
        fires = seen.activation >= self.fires * self.maximum[:, None]
        firing = seen.where(fires & (self.maximum[:, None] > 0))
        self._drawn.forget(self._drawn.kept.activation < self.fires * self.maximum[:, None])
        self._drawn.add(firing, np.where(firing.window == NOTHING, -np.inf, luck))

    def _add_documents(self, seen: _Candidates, documents: np.ndarray) -> None:
        starts = np.flatnonzero(np.diff(documents, prepend=documents[0] - 1))
        best = seen.best_of_each(starts)
        number = documents[starts]
        if self._open is not None:
            before, waiting = self._open
            if before == number[0]:
                best = best.joined(waiting)
            else:
                self._best.add(waiting, waiting.activation)
        # The last document may go on in the next call.
        done, last = best.split(len(number) - 1)
        self._best.add(done, done.activation)
        self._open = int(number[-1]), last

    def exemplars(self) -> Exemplars:
        """Return what was found, when the text has ended."""
        if self._open is not None:
            self._best.add(self._open[1], self._open[1].activation)
            self._open = None
        live = self.maximum > 0
        best, drawn = self._best.kept, self._drawn.kept
        there = (best.window != NOTHING) & live[:, None]
        strong = there & (best.activation >= self.weakest * self.maximum[:, None])
        # A window that is among the strongest is no further firing.
        again = (drawn.window[:, :, None] == np.where(strong, best.window, NOTHING)[:, None, :]).any(axis=2)
        valid = (drawn.activation >= self.fires * self.maximum[:, None]) & live[:, None] & ~again
        drawn = drawn.where(valid).in_order()
        kept = [best.listed(strong), drawn.listed(drawn.window != NOTHING)]
        columns = [np.concatenate(parts) for parts in zip(*kept, strict=True)]
        strongest = np.repeat([True, False], [len(kept[0][0]), len(kept[1][0])])
        order = np.lexsort((~strongest, columns[0]))
        unit, window, token, activation = (column[order] for column in columns)
        weak = (there & ~strong).sum(axis=1).astype(np.int32)
        return Exemplars(unit, window, token, activation, strongest[order], self.maximum, weak)


@dataclass(frozen=True)
class _Candidates:
    """Places in a text for every unit, [unit, candidate]; window -1 stands for none."""

    activation: np.ndarray
    window: np.ndarray
    token: np.ndarray

    def where(self, kept: np.ndarray) -> _Candidates:
        return _Candidates(
            np.where(kept, self.activation, -np.inf), np.where(kept, self.window, NOTHING), self.token
        )

    def take(self, order: np.ndarray) -> _Candidates:
        parts = (self.activation, self.window, self.token)
        return _Candidates(*(np.take_along_axis(part, order, axis=1) for part in parts))

    def in_order(self) -> _Candidates:
        return self.take(np.argsort(self.window, axis=1, kind="stable"))

    def split(self, at: int) -> tuple[_Candidates, _Candidates]:
        parts = (self.activation, self.window, self.token)
        return _Candidates(*(part[:, :at] for part in parts)), _Candidates(*(part[:, at:] for part in parts))

    def best_of_each(self, starts: np.ndarray) -> _Candidates:
        """Return the first highest of every run of candidates."""
        highest = np.maximum.reduceat(self.activation, starts, axis=1)
        lengths = np.diff([*starts, self.activation.shape[1]])
        places = np.arange(self.activation.shape[1])
        reaches = self.activation == np.repeat(highest, lengths, axis=1)
        first = np.minimum.reduceat(np.where(reaches, places, places.size), starts, axis=1)
        return self.take(np.minimum(first, places.size - 1))

    def joined(self, earlier: _Candidates) -> _Candidates:
        """Return these with the first joined to one found earlier, which wins a tie."""
        later = self.activation[:, :1] > earlier.activation
        parts = zip(
            (self.activation, self.window, self.token),
            (earlier.activation, earlier.window, earlier.token),
            strict=True,
        )
        return _Candidates(
            *(np.hstack([np.where(later, now[:, :1], then), now[:, 1:]]) for now, then in parts)
        )

    def listed(self, kept: np.ndarray) -> tuple[np.ndarray, ...]:
        unit = np.nonzero(kept)[0].astype(np.int32)
        columns = ((self.window, np.int32), (self.token, np.int32), (self.activation, np.float32))
        return unit, *(part[kept].astype(kind) for part, kind in columns)


class _Ranking:
    """The `size` candidates of highest rank of every unit, the best first, in a tie the earlier window."""

    def __init__(self, units: int, size: int):
        self.size = size
        empty = (units, 0)
        self.kept = _Candidates(
            np.zeros(empty, np.float32), np.zeros(empty, np.int64), np.zeros(empty, np.int32)
        )
        self._rank = np.zeros(empty)

    def add(self, candidates: _Candidates, rank: np.ndarray) -> None:
        ranks = np.hstack([self._rank, np.broadcast_to(rank, candidates.window.shape)])
        # What is kept was there before what is new, and a stable order leaves it in front.
        order = np.argsort(-ranks, axis=1, kind="stable")[:, : self.size]
        parts = zip(
            (self.kept.activation, self.kept.window, self.kept.token),
            (candidates.activation, candidates.window, candidates.token),
            strict=True,
        )
        self.kept = _Candidates(*(np.hstack(pair) for pair in parts)).take(order)
        self._rank = np.take_along_axis(ranks, order, axis=1)

    def forget(self, which: np.ndarray) -> None:
        self.kept = self.kept.where(~which)
        self._rank = np.where(which, -np.inf, self._rank)
