"""Forward passes in which chosen units are set to chosen values, many interventions in one batch."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from golgi.errors import GolgiError
from golgi.models.asking import Asked, Plan, expand
from golgi.models.bridge import Model
from golgi.models.memory import naming_failure, run_within_memory
from golgi.models.plain import plain_spots, run_at
from golgi.models.sampling import pick_tokens
from golgi.models.shortcuts import UNFIT
from golgi.models.sites import HOOKS, TOLERANCE, measure_widths

logger = logging.getLogger(__name__)

Place = tuple[str, int]  # site, layer
Edit = dict[Place, tuple[np.ndarray, np.ndarray]]  # units of a place and their values, [changed]
SCORED_AT_ONCE = 2**26  # numbers of the vocabulary, over all scored positions of a batch
CPU_BATCH = 2048  # tokens; larger batches run slower on a processor
TOKENS_PER_ROW = 8  # a row of sampling reads one token at a time, but keeps what it has read before
TRIED = 6  # tokens of a trial


@dataclass(frozen=True)
class _Part:
    """A hook, and which units of its site it holds."""

    hook: str
    start: int
    stop: int


class Intervener:
    """One model under interventions: units keep their values at every token position, BOS included."""

    def __init__(
        self, model: Model, places: Sequence[Place], *, batch_tokens: int, excluded: Sequence[int] = ()
    ):
        """`places` can be set; `excluded` are token ids that are never sampled.

        Raises GolgiError for a site or layer that the model does not have or that cannot be set.
        """
        self.model = model
        self.tokens = 0
        self._excluded = torch.tensor(sorted(excluded), dtype=torch.long, device=model.device)
        self._batch_tokens = min(batch_tokens, CPU_BATCH) if model.device.type == "cpu" else batch_tokens
        self._parts = _find_parts(model, sorted(set(places)))
        self._spots = plain_spots(model)
        self._current: dict[Place, tuple[Tensor, Tensor, Tensor]] = {}
        self._shape: tuple[int, int] = (0, 0)
        self._ends: tuple[Tensor, Tensor] = ()
        self._plain = self._caches = True
        self._try()

    def log_probabilities(self, asked: Sequence[Asked], edits: Sequence[Edit]) -> np.ndarray:
        """Return log P(ids from `start` on | ids before) of all that is asked under every edit, in nats.

        The result is [edit, asked] float64. Raises GolgiError for sequences that the model cannot read, and
        where a probability is not a number.
        """
        for one in asked:
            self._check(one.ids[:-1])
        plan, table = Plan(asked), _Table(edits)
        found = np.zeros((len(edits), len(asked)))
        most = max(1, SCORED_AT_ONCE // self.model.vocabulary)
        batches = plan.batches(len(edits), tokens=self._batch_tokens, scored=most)
        with self._attached():
            for queries, edit, values in self._within_memory(
                batches, partial(self._score, plan, table), plan.size
            ):
                np.add.at(found, (edit, plan.asked[queries]), values)
        self._check_finite(found)
        return found

    def sample(
        self, prompts: Sequence[np.ndarray], edits: Sequence[Edit], *, length: int, top: int, seed: int
    ) -> np.ndarray:
        """Return `length` tokens sampled after each prompt under every edit, [edit, prompt, token] int64.

        At temperature 1 from the `top` most probable tokens (Suau et al. 2020, sec. 4). The random numbers
        of a prompt's step are the same under every edit, whatever else is in the batch.
        """
        for prompt in prompts:
            self._check(np.r_[prompt, np.zeros(length - 1, np.int64)])
        table = _Table(edits)
        found = np.zeros((len(edits), len(prompts), length), np.int64)
        lengths = np.array([len(prompt) for prompt in prompts])
        batches = _sampling_batches(lengths, len(edits), rows=max(1, self._batch_tokens // TOKENS_PER_ROW))

        def run(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            ids = self._tensor(np.stack([prompts[prompt] for prompt in batch[:, 0]]).astype(np.int64))
            self._set(table, batch[:, 1])
            return batch, self._continue(ids, batch[:, 0], length, top, seed)

        size = lambda batch: len(batch) * (int(lengths[batch[0, 0]]) + length)  # noqa: E731
        with self._attached():
            for batch, tokens in self._within_memory(batches, run, size):
                found[batch[:, 1], batch[:, 0]] = tokens
        return found

    def _score(
        self, plan: Plan, table: "_Table", batch: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`batch` are rows of (sequence, edit)."""
        self._set(table, batch[:, 1])
        row, queries = plan.about(batch[:, 0])
        slots, tokens = self._tensor(plan.slot[queries]), self._tensor(plan.token[queries])
        ids = self._tensor(plan.lay_out(batch[:, 0]))
        logits, _ = self._forward(ids, (self._tensor(row), slots))
        values = logits.gather(1, tokens[:, None])[:, 0] - logits.logsumexp(dim=1)
        return queries, batch[row, 1], values.double().cpu().numpy()

    def _continue(self, ids: Tensor, prompts: np.ndarray, length: int, top: int, seed: int) -> np.ndarray:
        rows, cache, new = torch.arange(len(ids), device=ids.device), None, ids
        for step in range(length):
            last = torch.full_like(rows, new.shape[1] - 1)
            logits, cache = self._forward(new, (rows, last), cache, keep=self._caches)
            logits[:, self._excluded] = -torch.inf
            best = logits.topk(min(top, logits.shape[1]))
            token = pick_tokens(best.values.cpu().numpy(), best.indices.cpu().numpy(), prompts, step, seed)
            token = self._tensor(token)[:, None]
            ids = torch.cat([ids, token], dim=1)
            new = token if self._caches else ids
        return ids[:, -length:].cpu().numpy()

    def _forward(
        self, ids: Tensor, ends: tuple[Tensor, Tensor], cache: Any = None, *, keep: bool = False
    ) -> tuple[Tensor, Any]:
        """Return the logits at `ends`, [end, vocabulary] float32, and what is kept for the next step."""
        self._ends, self._shape = ends, tuple(ids.shape)
        past = {"past_key_values": cache} if cache is not None else {}
        output = self._network(input_ids=ids, use_cache=keep, **past)
        self.tokens += ids.numel()
        return output.logits[0].float(), output.past_key_values if keep else None

    @property
    def _network(self) -> torch.nn.Module:
        return self.model.plain if self._plain else self.model.bridge.original_model

    @contextmanager
    def _attached(self) -> Iterator[None]:
        places = [(place, part) for place, parts in self._parts.items() for part in parts]
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            if self._plain:
                for place, part in places:
                    stack.callback(self._spots[part.hook].hook(partial(self._write, place, part)).remove)
            else:
                hooks = [(part.hook, partial(self._replace, place, part)) for place, part in places]
                stack.enter_context(self.model.bridge.hooks(fwd_hooks=hooks))
            head = self._network.get_output_embeddings()
            for handle in run_at(head, lambda: self._ends, widen=False):
                stack.callback(handle.remove)
            yield

    def _set(self, table: "_Table", edits: np.ndarray) -> None:
        self._current = {
            place: tuple(map(self._tensor, entries)) for place, entries in table.rows(edits).items()
        }

    def _write(self, place: Place, part: _Part, x: Tensor, hook: Any = None) -> None:
        if place not in self._current:
            return
        rows, units, values = self._current[place]
        if len(self._parts[place]) > 1:
            mine = (units >= part.start) & (units < part.stop)
            rows, units, values = rows[mine], units[mine] - part.start, values[mine]
        # Some families run their MLPs on all tokens in one row.
        whole = x.unflatten(0, self._shape) if x.ndim == 2 else x
        whole[rows, :, units] = values[:, None].to(x.dtype)

    def _replace(self, place: Place, part: _Part, x: Tensor, hook: Any) -> Tensor:
        # Heads have an axis of their own in some of TransformerLens' hooks.
        flat = x.clone() if x.ndim == 2 else x.flatten(2).clone()
        self._write(place, part, flat)
        return flat.view(x.shape)

    def _within_memory(
        self, batches: list[np.ndarray], run: Callable[[np.ndarray], Any], size: Callable[[np.ndarray], int]
    ) -> Iterator[Any]:
        return run_within_memory(batches, run, who=self.model.who, size=size, item="sequence")

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.model.device)

    def _check(self, ids: np.ndarray) -> None:
        who, context, vocabulary = self.model.who, self.model.context, self.model.vocabulary
        if context is not None and len(ids) > context:
            raise GolgiError(f"{who}: {len(ids)} tokens, BOS included, do not fit the context of {context}.")
        if len(ids) and ids.max() >= vocabulary:
            raise GolgiError(
                f"{who}: token id {ids.max()} is beyond the model's {vocabulary} embeddings "
                "(another model's tokenizer?)."
            )

    def _check_finite(self, values: np.ndarray) -> None:
        if not np.isfinite(values).all():
            raise GolgiError(
                f"{self.model.who}: log-probabilities are not finite numbers. Either the weights are damaged "
                "or the number format is too narrow for what units are set to (float32 is the widest)."
            )

    def _try(self) -> None:
        """Choose between the plain modules and TransformerLens', and whether keys and values are kept."""
        count = min(TRIED, self.model.context or TRIED)
        ids = np.random.default_rng(0).integers(0, self.model.vocabulary, (2, count))
        whole = {place: np.arange(parts[-1].stop) for place, parts in self._parts.items()}
        edit = {
            place: (units[::3], np.full(len(units[::3]), 0.5, np.float32)) for place, units in whole.items()
        }
        self._plain = False
        with naming_failure(f"TransformerLens cannot run the family {self.model.family}", who=self.model.who):
            shown = self._trial(ids, edit)
        self._check_settable(ids, whole)
        self._plain = all(part.hook in self._spots for parts in self._parts.values() for part in parts)
        self._plain = self._plain and self._same(shown, partial(self._trial, ids, edit))
        self._caches = count > 2 and self._same(shown[:, -1:], partial(self._trial, ids, edit, cached=True))
        if not self._plain:
            logger.info("%s: units are set through TransformerLens, block by block.", self.model.who)
        if not self._caches:
            logger.info("%s: every step of sampling reads its text again.", self.model.who)
        self.tokens = 0

    def _trial(self, ids: np.ndarray, edit: Edit, *, cached: bool = False) -> Tensor:
        """Logits of a row without and one with the edit, [row, token, vocabulary]; the last if `cached`."""
        self._set(_Table([{}, edit]), np.arange(len(ids)))
        cuts = [0, ids.shape[1] - 2, ids.shape[1] - 1, ids.shape[1]] if cached else [0, ids.shape[1]]
        cache = None
        with self._attached():
            for start, stop in pairwise(cuts):
                row, slot = (self._tensor(x.ravel()) for x in np.indices((len(ids), stop - start)))
                logits, cache = self._forward(
                    self._tensor(ids[:, start:stop]), (row, slot), cache, keep=cached
                )
        return logits.unflatten(0, (len(ids), -1))

    def _same(self, shown: Tensor, trial: Callable[[], Tensor]) -> bool:
        try:
            found = trial()
        except UNFIT:
            return False
        allowed = TOLERANCE[self.model.dtype] * float(shown.abs().max())
        return found.shape == shown.shape and bool(((found - shown).abs() <= allowed).all())

    def _check_settable(self, ids: np.ndarray, whole: dict[Place, np.ndarray]) -> None:
        for site in sorted({site for site, _ in whole}):
            edit = {
                place: (units, np.ones(len(units), np.float32))
                for place, units in whole.items()
                if place[0] == site
            }
            without, with_edit = self._trial(ids[[0, 0]], edit)
            if torch.equal(without, with_edit):
                raise GolgiError(
                    f"{self.model.who}: setting the units of {site} changes nothing that the model says: the "
                    f"family {self.model.family} only shows this site. Leave it out of experts.sites."
                )


