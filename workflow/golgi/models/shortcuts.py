"""Short cuts through a forward pass: each is tried on a few tokens, and taken where it changes nothing."""

import logging

import numpy as np
import torch
from torch import Tensor

from golgi.models.bridge import Model
from golgi.models.layouts import SLOTS, Alone, Packed, gather
from golgi.models.sites import TOLERANCE
from golgi.models.taps import WITHIN_MLP, Cuts, Place, Taps

logger = logging.getLogger(__name__)

# What a trial may raise where a family cannot run that way.
UNFIT = (TypeError, ValueError, AttributeError, LookupError, RuntimeError)
WINDOW_FIELDS = ("sliding_window", "window_size", "attention_chunk_size", "local_attention")
BESIDE_MLP = ("attn_out", "qkv")  # sites of a layer that do not need its MLP


class Shortcuts:
    """The short cuts that hold for one model and its places."""

    def __init__(self, taps: Taps):
        """Compare the plain modules with TransformerLens, and packed rows with rows of one sequence."""
        self._taps = taps
        self._deepest = max(layer for _, layer in taps.places)
        self._chosen: dict[tuple[int, bool], Cuts] = {}
        shown = self._try(self._deepest, Cuts(plain=False))
        self._plain = Cuts(plain=taps.has_plain and self._same(shown, self._deepest, Cuts()))
        if not self._plain.plain:
            logger.info("%s: read through TransformerLens, block by block.", taps.model.who)
        self._packs = self._same(shown, self._deepest, self._plain, packed=True)
        self._window = _attention_window(taps.model)

    def can_pack(self, longest: int) -> bool:
        """Return whether sequences of up to `longest` tokens can share rows: all of a row has to see all."""
        return self._packs and max(longest, SLOTS) <= self._window

    def choose(self, last: int, *, ends_only: bool) -> Cuts:
        """Return what can be left out where layer `last` is the last that is read.

        With `ends_only` the sites are read where sequences end, and nowhere else.
        """
        if (last, ends_only) not in self._chosen:
            self._chosen[last, ends_only] = self._find(last, ends_only)
        return self._chosen[last, ends_only]

    def _find(self, last: int, ends_only: bool) -> Cuts:
        shown = self._try(last, self._plain)
        found = (cuts for cuts in self._candidates(last, ends_only) if self._same(shown, last, cuts))
        return next(found, self._plain)

    def _candidates(self, last: int, ends_only: bool) -> list[Cuts]:
        sites = {site for site, layer in self._taps.places if layer == last}
        if not self._plain.plain:
            return []
        candidates = []
        if sites <= set(WITHIN_MLP):
            # Where attention and MLP stand side by side, the MLP of the last layer needs no attention, and
            # nothing but the ends of the layer before.
            candidates.append(Cuts(skip=last, narrow=tuple(range(max(0, last - 1), last + 1)) * ends_only))
        if ends_only and sites <= {*WITHIN_MLP, *BESIDE_MLP}:
            candidates.append(Cuts(narrow=(last,)))
        return candidates

    def _same(
        self, shown: dict[Place, Tensor] | None, last: int, cuts: Cuts, *, packed: bool = False
    ) -> bool:
        found = self._try(last, cuts, packed=packed)
        if shown is None or found is None or shown.keys() != found.keys():
            return False
        return all(self._close(found[place], shown[place]) for place in shown)

    def _close(self, found: Tensor, shown: Tensor) -> bool:
        allowed = TOLERANCE[self._taps.model.dtype] * float(shown.abs().max())
        # False where anything is not a number, which a part that was left out gives.
        return found.shape == shown.shape and bool(((found - shown).abs() <= allowed).all())

    def _try(self, last: int, cuts: Cuts, *, packed: bool = False) -> dict[Place, Tensor] | None:
        sequences, _ = gather(_sample(self._taps.model.vocabulary, self._taps.model.context), None)
        members = np.arange(len(sequences.ids))
        plan = Packed(sequences, members) if packed else Alone(sequences, members)
        reads = {place: _at_ends for place in self._taps.places if place[1] <= last}
        found = {place: [] for place in reads}
        order = []
        try:
            with self._taps.attached(last, cuts):
                for batch in plan.batches(1):
                    layout = plan.lay_out(batch)
                    order.append(layout.members)
                    for place, values in self._taps.run(layout, reads).items():
                        found[place].append(values)
            back = np.argsort(np.concatenate(order))
            return {place: torch.cat(values).float()[back] for place, values in found.items()}
        except UNFIT:
            return None


def _attention_window(model: Model) -> float:
    config = model.plain.config.get_text_config()
    windows = [getattr(config, field, None) for field in WINDOW_FIELDS]
    return min((float(window) for window in windows if window), default=float("inf"))


def _at_ends(x: Tensor, rows: Tensor, slots: Tensor) -> Tensor:
    return x[rows, slots].clone()


def _sample(vocabulary: int, context: int | None) -> list[np.ndarray]:
    first, second = np.random.default_rng(0).integers(0, vocabulary, (2, 6), np.int32)[:, :context]
    third = np.r_[first[:3], second[3:]]
    return [first, third, first[:4], second[:5], second[:1]]
