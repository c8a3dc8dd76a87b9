"""Exemplars: of every unit the windows of a text in which it is strongest, and some in which it fires."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golgi.compiling import compiled

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
        self._drawn = _Draw(units, firings)
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
        self._drawn.add(seen, luck, self._limit)

    @property
    def _limit(self) -> np.ndarray:
        # [unit]: from here on a unit fires, as far as its maximum is known; a dead one never does.
        return np.where(self.maximum > 0, self.fires * self.maximum, np.inf).astype(np.float32)

    def _add_documents(self, seen: _Candidates, documents: np.ndarray) -> None:
        starts = np.flatnonzero(np.diff(documents, prepend=documents[0] - 1))
        best = seen.best_of_each(starts)
        number = documents[starts]
        if self._open is not None:
            before, waiting = self._open
            if before == number[0]:
                best = best.joined(waiting)
            else:
                self._best.add(waiting)
        # The last document may go on in the next call.
        done, last = best.split(len(number) - 1)
        self._best.add(done)
        self._open = int(number[-1]), last

    def exemplars(self) -> Exemplars:
        """Return what was found, when the text has ended."""
        if self._open is not None:
            self._best.add(self._open[1])
            self._open = None
        live = self.maximum > 0
        best, drawn = self._best.kept, self._drawn.luckiest(self._limit)
        there = (best.window != NOTHING) & live[:, None]
        strong = there & (best.activation >= self.weakest * self.maximum[:, None])
        # A window that is among the strongest is no further firing.
        again = (drawn.window[:, :, None] == np.where(strong, best.window, NOTHING)[:, None, :]).any(axis=2)
        drawn = drawn.where(~again).in_order()
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

    def beside(self, others: _Candidates) -> _Candidates:
        return _Candidates(
            np.hstack([self.activation, others.activation]),
            np.hstack([self.window, others.window]),
            np.hstack([self.token, others.token]),
        )

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
    """The `size` strongest candidates of every unit, the best first, in a tie the earlier window."""

    def __init__(self, units: int, size: int):
        self.size = size
        self.kept = _no_candidates(units)

    def add(self, candidates: _Candidates) -> None:
        # What is kept was there before what is new, and a stable order leaves it in front.
        both = self.kept.beside(candidates)
        order = np.argsort(-both.activation, axis=1, kind="stable")[:, : self.size]
        self.kept = both.take(order)


class _Draw:
    """The `size` luckiest of the candidates that reach a limit, which is known only when all were seen.

    Until then a candidate is kept unless `size` luckier ones are as strong or stronger. Luck being random,
    that is some times `size` candidates a unit, however many are seen.
    """

    def __init__(self, units: int, size: int):
        self.size = size
        self._kept = _no_candidates(units)
        self._luck = np.zeros((units, 0))

    def add(self, candidates: _Candidates, luck: np.ndarray, limit: np.ndarray) -> None:
        """Take in candidates with their luck [candidate]; the limit [unit] can only rise from now on."""
        both = self._kept.beside(candidates)
        lucks = np.hstack([self._luck, np.broadcast_to(luck, candidates.window.shape)])
        order = np.argsort(-luck, kind="stable")
        places = _draw(both.activation, lucks, self._luck.shape[1] + order, limit, self.size)
        self._kept = both.take(places).where(places >= 0)
        self._luck = np.take_along_axis(lucks, places, axis=1)

    def luckiest(self, limit: np.ndarray) -> _Candidates:
        """Return those that reach the limit [unit], the luckiest first."""
        self.add(self._kept.split(0)[0], np.zeros(0), limit)
        return self._kept.split(self.size)[0]


def _no_candidates(units: int) -> _Candidates:
    empty = (units, 0)
    return _Candidates(np.zeros(empty, np.float32), np.zeros(empty, np.int64), np.zeros(empty, np.int32))


@compiled
def _draw(activation, luck, new, limit, size):
    # Which candidates [unit, candidate] may be drawn, the luckiest first; -1 fills up. The first candidates,
    # before those that are `new`, are in the order of luck already; `new` are the others in that order.
    places = np.full(activation.shape, -1)
    strongest = np.empty(size, activation.dtype)
    most, old = 0, activation.shape[1] - new.size
    for unit in range(activation.shape[0]):
        strongest[:] = -np.inf
        first, second, count = 0, 0, 0
        while size and first + second < activation.shape[1]:
            if second == new.size or (first < old and luck[unit, first] >= luck[unit, new[second]]):
                place, first = first, first + 1
            else:
                place, second = new[second], second + 1
            value = activation[unit, place]
            if value >= limit[unit] and value > strongest[0]:
                _raise_weakest(strongest, value)
                places[unit, count] = place
                count += 1
        most = max(most, count)
    return places[:, :most]


@compiled
def _raise_weakest(strongest, value):
    # In ascending order the weakest goes, and the new one moves up to where it belongs.
    slot = 0
    while slot + 1 < strongest.size and strongest[slot + 1] < value:
        strongest[slot] = strongest[slot + 1]
        slot += 1
    strongest[slot] = value
