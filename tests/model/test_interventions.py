"""Forward passes and samples under interventions against TransformerLens and plain Hugging Face hooks."""

import numpy as np
import pytest
import torch
from conftest import SITES
from model_families import FAMILIES, save_random
from plain_interventions import Plain, assert_close, by_hugging_face, sum_log_probabilities

from golgi.errors import GolgiError
from golgi.models import intervening
from golgi.models.asking import Asked, Plan
from golgi.models.bridge import open_model
from golgi.models.intervening import Intervener
from golgi.models.sampling import gumbel, pick_tokens
from golgi.models.sites import HOOKS

LAYERS = (0, 1)


@pytest.fixture
def folder(tmp_path, tokenizer):
    return save_random("neox", tmp_path / "model", tokenizer)


def load(folder, *, dtype="float32"):
    return open_model(folder, who="tiny@7", seed=None, dtype=dtype, device=torch.device("cpu"))


def make_engine(model, sites=("mlp_post",), *, batch_tokens=4096, **options):
    places = [(site, layer) for site in sites for layer in LAYERS]
    return Intervener(model, places, batch_tokens=batch_tokens, **options)


def draw_edits(count=5, *, sites=("mlp_post",), width=30, seed=0):
    """No change, then changes of some units in one layer or both."""
    random = np.random.default_rng(seed)
    edits = [{}]
    for number in range(1, count):
        places = [(site, layer) for site in sites for layer in LAYERS if number % 3 != layer]
        edits.append({place: draw_edit(random, width) for place in places})
    return edits


def draw_edit(random, width):
    size = int(random.integers(1, 6))
    return random.choice(width, size, replace=False), random.normal(0, 2, size).astype(np.float32)


def draw_asked(count=12, *, seed=0):
    random, asked = np.random.default_rng(seed), []
    for length in random.integers(2, 14, count):
        ids = np.r_[0, random.integers(1, 6, length)]
        asked.append(Asked(ids, int(random.integers(1, length + 1))))
    return asked


def by_transformer_lens(model, asked, edits):
    """Every sequence by itself, hooked with TransformerLens, whose hooks replace whole tensors."""

    def replace(x, hook, units, values):
        flat = x.flatten(2).clone()
        flat[:, :, units] = torch.from_numpy(values)
        return flat.view(x.shape)

    rows = []
    for edit in edits:
        hooks = [
            (
                f"blocks.{layer}.{HOOKS[site][0]}",
                lambda x, hook, u=units, v=values: replace(x, hook, torch.from_numpy(u), v),
            )
            for (site, layer), (units, values) in edit.items()
        ]
        with torch.inference_mode():
            runs = [
                model.bridge.run_with_hooks(torch.from_numpy(one.ids[None]), fwd_hooks=hooks) for one in asked
            ]
        rows.append([sum_log_probabilities(x[0], one) for x, one in zip(runs, asked, strict=True)])
    return np.array(rows)


@pytest.mark.parametrize("name", FAMILIES)
def test_log_probabilities_are_those_of_transformer_lens_and_of_plain_hooks(name, tmp_path, tokenizer):
    folder = save_random(name, tmp_path / "model", tokenizer)
    model, asked, edits = load(folder), draw_asked(), draw_edits()
    engine = make_engine(model)
    found = engine.log_probabilities(asked, edits)
    assert found.shape == (5, 12)
    assert_close(found, by_transformer_lens(model, asked, edits))
    assert_close(found, by_hugging_face(name, folder, asked, edits))
    assert np.abs(found[1:] - found[0]).max() > 0.01
    assert engine._plain


@pytest.mark.parametrize("name", ["neox", "gpt2", "llama", "opt", "gemma2", "bloom"])
@pytest.mark.parametrize("site", SITES)
def test_every_site_can_be_set(site, name, tmp_path, tokenizer):
    folder = save_random(name, tmp_path / "model", tokenizer)
    asked, edits = draw_asked(6), draw_edits(4, sites=[site], width=64 if site == "qkv" else 30)
    found = make_engine(load(folder), [site]).log_probabilities(asked, edits)
    assert_close(found, by_hugging_face(name, folder, asked, edits))


