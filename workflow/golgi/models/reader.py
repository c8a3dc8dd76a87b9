"""A model's sites, pooled inside the hooks, so that token activations live no longer than their layer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from golgi.models.batches import Batch
from golgi.models.bridge import Model
from golgi.models.pooling import Pool, make_pool
from golgi.models.rotation import random_orthogonal
from golgi.models.sites import measure_widths, site_hooks

Place = tuple[str, int]  # site, layer


@dataclass
class Pooled:
    """What one batch gave: pooled units per (site, layer), and the mean last residual of each sentence."""

    neuron: dict[Place, np.ndarray] = field(default_factory=dict)
    rotated: dict[Place, np.ndarray] = field(default_factory=dict)
    means: np.ndarray | None = None


class Reader:
    """Reads batches with one model: sites, pooling and, with a seed, the rotated basis."""

    def __init__(self, model: Model, *, sites: list[str], pooling: str, rotation_seed: int | None = None):
        self.model = model
        self.widths = measure_widths(model, sites)
        self._pooling = pooling
        self._rotations: dict[int, Tensor] = {}
        if rotation_seed is not None:
            for width in sorted(set(self.widths.values())):
                matrix = random_orthogonal(width, seed=rotation_seed)
                self._rotations[width] = torch.from_numpy(matrix).to(model.device)
        self._pool: Pool | None = None
        self._mean: Pool | None = None
        self._rotate = False
        self._seen: dict[str, dict[Place, Tensor]] = {}

    @contextmanager
    def hooked(self) -> Iterator["Reader"]:
        """Attach the hooks once for all batches that are read inside the block."""
        hooks = [hook for site, layer in self.widths for hook in site_hooks(site, layer, self._receive)]
        last = self.model.layers - 1
        hooks += site_hooks("resid_post", last, self._receive_last)
        with self.model.bridge.hooks(fwd_hooks=hooks), torch.inference_mode():
            yield self

    def read(self, batch: Batch, *, extras: bool = True) -> Pooled:
        """Run one batch; `extras` adds the rotated basis and the sentence means."""
        self._seen = {"neuron": {}, "rotated": {}, "means": {}}
        self._pool = make_pool(self._pooling, batch.keep)
        self._mean = make_pool("mean", batch.keep) if extras else None
        self._rotate = extras and bool(self._rotations)
        self.model.forward(batch.ids, batch.mask)
        seen = {
            kind: {place: _to_numpy(x) for place, x in found.items()} for kind, found in self._seen.items()
        }
        self._seen = {}
        return Pooled(seen["neuron"], seen["rotated"], next(iter(seen["means"].values()), None))

    def _receive(self, site: str, layer: int, x: Tensor) -> None:
        self._seen["neuron"][site, layer] = self._pool(x)
        if self._rotate:
            rotated = self._pool(x.float() @ self._rotations[x.shape[-1]])
            self._seen["rotated"][site, layer] = rotated.to(x.dtype)

    def _receive_last(self, site: str, layer: int, x: Tensor) -> None:
        if self._mean is not None:
            self._seen["means"][site, layer] = self._mean(x)


def _to_numpy(x: Tensor) -> np.ndarray:
    # NumPy has no bfloat16; float32 holds every bfloat16 exactly.
    return (x.float() if x.dtype == torch.bfloat16 else x).cpu().numpy()
