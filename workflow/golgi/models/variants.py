"""Variants: responses to the same sentences, with one choice about reading a model made otherwise."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from golgi.errors import GolgiError
from golgi.models.batches import Batch
from golgi.models.bridge import Model, open_model
from golgi.models.device import claim_device
from golgi.models.pooling import Pool, make_pool
from golgi.models.reader import Place, Pooled, Reader
from golgi.models.responses import read_all
from golgi.models.sites import site_hooks
from golgi.models.text import Text, read_text
from golgi.models.tokenizer import load_tokenizer
from golgi.tables import Layout, create_arrays, write_arrays

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Variant:
    """How a model is read when one choice (`factor`) is made otherwise (`value`); the rest is the study's."""

    factor: str  # pooling, site or bos
    value: str
    sites: tuple[str, ...]
    pooling: str
    bos: bool

    @property
    def name(self) -> str:
        """What its arrays are called, before site and layer."""
        return f"{self.factor}/{self.value}"


def plan_variants(
    *, sites: Sequence[str], pooling: str, bos: bool, alternatives: dict[str, Sequence[str] | bool]
) -> list[Variant]:
    """Return the variants of a study that reads `sites` with `pooling` and `bos`, one choice changed in each.

    `alternatives` has `poolings` and `sites`, each site to be read by itself, and whether to read with the
    other setting of `bos`.
    """
    own = {"sites": tuple(sites), "pooling": pooling, "bos": bos}
    variants = [Variant("pooling", one, **own | {"pooling": one}) for one in alternatives["poolings"]]
    variants += [Variant("site", one, **own | {"sites": (one,)}) for one in alternatives["sites"]]
    if alternatives["bos"]:
        variants.append(Variant("bos", str(not bos).lower(), **own | {"bos": not bos}))
    return variants


def read_variants(
    *,
    folder: Path,
    who: str,
    untrained_seed: int | None,
    pool: Path,
    concepts: Path,
    variants: Sequence[Variant],
    dtype: str,
    device: str,
    batch_tokens: int,
    threads: int,
    responses: Path,
) -> None:
    """Read the pool for every variant and write its responses, arrays "{factor}/{value}/{site}/{layer}".

    Arrays are [sentence, unit]. Values and number formats are those that `collect_responses` would write if
    the study had chosen so. Variants with one setting of BOS share a pass over the sentences. With
    `untrained_seed` the model is the seeded, untrained twin of the one in `folder`. Raises GolgiError, naming
    `who`, as `collect_responses` does, and where BOS is to be read but the tokenizer has none.
    """
    torch.set_num_threads(threads)
    if not variants:
        logger.info("%s: no choice is to be made otherwise; the model is not opened.", who)
        write_arrays({}, responses)
        return
    with claim_device(device) as place:
        model = open_model(Path(folder), who=who, seed=untrained_seed, dtype=dtype, device=place)
        with_bos, without = ([one for one in variants if one.bos is bos] for bos in (True, False))
        readers = [VariantReader(model, group) for group in (with_bos, without) if group]
        texts = [_read_text(model, Path(folder), pool, concepts, bos=reader.bos) for reader in readers]
        layout: Layout = {}
        for reader, text in zip(readers, texts, strict=True):
            layout |= _layout(reader, len(text.texts))
        with create_arrays(responses, layout=layout) as written:
            for reader, text in zip(readers, texts, strict=True):
                for rows, pooled, _ in read_all(reader, text, batch_tokens=batch_tokens):
                    for (site, layer), values in pooled.neuron.items():
                        written[f"{site}/{layer}"][rows] = values


def _read_text(model: Model, folder: Path, pool: Path, concepts: Path, *, bos: bool) -> Text:
    if bos and load_tokenizer(folder, who=model.who).bos_token_id is None:
        raise GolgiError(
            f"{model.who}: analyses.sensitivity.bos asks to read with BOS too, but the model's tokenizer has "
            "no BOS token. Set `bos: false` there."
        )
    return read_text(model, folder, pool=pool, concepts=concepts, bos=bos, masked=False)


class VariantReader(Reader):
    """Reads batches once for several variants; a place is ("{factor}/{value}/{site}", layer)."""

    def __init__(self, model: Model, variants: Sequence[Variant]):
        self.bos = variants[0].bos
        self._variants = variants
        sites = list(dict.fromkeys(site for variant in variants for site in variant.sites))
        super().__init__(model, sites=sites, pooling=variants[0].pooling)
        self._places = list(self.widths)
        self.widths = {
            _place(variant, site, layer): width
            for variant in variants
            for (site, layer), width in self.widths.items()
            if site in variant.sites
        }
        self._pools: dict[str, Pool] = {}
        self._found: dict[Place, Tensor] = {}

    @contextmanager
    def hooked(self) -> Iterator["VariantReader"]:
        """Attach the hooks once for all batches that are read inside the block."""
        hooks = [hook for site, layer in self._places for hook in site_hooks(site, layer, self._take)]
        with self.model.bridge.hooks(fwd_hooks=hooks), torch.inference_mode():
            yield self

    def read(self, batch: Batch, *, extras: bool = True) -> Pooled:
        """Run one batch; there are neither a rotated basis nor sentence means, whatever `extras` says."""
        self._found = {}
        self._pools = {one.pooling: make_pool(one.pooling, batch.keep) for one in self._variants}
        self.model.forward(batch.ids, batch.mask)
        # NumPy has no bfloat16; float32 holds every bfloat16 exactly.
        widened = {place: x.float() if x.dtype == torch.bfloat16 else x for place, x in self._found.items()}
        self._found = {}
        return Pooled({place: x.cpu().numpy() for place, x in widened.items()})

    def _take(self, site: str, layer: int, x: Tensor) -> None:
        for variant in self._variants:
            if site in variant.sites:
                self._found[_place(variant, site, layer)] = self._pools[variant.pooling](x)


def _place(variant: Variant, site: str, layer: int) -> Place:
    return f"{variant.name}/{site}", layer


def _layout(reader: VariantReader, sentences: int) -> Layout:
    half = reader.model.dtype == torch.float16
    stored = np.dtype(np.float16 if half else np.float32)
    return {f"{site}/{layer}": ((sentences, width), stored) for (site, layer), width in reader.widths.items()}