def test_sites_can_be_set_together(folder):
    asked, edits = draw_asked(6), draw_edits(4, sites=["mlp_pre", "mlp_post", "qkv", "resid_post"])
    engine = make_engine(load(folder), ["mlp_pre", "mlp_post", "qkv", "resid_post"])
    assert_close(engine.log_probabilities(asked, edits), by_hugging_face("neox", folder, asked, edits))


def test_through_transformer_lens_it_is_the_same(folder, monkeypatch):
    asked, edits = draw_asked(), draw_edits()
    prompts = [one.ids for one in asked]
    wanted = make_engine(load(folder))
    monkeypatch.setattr(intervening, "plain_spots", lambda model: {})
    engine = make_engine(load(folder))
    assert not engine._plain
    assert_close(engine.log_probabilities(asked, edits), wanted.log_probabilities(asked, edits))
    options = {"length": 5, "top": 4, "seed": 1}
    np.testing.assert_array_equal(
        engine.sample(prompts, edits, **options), wanted.sample(prompts, edits, **options)
    )


@pytest.mark.parametrize("name", ["neox", "gpt2", "llama", "gemma2", "opt"])
def test_samples_are_those_of_a_plain_loop(name, tmp_path, tokenizer):
    folder = save_random(name, tmp_path / "model", tokenizer)
    edits = draw_edits(3)
    prompts = [np.r_[0, ids] for ids in ([5], [7, 8, 9], [3, 3], [12, 40, 7])]
    excluded = [0, 17, 33]
    engine = make_engine(load(folder), excluded=excluded)
    found = engine.sample(prompts, edits, length=6, top=5, seed=3)
    assert engine._caches
    plain = Plain(name, folder)
    for row, edit in enumerate(edits):
        for number, prompt in enumerate(prompts):
            assert found[row, number].tolist() == sample_slowly(plain, edit, prompt, number, excluded)
    assert (found[1:] != found[0]).any()


def sample_slowly(plain, edit, prompt, number, excluded):
    """Read the whole text anew for each token, and draw with the same noise."""
    ids = prompt.tolist()
    for step in range(6):
        logits = plain.logits(ids, edit)[-1]
        logits[excluded] = -torch.inf
        values, tokens = logits.topk(5)
        noise = gumbel(3, np.array(number), np.array(step), tokens.numpy())
        ids.append(int(tokens[int((values.numpy() + noise).argmax())]))
    return ids[len(prompt) :]


def test_tokens_are_drawn_with_their_probabilities():
    logits = np.log(np.array([0.5, 0.3, 0.2]))
    count = 40_000
    prompts = np.arange(count)
    tokens = np.tile([11, 5, 70], (count, 1))
    drawn = pick_tokens(np.tile(logits, (count, 1)), tokens, prompts, 2, seed=4)
    shares = [(drawn == token).mean() for token in (11, 5, 70)]
    np.testing.assert_allclose(shares, [0.5, 0.3, 0.2], atol=0.01)
    noise = gumbel(4, prompts, np.array(2), np.array(11))
    assert abs(noise.mean() - np.euler_gamma) < 0.03
    assert abs(np.corrcoef(noise, gumbel(4, prompts, np.array(3), np.array(11)))[0, 1]) < 0.02


def test_batches_do_not_matter_and_a_call_repeats_itself_exactly(folder):
    model, asked, edits = load(folder), draw_asked(8), draw_edits(4)
    prompts = [one.ids for one in asked]
    engine = make_engine(model)
    values = engine.log_probabilities(asked, edits)
    options = {"length": 5, "top": 4, "seed": 1}
    tokens = engine.sample(prompts, edits, **options)
    np.testing.assert_array_equal(engine.log_probabilities(asked, edits), values)
    for batch_tokens in (1, 30, 200):
        other = make_engine(model, batch_tokens=batch_tokens)
        assert_close(other.log_probabilities(asked, edits), values)
        np.testing.assert_array_equal(other.sample(prompts, edits, **options), tokens)
    np.testing.assert_array_equal(engine.sample(prompts, edits[::-1], **options), tokens[::-1])


