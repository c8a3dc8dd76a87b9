"""Responses: one number per sentence and unit, from one pass of a model over the sentence pool."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from golgi.errors import GolgiError
from golgi.files import read_json
from golgi.models.batches import Sentence, best_batch_tokens, collate, plan_batches
from golgi.models.bridge import Model, open_model
from golgi.models.device import choose_dtype, claim_device
from golgi.models.embeddings import SentenceMeans, input_embeddings
from golgi.models.memory import run_within_memory
from golgi.models.reader import Place, Pooled, Reader
from golgi.models.sites import check_identity
from golgi.models.text import Text, read_text
from golgi.models.tokenizer import hash_tokenizer
from golgi.progress import Progress
from golgi.tables import create_arrays, write_arrays, write_table

logger = logging.getLogger(__name__)

CHECKED_SENTENCES = 4
COMMIT = 40  # digits


def collect_responses(
    *,
    folder: Path,
    model: str,
    checkpoint: str,
    step: int | None,
    source: str,
    untrained_seed: int | None,
    pool: Path,
    concepts: Path,
    sites: list[str],
    pooling: str,
    bos: bool,
    dtype: str,
    device: str,
    batch_tokens: int,
    threads: int,
    rotation_seed: int | None,
    masked: bool,
    responses: Path,
    rotated: Path | None,
    embeddings: Path,
    facts: Path,
) -> None:
    """Read every sentence of the pool once and write its pooled responses (Suau et al. 2020, sec. 3).

    Writes `responses` (and `rotated`, with `rotation_seed`): "{site}/{layer}" [sentence, unit]; `embeddings`:
    "input" and "sentence" [concept, d_model]; `facts`: one row about the weights. With `masked`, rows S..2S-1
    of `responses` are the same S sentences with their concept's word replaced by a neutral token and left out
    of the pooling. With `untrained_seed` the model is the seeded, untrained twin of the one in `folder`.
    Raises GolgiError naming model, checkpoint and file, layer or sentences where something does not fit.
    """
    torch.set_num_threads(threads)
    who = f"{model}@{checkpoint}"
    if (rotation_seed is None) != (rotated is None):
        raise GolgiError(f"{who}: the rotated basis needs both a seed and a file to write to.")
    with claim_device(device) as place:
        network = open_model(Path(folder), who=who, seed=untrained_seed, dtype=dtype, device=place)
        text = read_text(network, Path(folder), pool=pool, concepts=concepts, bos=bos, masked=masked)
        reader = Reader(network, sites=list(sites), pooling=pooling, rotation_seed=rotation_seed)
        _check_identity(network, text)
        files = {"responses": responses, "rotated": rotated}
        means, tokens = _write_responses(reader, text, batch_tokens=batch_tokens, **files)
        inputs = input_embeddings(network, text.tokenizer, text.words)
    write_arrays({"input": inputs, "sentence": means}, embeddings)
    row = {"model": model, "checkpoint": checkpoint, "step": step, "dtype": dtype, "tokens": tokens}
    row |= {"source": source if untrained_seed is None else "random"}
    row |= _facts(reader, text, Path(folder))
    write_table(pl.DataFrame([row], schema_overrides={"step": pl.Int64}), facts, schema="models")


def read_all(reader: Reader, text: Text, *, batch_tokens: int) -> Iterator[tuple[np.ndarray, Pooled, int]]:
    """Yield (rows, pooled responses, tokens read) of all sentences, in batches of similar length.

    Rows from the number of sentences on are masked sentences; these get no rotated basis and no means.
    """
    model, count = reader.model, len(text.texts)
    batch_tokens = best_batch_tokens(batch_tokens, model.device)

    def run(members: list[Sentence]) -> tuple[np.ndarray, Pooled, int]:
        batch = collate(members, pad=text.pad, device=model.device)
        return batch.rows, reader.read(batch, extras=members[0].row < count), batch.tokens

    batches = plan_batches(text.plain, batch_tokens=batch_tokens)
    batches += plan_batches(text.masked, batch_tokens=batch_tokens)
    total = sum(len(sentence.ids) for sentence in (*text.plain, *text.masked))
    with reader.hooked(), Progress(total, unit="tokens", label=model.who, logger=logger) as progress:
        for result in run_within_memory(batches, run, who=model.who):
            yield result
            progress.advance(result[2])


def _check_identity(model: Model, text: Text) -> None:
    def check(members: list[Sentence]) -> None:
        batch = collate(members, pad=text.pad, device=model.device)
        check_identity(model, batch.ids, batch.mask)

    shortest = sorted(text.plain, key=lambda sentence: (len(sentence.ids), sentence.row))
    list(run_within_memory([shortest[:CHECKED_SENTENCES]], check, who=model.who))


def _write_responses(
    reader: Reader, text: Text, *, batch_tokens: int, responses: Path, rotated: Path | None
) -> tuple[np.ndarray, int]:
    who, count, tokens = reader.model.who, len(text.texts), 0
    means = SentenceMeans(text.concepts, text.labels, who=who)
    metadata = {"sentences": str(count), "masked": "true" if text.masked else "false"}
    with ExitStack() as stack:
        layout = _layout(reader, count + len(text.masked))
        neuron = stack.enter_context(create_arrays(responses, layout=layout, metadata=metadata))
        turned = {}
        if rotated is not None:
            layout = _layout(reader, count)
            turned = stack.enter_context(
                create_arrays(rotated, layout=layout, metadata=metadata | {"masked": "false"})
            )
        for rows, pooled, read in read_all(reader, text, batch_tokens=batch_tokens):
            _check_finite(pooled, rows, text, reader.model)
            _store(neuron, rows, pooled.neuron)
            _store(turned, rows, pooled.rotated)
            if pooled.means is not None:
                means.add(rows, pooled.means)
            tokens += read
    return means.result(), tokens


def _layout(reader: Reader, rows: int) -> dict[str, tuple[tuple[int, int], np.dtype]]:
    half = reader.model.dtype == torch.float16
    stored = np.dtype(np.float16 if half else np.float32)
    return {_key(place): ((rows, width), stored) for place, width in reader.widths.items()}


def _store(arrays: dict[str, np.ndarray], rows: np.ndarray, pooled: dict[Place, np.ndarray]) -> None:
    for place, values in pooled.items():
        arrays[_key(place)][rows] = values


def _key(place: Place) -> str:
    site, layer = place
    return f"{site}/{layer}"


def _check_finite(pooled: Pooled, rows: np.ndarray, text: Text, model: Model) -> None:
    found = dict(pooled.neuron)
    if pooled.means is not None:
        found.setdefault(("resid_post", model.layers - 1), pooled.means)
    for site, layer in sorted(found, key=lambda place: place[1]):
        broken = rows[~np.isfinite(found[site, layer]).all(axis=1)]
        if not len(broken):
            continue
        number = int(broken.min()) % len(text.texts)
        raise GolgiError(
            f"{model.who}: layer {layer}, {site}: responses are not finite numbers for {len(broken)} "
            f"of {len(rows)} sentences of a batch, such as {number}: {text.texts[number][:80]!r}. "
            "Either the weights are damaged, or the number format is too narrow (float32 is the widest)."
        )


def _facts(reader: Reader, text: Text, folder: Path) -> dict[str, Any]:
    model = reader.model
    on_cpu = model.device.type == "cpu"
    facts = {
        "weights_sha256": model.weights_sha256,
        "tokenizer_sha256": hash_tokenizer(text.tokenizer, folder),
        "family": model.family,
        "layers": model.layers,
        "units": sum(reader.widths.values()),
        "parameters": model.parameters,
        "device": "cpu" if on_cpu else torch.cuda.get_device_name(model.device),
        "dtype_reason": choose_dtype(str(model.dtype).removeprefix("torch."))[1],
    }
    return facts | {"revision": _noted_commit(folder / "golgi-source.json")}


def _noted_commit(record: Path) -> str:
    noted = read_json(record) if record.is_file() else {}
    return str(noted.get("commit", ""))[:COMMIT] if isinstance(noted, dict) else ""
