"""Taps: sites read off a forward pass that stops as soon as the last of them has been read."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from golgi.models.bridge import Model
from golgi.models.layouts import Layout
from golgi.models.plain import find_mlp, not_run, plain_spots, run_at
from golgi.models.sites import HOOKS, site_hooks

Place = tuple[str, int]  # site, layer
# Of what a site holds, [row, slot, unit], and of the rows and slots of it where the sequences end.
Read = Callable[[Tensor, Tensor, Tensor], Any]

WITHIN_MLP = ("mlp_pre", "mlp_post", "mlp_out")


@dataclass(frozen=True)
class Cuts:
    """What of a forward is left out."""

    plain: bool = True  # TransformerLens' own work in every block
    narrow: tuple[int, ...] = ()  # layers whose MLPs run where sequences end, and nowhere else
    skip: int | None = None  # the layer whose attention does not run


class Taps:
    """Hooks on sites of one model, and the forward that runs until they have been read."""

    def __init__(self, model: Model, places: list[Place], *, pad: int):
        """`places` are the sites and layers to read; `pad` is an id that the model knows."""
        self.model, self.places, self._pad = model, places, pad
        self._spots = plain_spots(model)
        self._reads: dict[Place, Read] = {}
        self._found: dict[Place, Any] = {}
        self._ends: tuple[Tensor, Tensor] = ()
        self._shape: tuple[int, int] = (0, 0)
        self._cuts = Cuts()

    @property
    def has_plain(self) -> bool:
        """Whether every site is the input or the output of a plain module."""
        names = (f"blocks.{layer}.{part}" for site, layer in self.places for part in HOOKS[site])
        return all(name in self._spots for name in names)

    @contextmanager
    def attached(self, last: int, cuts: Cuts) -> Iterator[None]:
        """Attach the hooks of all places up to the layer `last`, for all forwards inside the block."""
        places = [(site, layer) for site, layer in self.places if layer <= last]
        hooks = [hook for site, layer in places for hook in site_hooks(site, layer, self._receive)]
        self._cuts = cuts
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            if not cuts.plain:
                stack.enter_context(self.model.bridge.hooks(fwd_hooks=hooks))
            for name, function in hooks if cuts.plain else ():
                stack.callback(self._spots[name].hook(partial(self._unflattened, function)).remove)
            for layer in cuts.narrow:
                module = find_mlp(self.model, self._spots, layer)
                # In the last layer the forward stops before anything needs the other positions.
                for handle in run_at(module, lambda: self._ends, widen=layer < last):
                    stack.callback(handle.remove)
            if cuts.skip is not None:
                stack.enter_context(not_run(self._spots[f"blocks.{cuts.skip}.attn.hook_out"].module))
            yield

    def run(self, layout: Layout, reads: dict[Place, Read]) -> dict[Place, Any]:
        """Run the model until every place of `reads` has been read, and return what was read of each."""
        self._reads, self._found = reads, {}
        self._ends = self.tensor(layout.rows), self.tensor(layout.slots)
        self._shape = layout.ids.shape
        network = self.model.plain if self._cuts.plain else self.model.bridge.original_model
        with suppress(_Done):
            network.base_model(**self.inputs(layout), use_cache=False)
        return self._found

    def inputs(self, layout: Layout) -> dict[str, Tensor]:
        """Return a layout as the arguments of a Hugging Face model; padding on the right needs no mask."""
        ids = self.tensor(layout.ids)
        inputs = {"input_ids": ids.masked_fill(ids < 0, self._pad)}
        if layout.visible is not None:
            hidden = self.tensor(~layout.visible)[:, None]  # [row, head, slot, slot]
            mask = torch.zeros(hidden.shape, dtype=self.model.dtype, device=hidden.device)
            inputs["attention_mask"] = mask.masked_fill_(hidden, torch.finfo(mask.dtype).min)
            inputs["position_ids"] = self.tensor(layout.positions)
        return inputs

    def tensor(self, array: Any) -> Tensor:
        """Return an array on the model's device."""
        return torch.from_numpy(array).to(self.model.device)

    def _unflattened(self, function: Callable[..., None], x: Tensor, hook: Any) -> None:
        # Some families run their MLPs on all tokens in one row.
        function(x.unflatten(0, self._shape) if x.ndim == 2 else x, hook)

    def _receive(self, site: str, layer: int, x: Tensor) -> None:
        read = self._reads.get((site, layer))
        if read is None:
            return
        rows, slots = self._ends
        if layer in self._cuts.narrow and site in WITHIN_MLP:
            rows, slots = torch.zeros_like(rows), torch.arange(len(slots), device=slots.device)
        self._found[site, layer] = read(x, rows, slots)
        if len(self._found) == len(self._reads):
            raise _Done


class _Done(Exception):
    """Every place has been read."""