def _find_parts(model: Model, places: list[Place]) -> dict[Place, list[_Part]]:
    widths = measure_widths(model, sorted({site for site, _ in places}))
    parts = {}
    for site, layer in places:
        if (site, layer) not in widths:
            raise GolgiError(f"{model.who}: there is no layer {layer}; the last one is {model.layers - 1}.")
        names = [f"blocks.{layer}.{part}" for part in HOOKS[site]]
        stops = np.cumsum(_measure_parts(model, names)) if len(names) > 1 else [widths[site, layer]]
        parts[site, layer] = [
            _Part(name, int(start), int(stop))
            for name, start, stop in zip(names, [0, *stops[:-1]], stops, strict=True)
        ]
    return parts


def _measure_parts(model: Model, names: list[str]) -> list[int]:
    found: dict[str, int] = {}
    hooks = [(name, lambda x, hook, name=name: found.update({name: x.flatten(2).shape[2]})) for name in names]
    ids = torch.zeros((1, 2), dtype=torch.long, device=model.device)
    with model.bridge.hooks(fwd_hooks=hooks), torch.inference_mode():
        model.forward(ids, torch.ones_like(ids))
    return [found[name] for name in names]


def _sampling_batches(lengths: np.ndarray, edits: int, *, rows: int) -> list[np.ndarray]:
    """Rows of (prompt, edit); prompts of one length only, so that nothing is padded."""
    batches = []
    for length in np.unique(lengths)[::-1]:
        prompts = np.flatnonzero(lengths == length)
        pairs = np.stack([np.repeat(prompts, edits), np.tile(np.arange(edits), len(prompts))], axis=1)
        batches += [pairs[start : start + rows] for start in range(0, len(pairs), rows)]
    return batches


class _Table:
    """The units and values of many edits, place by place, one edit after another."""

    def __init__(self, edits: Sequence[Edit]):
        self._columns = {}
        for place in sorted({place for edit in edits for place in edit}):
            nothing = np.zeros(0, np.int64), np.zeros(0, np.float32)
            units, values = zip(*(edit.get(place, nothing) for edit in edits), strict=True)
            bounds = np.cumsum([0, *map(len, units)])
            self._columns[place] = bounds, np.concatenate(units).astype(np.int64), np.concatenate(values)

    def rows(self, edits: np.ndarray) -> dict[Place, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return rows, units and values, [entry], of a batch with these edits in its rows."""
        found = {}
        for place, (bounds, units, values) in self._columns.items():
            row, entry = expand(bounds, edits)
            if len(row):
                found[place] = row, units[entry], values[entry].astype(np.float32)
        return found
