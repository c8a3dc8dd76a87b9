"""Activity: the activations of chosen units on token ids, and the tokens that a model expects next."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from golgi.errors import GolgiError
from golgi.models.batches import best_batch_tokens
from golgi.models.bridge import Model, open_model
from golgi.models.device import claim_device
from golgi.models.layouts import Alone, Layout, Packed, Sequences, gather, lay_out_well, with_bos
from golgi.models.memory import run_within_memory
from golgi.models.plain import run_at
from golgi.models.shortcuts import Shortcuts
from golgi.models.sites import measure_widths
from golgi.models.taps import Place, Read, Taps
from golgi.models.tokenizer import bos_id, load_tokenizer
from golgi.models.windows import PADDING

logger = logging.getLogger(__name__)

Unit = tuple[str, int, int]  # site, layer, unit
Plan = Alone | Packed
PROPOSED_AT_ONCE = 1024  # positions; each may give a number for every token of the vocabulary


@contextmanager
def open_activity(
    folder: Path,
    *,
    who: str,
    untrained_seed: int | None,
    dtype: str,
    device: str,
    units: Sequence[Unit],
    bos: bool,
    batch_tokens: int,
    threads: int | None = None,
) -> Iterator["Activity"]:
    """Yield the activity of `units` in the model of a folder, or with `untrained_seed` in its untrained twin.

    Holds a GPU while it is open. Raises GolgiError naming `who`, model@checkpoint, for a folder, device,
    number format, site, layer or unit that will not do.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    with claim_device(device) as place:
        model = open_model(Path(folder), who=who, seed=untrained_seed, dtype=dtype, device=place)
        tokenizer = load_tokenizer(Path(folder), who=who)
        nameless = set(range(model.vocabulary)) - set(tokenizer.get_vocab().values())
        yield Activity(
            model,
            units,
            bos=bos_id(tokenizer, who=who) if bos else None,
            pad=0,
            batch_tokens=batch_tokens,
            excluded=sorted(nameless.union(tokenizer.all_special_ids)),
        )


