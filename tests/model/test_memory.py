"""Batches: their bounds, and what happens when one does not fit into memory."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from model_families import save_random

from golgi.errors import GolgiError
from golgi.models.batches import Sentence, collate, plan_batches
from golgi.models.bridge import Model
from golgi.models.memory import padded_tokens, ran_out_of_memory, run_within_memory
from golgi.models.pooling import make_pool


def make_sentences(lengths):
    return [Sentence(row, np.arange(size), np.ones(size, bool)) for row, size in enumerate(lengths)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(1, 200))
def test_batches_hold_every_sentence_once_within_the_bound(lengths, batch_tokens):
    batches = plan_batches(make_sentences(lengths), batch_tokens=batch_tokens)
    rows = sorted(sentence.row for batch in batches for sentence in batch)
    assert rows == list(range(len(lengths)))
    assert all(len(batch) == 1 or padded_tokens(batch) <= batch_tokens for batch in batches)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(40, 400))
def test_halving_runs_every_sentence_once_and_in_order(lengths, limit):
    batches = plan_batches(make_sentences(lengths), batch_tokens=1000)

    def run(batch):
        if padded_tokens(batch) > limit:
            raise torch.OutOfMemoryError("no memory")
        return [sentence.row for sentence in batch]

    with patch("golgi.models.memory._free_memory"):  # slow, and nothing to free here
        rows = [row for result in run_within_memory(batches, run, who="m@1") for row in result]
    assert rows == [sentence.row for batch in batches for sentence in batch]


@pytest.mark.parametrize("kind", ["max", "mean", "last"])
@given(data=st.data())
def test_pools_see_only_kept_tokens(kind, data):
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 6)))
    seed = data.draw(st.integers(0, 99))
    generator = torch.Generator().manual_seed(seed)
    keep = torch.rand(shape, generator=generator) < 0.5
    keep[:, -1] |= ~keep.any(1)
    x = torch.randn(*shape, 3, generator=generator)
    got = make_pool(kind, keep)(torch.where(keep[..., None], x, 1e6))
    brute = {"max": lambda t: t.amax(0), "mean": lambda t: t.mean(0), "last": lambda t: t[-1]}[kind]
    if kind == "mean":
        got = make_pool(kind, keep)(x)
    torch.testing.assert_close(got, torch.stack([brute(x[i][keep[i]]) for i in range(shape[0])]))


def test_padding_is_on_the_right():
    batch = collate(make_sentences([2, 3]), pad=9, device=torch.device("cpu"))
    assert batch.ids.tolist() == [[0, 1, 9], [0, 1, 2]]
    assert batch.mask.tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch.tokens == 5


def refuse_above(monkeypatch, limit, error):
    """Let the forward fail as an allocator would, for more than `limit` token positions."""
    forward = Model.forward

    def limited(self, ids, mask):
        if ids.numel() > limit:
            raise error
        forward(self, ids, mask)

    monkeypatch.setattr(Model, "forward", limited)


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"),
    MemoryError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_batch_too_large_is_halved_and_gives_the_same(
    tmp_path, tokenizer, collect, monkeypatch, caplog, error
):
    folder = save_random("neox", tmp_path / "model", tokenizer)
    options = {"batch_tokens": 4096, "masked": True, "rotation_seed": 1}
    want = collect(folder, **options)
    refuse_above(monkeypatch, 200, error)
    with caplog.at_level("WARNING"):
        got = collect(folder, name="halved", **options)
    assert "do not fit into memory, going on with at most" in caplog.text
    assert got.facts == want.facts
    for kind in ("responses", "rotated", "embeddings"):
        for key, values in getattr(want, kind).items():
            np.testing.assert_allclose(getattr(got, kind)[key], values, rtol=1e-4, atol=1e-5)


def test_one_sentence_that_does_not_fit_is_an_error(tmp_path, tokenizer, collect, monkeypatch):
    folder = save_random("neox", tmp_path / "model", tokenizer)
    refuse_above(monkeypatch, 130, torch.OutOfMemoryError("CUDA out of memory."))
    collect(folder)
    refuse_above(monkeypatch, 20, torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(GolgiError, match=r"tiny@7: one sentence of \d+ tokens does not fit into memory"):
        collect(folder)


def test_a_model_that_does_not_fit_is_not_called_unfit(tmp_path, tokenizer, collect, monkeypatch):
    folder = save_random("neox", tmp_path / "model", tokenizer)
    for error in ERRORS:
        refuse_above(monkeypatch, 1, error)
        with pytest.raises(GolgiError, match=r"tiny@7: the model does not fit into memory; use a narrower"):
            collect(folder)
        monkeypatch.undo()


def test_a_genuine_allocation_failure_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert ran_out_of_memory(caught.value)
    assert not ran_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