def test_a_batch_too_large_is_halved_and_gives_the_same(folder, monkeypatch, caplog):
    asked, edits = draw_asked(), draw_edits()
    prompts, options = [one.ids for one in asked], {"length": 5, "top": 4, "seed": 1}
    engine = make_engine(load(folder))
    values, tokens = engine.log_probabilities(asked, edits), engine.sample(prompts, edits, **options)
    forward = Intervener._forward

    def limited(self, ids, *inputs, **named):
        if ids.numel() > 90:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, ids, *inputs, **named)

    monkeypatch.setattr(Intervener, "_forward", limited)
    with caplog.at_level("WARNING"):
        assert_close(engine.log_probabilities(asked, edits), values)
        np.testing.assert_array_equal(engine.sample(prompts, edits, **options), tokens)
    assert "do not fit into memory, going on with at most" in caplog.text


def test_what_is_asked_of_a_beginning_is_read_once(folder):
    whole = Asked(np.array([0, 4, 5, 6, 7, 8]), 1)
    beginnings = [Asked(np.array([0, 4, 5, 9]), 3), Asked(np.array([0, 4, 2]), 2), whole]
    engine = make_engine(load(folder))
    found = engine.log_probabilities([*beginnings, whole], [{}])
    assert engine.tokens == 5
    assert_close(found, by_hugging_face("neox", folder, [*beginnings, whole], [{}]))
    assert found[0, 2] == found[0, 3]
    assert len(Plan([whole, Asked(np.array([0, 5, 5]), 1)]).lengths) == 2


def test_half_precision_is_close(folder):
    asked, edits = draw_asked(), draw_edits()
    found = make_engine(load(folder, dtype="bfloat16")).log_probabilities(asked, edits)
    wanted = by_hugging_face("neox", folder, asked, edits)
    assert np.abs(found - wanted).max() < 0.05 * np.abs(wanted).max()


def test_what_cannot_be_done_is_named(folder, monkeypatch):
    model = load(folder)
    engine = make_engine(model)
    with pytest.raises(GolgiError, match="tiny@7: 49 tokens, BOS included, do not fit the context of 48"):
        engine.log_probabilities([Asked(np.ones(50, np.int64), 1)], [{}])
    with pytest.raises(GolgiError, match="token id 300 is beyond the model's 300 embeddings"):
        engine.sample([np.array([300])], [{}], length=2, top=2, seed=0)
    with pytest.raises(GolgiError, match="there is no layer 2; the last one is 1"):
        Intervener(model, [("mlp_post", 2)], batch_tokens=64)
    wide = {("mlp_post", 1): (np.array([3]), np.array([np.nan], np.float32))}
    with pytest.raises(GolgiError, match="tiny@7: log-probabilities are not finite numbers"):
        engine.log_probabilities(draw_asked(3), [wide])
    monkeypatch.setattr(Intervener, "_replace", lambda self, place, part, x, hook: x)
    with pytest.raises(GolgiError, match="tiny@7: setting the units of mlp_post changes nothing"):
        make_engine(model)


def test_nothing_asked_is_nothing_run(folder):
    engine = make_engine(load(folder))
    assert engine.log_probabilities([], [{}]).shape == (1, 0)
    assert engine.sample([], [{}], length=3, top=2, seed=0).shape == (1, 0, 3)
    assert engine.tokens == 0


def test_interventions_in_a_trained_model(data):
    folder = data / "models" / "tinystories-4m" / "step2048"
    model, asked, edits = load(folder), draw_asked(6), draw_edits(4, width=800)
    found = make_engine(model).log_probabilities(asked, edits)
    assert_close(found, by_hugging_face("neox", folder, asked, edits))
