"""The plain modules behind TransformerLens' hooks, and how to run a part of one, or none of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from golgi.models.bridge import Model

Ends = Callable[[], tuple[Tensor, Tensor]]  # rows and slots of the positions to run


@dataclass(frozen=True)
class Spot:
    """A module of the plain model, and whether its input or its output is what a hook shows."""

    path: str
    module: nn.Module
    before: bool

    def hook(self, function: Callable[[Tensor, Any], None]) -> RemovableHandle:
        """Call `function` as TransformerLens does, with the tensor and a hook point, here None."""
        if self.before:
            return self.module.register_forward_pre_hook(lambda _, inputs: function(inputs[0], None))
        return self.module.register_forward_hook(lambda _, inputs, output: function(_tensor(output), None))


def plain_spots(model: Model) -> dict[str, Spot]:
    """Return the spot in `model.plain` for every hook name of TransformerLens that has one."""
    plain = dict(model.plain.named_modules())
    owners = {}
    for name, module in model.bridge.original_model.named_modules():
        path = name.replace("._original_component", "")
        for side in ("hook_in", "hook_out"):
            point = getattr(module, side, None)
            if point is not None and path in plain:
                owners[id(point)] = Spot(path, plain[path], side == "hook_in")
    hooks = model.bridge.hook_dict
    return {name: owners[id(point)] for name, point in hooks.items() if id(point) in owners}


def find_mlp(model: Model, spots: dict[str, Spot], layer: int) -> nn.Module | None:
    """Return the module that runs a layer's MLP, or its first projection where the block itself holds it."""
    post, block = spots.get(f"blocks.{layer}.mlp.hook_post"), spots.get(f"blocks.{layer}.hook_resid_post")
    if post is None or block is None:
        return None
    parent = post.path.rpartition(".")[0]
    if parent != block.path:
        return model.plain.get_submodule(parent)
    pre = spots.get(f"blocks.{layer}.mlp.hook_pre")
    return None if pre is None else pre.module


def run_at(module: nn.Module, ends: Ends, *, widen: bool) -> list[RemovableHandle]:
    """Let a module that works position by position run at `ends` alone, on [1, end, d_model].

    With `widen` its output has the shape of its input again, zero elsewhere.
    """
    shapes = []

    def narrow(_: nn.Module, inputs: tuple) -> tuple:
        shapes.append(inputs[0].shape)
        return (inputs[0][ends()][None], *inputs[1:])

    def spread(_: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        whole = output.new_zeros((*shapes[-1][:-1], output.shape[-1]))
        whole[ends()] = output[0]
        return whole

    handles = [module.register_forward_pre_hook(narrow)]
    return [*handles, module.register_forward_hook(spread)] if widen else handles


@contextmanager
def not_run(module: nn.Module) -> Iterator[None]:
    """Let an attention module return at once what is not a number: nothing can depend on it unseen."""

    def forward(*inputs: Tensor, **named: Any) -> tuple[Tensor, None]:
        like = inputs[0] if inputs else named["hidden_states"]
        return like.new_full((1,), torch.nan).expand_as(like), None

    module.forward = forward
    try:
        yield
    finally:
        del module.forward


def _tensor(output: Tensor | tuple) -> Tensor:
    return output[0] if isinstance(output, tuple) else output