class Activity:
    """Reads the activations of chosen units; BOS is put in front of everything, and its own are left out."""

    def __init__(
        self,
        model: Model,
        units: Sequence[Unit],
        *,
        bos: int | None,
        pad: int,
        batch_tokens: int,
        excluded: Sequence[int] = (),
    ):
        """`units` gives the order of all results; `excluded` are token ids that are never proposed.

        Raises GolgiError for a site, layer or unit that the model does not have.
        """
        self.model, self.units = model, list(units)
        self.positions = 0
        self._layer_positions = 0
        self._bos = bos
        self.own = 0 if bos is None else 1  # first position of a window's own tokens
        self._batch_tokens = best_batch_tokens(batch_tokens, model.device)
        self._excluded = np.array([index for index in excluded if index < model.vocabulary], np.int64)
        _check_units(model, self.units)
        self._places: list[Place] = sorted({(site, layer) for site, layer, _ in self.units})
        self._place = np.array([self._places.index((site, layer)) for site, layer, _ in self.units])
        self._layer = np.array([layer for _, layer, _ in self.units])
        self._column = np.array([unit for _, _, unit in self.units])
        self._taps = Taps(model, self._places, pad=pad)
        self._shortcuts = Shortcuts(self._taps)

    @property
    def layers(self) -> float:
        """Layers run per token position so far, in the mean; the last one of a forward is counted whole."""
        return self._layer_positions / max(1, self.positions)

    def probe(self, contexts: list[np.ndarray], units: np.ndarray) -> np.ndarray:
        """Return the activation of unit `units[i]` at the last token of `contexts[i]`, [context] float32.

        Each context, [token] int32, is read alone, after BOS. The same context is run once for all its units,
        no further than the deepest of them, and beginnings that contexts share are run once where that saves.
        """
        values = np.zeros(len(contexts), np.float32)
        if not len(contexts):
            return values
        sequences, which = gather(contexts, self._bos)
        self._check(sequences)
        deepest = np.zeros(len(sequences.ids), np.int64)
        np.maximum.at(deepest, which, self._layer[units])
        asked = _Asked(which, len(sequences.ids))
        for last in np.unique(deepest):
            members = np.flatnonzero(deepest == last)
            plan = self._lay_out(sequences, members)
            for queries, found in self._probe(plan, int(last), asked, units):
                values[queries] = found
        return values

    def _probe(
        self, plan: Plan, last: int, asked: "_Asked", units: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        def run(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            layout = plan.lay_out(batch)
            queries, sequence = asked.about(layout.members)
            place, column = self._place[units[queries]], self._column[units[queries]]
            order = np.argsort(place, kind="stable")
            parts = np.split(order, np.flatnonzero(np.diff(place[order])) + 1)
            reads = {
                self._places[place[part[0]]]: _pick_ends(
                    *map(self._taps.tensor, (sequence[part], column[part]))
                )
                for part in parts
            }
            found = self._run(layout, reads, last)
            values = torch.cat([found[key] for key in reads]).float().cpu().numpy()
            self._check_finite(values, units[queries[order]])
            return queries[order], values

        with self._taps.attached(last, self._shortcuts.choose(last, ends_only=True)):
            yield from self._within_memory(plan, run, item="context")

    def trace(self, ids: np.ndarray) -> np.ndarray:
        """Return the activations on windows [window, token] int32, right padded with -1.

        The result is [window, token, unit] float32, 0 at padding.
        """
        values = np.zeros((*ids.shape, len(self.units)), np.float32)

        def pick(x: Tensor, hidden: Tensor | None) -> Tensor:
            return x if hidden is None else x.masked_fill(hidden, 0)

        for members, index, block in self._read_windows(ids, pick):
            self._check_finite(block, index)
            values[members[:, None, None], np.arange(block.shape[1])[:, None], index] = block
        return values

    def peaks(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the highest activation in each window and the first token that has it.

        Windows are [window, token] int32, right padded with -1, of one token or more; the results are
        [window, unit] float32 and int32. Neither BOS nor padding takes part.
        """
        if not ids.shape[1] or (ids[:, 0] == PADDING).any():
            raise ValueError("a window without tokens has no highest activation")
        values = np.zeros((len(ids), len(self.units)), np.float32)
        tokens = np.zeros(values.shape, np.int32)
        for members, index, block in self._read_windows(ids, _first_maximum):
            self._check_finite(block[0], index)
            values[np.ix_(members, index)] = block[0]
            tokens[np.ix_(members, index)] = block[1]
        return values, tokens

    def _read_windows(
        self, ids: np.ndarray, pick: Callable[[Tensor, Tensor | None], Tensor]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        ids = with_bos(ids, self._bos)
        sequences = Sequences(ids, (ids != PADDING).sum(axis=1))
        self._check(sequences)
        plan = Alone(sequences, np.flatnonzero(sequences.lengths))
        index = [np.flatnonzero(self._place == place) for place in range(len(self._places))]
        columns = [self._taps.tensor(self._column[one]) for one in index]
        last = int(self._layer.max())

        def run(batch: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
            layout = plan.lay_out(batch)
            padding = layout.ids[:, self.own :, None] == PADDING
            hidden = self._taps.tensor(padding) if padding.any() else None
            reads = {
                place: _pick_own(self.own, part, partial(pick, hidden=hidden))
                for place, part in zip(self._places, columns, strict=True)
            }
            found = self._run(layout, reads, last)
            blocks = [found[place].float().cpu().numpy() for place in self._places]
            return [(layout.members, *pair) for pair in zip(index, blocks, strict=True)]

        with self._taps.attached(last, self._shortcuts.choose(last, ends_only=False)):
            for parts in self._within_memory(plan, run, item="window"):
                yield from parts

    def propose(self, contexts: list[np.ndarray], k: int) -> np.ndarray:
        """Return the k most probable tokens after each context, [context, k] int64, the best first.

        Contexts are [token] int32, each read alone, after BOS. Special tokens are never proposed; -1 stands
        where there are fewer than k others.
        """
        proposed = np.full((len(contexts), k), -1, np.int64)
        if not len(contexts):
            return proposed
        sequences, which = gather(contexts, self._bos)
        self._check(sequences)
        plan = self._lay_out(sequences, np.arange(len(sequences.ids)))
        best = np.empty((len(sequences.ids), min(k, self.model.vocabulary)), np.int64)
        run = partial(self._next, plan, k)
        for members, tokens in self._within_memory(plan, run, item="context", most=PROPOSED_AT_ONCE):
            best[members] = tokens
        proposed[:, : best.shape[1]] = best[which]
        return proposed

    def _next(self, plan: Plan, k: int, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        layout, network = plan.lay_out(batch), self.model.plain
        ends = self._taps.tensor(layout.rows), self._taps.tensor(layout.slots)
        handles = run_at(network.get_output_embeddings(), lambda: ends, widen=False)
        try:
            with torch.inference_mode():
                logits = network(**self._taps.inputs(layout), use_cache=False).logits[0].float()
                logits[:, self._taps.tensor(self._excluded)] = -torch.inf
                best = logits.topk(min(k, logits.shape[1]))
        finally:
            for handle in handles:
                handle.remove()
        self._count(layout, self.model.layers)
        tokens = best.indices.masked_fill(best.values == -torch.inf, -1)
        return layout.members, tokens.cpu().numpy()

    def _lay_out(self, sequences: Sequences, members: np.ndarray) -> Plan:
        longest = int(sequences.lengths[members].max())
        return lay_out_well(sequences, members, packed=self._shortcuts.can_pack(longest))

    def _within_memory(
        self, plan: Plan, run: Callable[[np.ndarray], Any], *, item: str, most: int | None = None
    ) -> Iterator[Any]:
        batches = plan.batches(min(self._batch_tokens, most or self._batch_tokens))
        return run_within_memory(batches, run, who=self.model.who, size=plan.size, item=item)

    def _run(self, layout: Layout, reads: dict[Place, Read], last: int) -> dict[Place, Tensor]:
        found = self._taps.run(layout, reads)
        self._count(layout, last + 1)
        return found

    def _count(self, layout: Layout, layers: int) -> None:
        self.positions += layout.tokens
        self._layer_positions += layout.tokens * layers

    def _check(self, sequences: Sequences) -> None:
        who, context, vocabulary = self.model.who, self.model.context, self.model.vocabulary
        longest, highest = int(sequences.lengths.max(initial=0)), int(sequences.ids.max(initial=0))
        if context is not None and longest > context:
            raise GolgiError(f"{who}: {longest} tokens, BOS included, do not fit the context of {context}.")
        if highest >= vocabulary:
            raise GolgiError(
                f"{who}: token id {highest} is beyond the model's {vocabulary} embeddings "
                "(another model's tokenizer?)."
            )

    def _check_finite(self, values: np.ndarray, units: np.ndarray) -> None:
        """`values` are [..., unit], of the units with these numbers."""
        if np.isfinite(values).all():
            return
        broken = units[np.nonzero(~np.isfinite(values))[-1]]
        site, layer, _ = min((self.units[index] for index in broken), key=lambda unit: unit[1])
        raise GolgiError(
            f"{self.model.who}: layer {layer}, {site}: activations are not finite numbers. "
            "Either the weights are damaged, or the number format is too narrow (float32 is the widest)."
        )


class _Asked:
    """Which queries are about which sequence."""

    def __init__(self, which: np.ndarray, count: int):
        self._order = np.argsort(which, kind="stable")
        self._bounds = np.searchsorted(which[self._order], np.arange(count + 1))

    def about(self, sequences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the queries about some sequences, and for each which of these it is about."""
        starts, counts = self._bounds[sequences], np.diff(self._bounds)[sequences]
        which = np.repeat(np.arange(len(sequences)), counts)
        within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self._order[starts[which] + within], which


def _check_units(model: Model, units: list[Unit]) -> None:
    widths = measure_widths(model, sorted({site for site, _, _ in units}))
    for site, layer, unit in units:
        width = widths.get((site, layer))
        if width is None:
            raise GolgiError(f"{model.who}: there is no layer {layer}; the last one is {model.layers - 1}.")
        if not 0 <= unit < width:
            raise GolgiError(f"{model.who}: {site} of layer {layer} has units 0 to {width - 1}, not {unit}.")


def _pick_ends(sequence: Tensor, column: Tensor) -> Read:
    return lambda x, rows, slots: x[rows[sequence], slots[sequence], column]


def _pick_own(own: int, columns: Tensor, pick: Callable[[Tensor], Tensor]) -> Read:
    return lambda x, rows, slots: pick(x[:, own:, columns])


def _first_maximum(x: Tensor, hidden: Tensor | None) -> Tensor:
    highest, token = (x if hidden is None else x.masked_fill(hidden, -torch.inf)).max(dim=1)
    return torch.stack([highest.float(), token.float()])  # a token's place is far below 2 ** 24
