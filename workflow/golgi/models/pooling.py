"""One number per sentence and unit: token activations pooled over the sentence's own tokens."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from golgi.errors import GolgiError

POOLINGS = ("max", "mean", "last")
Pool = Callable[[Float[Tensor, "sentence token unit"]], Float[Tensor, "sentence unit"]]


def make_pool(kind: str, keep: Bool[Tensor, "sentence token"]) -> Pool:
    """Return a function from [sentence, token, unit] to [sentence, unit] over the tokens that `keep` marks.

    BOS, padding and masked words are false in `keep`; every sentence has at least one true token.
    `mean` is taken in float32; `max` and `last` keep the number format (Suau et al. 2020, sec. 3).
    """
    if kind == "max":
        return _max_pool(keep)
    if kind == "mean":
        return _mean_pool(keep)
    if kind == "last":
        return _last_pool(keep)
    raise GolgiError(f"experts.pooling: {kind!r} is not a pooling. Allowed: {', '.join(POOLINGS)}.")


def _max_pool(keep: Tensor) -> Pool:
    start = int(
        keep.any(0).int().argmax()
    )  # first position that any sentence keeps: skips BOS without a copy
    hidden = ~keep[:, start:, None]
    if not hidden.any():
        return lambda x: x[:, start:].amax(1)
    return lambda x: x[:, start:].masked_fill(hidden, -torch.inf).amax(1)


def _mean_pool(keep: Tensor) -> Pool:
    share = keep.float() / keep.sum(1, keepdim=True)
    return lambda x: torch.bmm(share[:, None], x.float())[:, 0]


def _last_pool(keep: Tensor) -> Pool:
    positions = torch.arange(keep.shape[1], device=keep.device)
    last = (positions * keep).amax(1)
    sentences = torch.arange(keep.shape[0], device=keep.device)
    return lambda x: x[sentences, last]
