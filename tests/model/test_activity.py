"""Activity against plain Hugging Face hooks, one context at a time, and what its short cuts leave out."""

import numpy as np
import pytest
import torch
from conftest import SITES
from model_families import FAMILIES, plain_activations, save_random
from transformers import AutoModelForCausalLM

from golgi.errors import GolgiError
from golgi.models.activity import Activity, open_activity
from golgi.models.bridge import open_model
from golgi.models.taps import Taps

PARALLEL = {"neox", "phi"}  # attention and MLP side by side
UNITS = [(site, layer, unit) for site in ("mlp_pre", "mlp_post") for layer in (0, 1) for unit in (0, 7, 40)]


@pytest.fixture
def folder(tmp_path, tokenizer):
    return save_random("neox", tmp_path / "model", tokenizer)


def load(folder, *, dtype="float32"):
    return open_model(folder, who="tiny@7", seed=None, dtype=dtype, device=torch.device("cpu"))


def make_activity(model, units=UNITS, *, bos=0, batch_tokens=4096, **options):
    return Activity(model, units, bos=bos, pad=0, batch_tokens=batch_tokens, **options)


def draw_contexts(count=80, *, longest=12, tokens=4, seed=0):
    """Contexts of few different tokens, so that many share a beginning and some are the same."""
    random = np.random.default_rng(seed)
    return [
        random.integers(1, 1 + tokens, random.integers(1, longest + 1)).astype(np.int32) for _ in range(count)
    ]


def draw_units(count=80, *, units=UNITS, seed=1):
    return np.random.default_rng(seed).integers(0, len(units), count)


def one_by_one(name, folder, contexts, numbers, *, units=UNITS, bos=True):
    """Read every context by itself with plain Hugging Face code."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    values = []
    for context, number in zip(contexts, numbers, strict=True):
        site, layer, unit = units[number]
        found = plain_activations(name, model.eval(), [0] * bos + context.tolist())
        values.append(float(found[site, layer][-1, unit]))
    return np.array(values, np.float32)


def as_windows(contexts):
    ids = np.full((len(contexts), max(map(len, contexts))), -1, np.int32)
    for row, context in enumerate(contexts):
        ids[row, : len(context)] = context
    return ids


def assert_close(found, wanted):
    worst = np.abs(found - wanted).max() / np.abs(wanted).max()
    assert worst < 1e-5, f"worst deviation {worst:.2g} of the largest activation"


@pytest.mark.parametrize("name", FAMILIES)
def test_probes_traces_and_peaks_are_those_of_plain_hugging_face_code(name, tmp_path, tokenizer):
    folder = save_random(name, tmp_path / "model", tokenizer)
    activity = make_activity(load(folder))
    contexts, numbers = draw_contexts(), draw_units()
    wanted = one_by_one(name, folder, contexts, numbers)
    assert_close(activity.probe(contexts, numbers), wanted)
    ids = as_windows(contexts)
    traced = activity.trace(ids)
    ends = [len(context) - 1 for context in contexts]
    assert_close(traced[np.arange(len(ids)), ends, numbers], wanted)
    assert traced.dtype == np.float32
    assert not traced[ids < 0].any()
    values, places = activity.peaks(ids)
    masked = np.where((ids >= 0)[..., None], traced, -np.inf)
    np.testing.assert_array_equal(values, masked.max(axis=1))
    np.testing.assert_array_equal(places, masked.argmax(axis=1))


@pytest.mark.parametrize("name", FAMILIES)
def test_shortcuts_are_taken_where_the_family_allows_them(name, tmp_path, tokenizer):
    activity = make_activity(load(save_random(name, tmp_path / "model", tokenizer)))
    for last in (0, 1):
        cuts = activity._shortcuts.choose(last, ends_only=True)
        assert cuts.plain
        assert cuts.skip == (last if name in PARALLEL else None)
        assert (last in cuts.narrow) == (name != "opt")
    assert activity._shortcuts.can_pack(12) == (name != "bloom")


@pytest.mark.parametrize("site", SITES)
def test_every_site_is_read_alone_and_beside_others(site, folder):
    model, units = load(folder), [(site, layer, unit) for layer in (0, 1) for unit in (3, 20)]
    contexts, numbers = draw_contexts(), draw_units(units=units)
    wanted = one_by_one("neox", folder, contexts, numbers, units=units)
    assert_close(make_activity(model, units).probe(contexts, numbers), wanted)
    assert_close(make_activity(model, units + UNITS).probe(contexts, numbers), wanted)


def test_without_bos_a_context_stands_alone(folder):
    contexts, numbers = draw_contexts(), draw_units()
    activity = make_activity(load(folder), bos=None)
    wanted = one_by_one("neox", folder, contexts, numbers, bos=False)
    assert_close(activity.probe(contexts, numbers), wanted)
    ids = as_windows(contexts)
    ends = [len(context) - 1 for context in contexts]
    assert_close(activity.trace(ids)[np.arange(len(ids)), ends, numbers], wanted)


@pytest.mark.parametrize("packed", [True, False])
def test_batches_do_not_matter_and_a_call_repeats_itself_exactly(packed, folder, monkeypatch):
    contexts, numbers, ids = draw_contexts(), draw_units(), as_windows(draw_contexts())
    activity = make_activity(load(folder))
    monkeypatch.setattr(activity._shortcuts, "can_pack", lambda longest: packed)
    probed, traced, peaks = activity.probe(contexts, numbers), activity.trace(ids), activity.peaks(ids)
    np.testing.assert_array_equal(activity.probe(contexts, numbers), probed)
    for batch_tokens in (1, 30, 200):
        other = make_activity(activity.model, batch_tokens=batch_tokens)
        monkeypatch.setattr(other._shortcuts, "can_pack", lambda longest: packed)
        assert_close(other.probe(contexts, numbers), probed)
        assert_close(other.trace(ids), traced)
        assert_close(other.peaks(ids)[0], peaks[0])
    order = np.random.default_rng(2).permutation(len(contexts))
    assert_close(activity.probe([contexts[index] for index in order], numbers[order]), probed[order])


def test_nothing_after_the_last_layer_needed_is_run(folder):
    model = load(folder)
    calls = count_calls(model.plain)
    contexts = draw_contexts()
    shallow = [("mlp_post", 0, 0), ("mlp_post", 1, 0)]
    activity = make_activity(model, shallow)
    calls.clear()
    activity.probe(contexts, np.zeros(len(contexts), int))
    assert "gpt_neox.layers.0.mlp.dense_h_to_4h" in calls
    assert not [
        name for name in calls if ".layers.1" in name or "dense_4h_to_h" in name or "embed_out" in name
    ]
    activity.probe(contexts, np.ones(len(contexts), int))
    assert "gpt_neox.layers.1.mlp.dense_h_to_4h" in calls
    assert not [name for name in calls if "layers.1.mlp.dense_4h_to_h" in name or "embed_out" in name]


def count_calls(model):
    calls = []
    for name, module in model.named_modules():
        module.register_forward_hook(lambda *_, name=name: calls.append(name))
    return calls


def test_positions_and_layers_are_counted(folder):
    activity = make_activity(load(folder))
    same = [np.array([1, 2, 3], np.int32)] * 5
    activity.probe(same, np.arange(5))  # one context, units of both layers
    assert (activity.positions, activity.layers) == (4, 2)
    activity.probe(same[:1], np.array([0]))
    assert (activity.positions, activity.layers) == (8, 1.5)
    activity.trace(as_windows([same[0], same[0][:1]]))
    assert activity.positions == 8 + 6


def test_beginnings_that_contexts_share_are_run_once(folder):
    activity, words = make_activity(load(folder)), np.arange(1, 31, dtype=np.int32)
    masked = [np.where(np.arange(30) == place, 99, words) for place in range(29)]
    activity.probe(masked, np.full(29, 5))
    assert activity.positions < 0.7 * 29 * 31


def test_a_row_is_not_shared_where_attention_reaches_less_far(tmp_path, tokenizer):
    folder = save_random("gemma2", tmp_path / "model", tokenizer, sliding_window=8)
    contexts, numbers = draw_contexts(longest=20, tokens=2), draw_units()
    activity = make_activity(load(folder))
    assert not activity._shortcuts.can_pack(20)
    assert_close(activity.probe(contexts, numbers), one_by_one("gemma2", folder, contexts, numbers))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_close(dtype, folder):
    contexts, numbers = draw_contexts(), draw_units()
    values = make_activity(load(folder, dtype=dtype)).probe(contexts, numbers)
    wanted = one_by_one("neox", folder, contexts, numbers)
    assert values.dtype == np.float32
    assert np.abs(values - wanted).max() < 0.05 * np.abs(wanted).max()


@pytest.mark.parametrize("name", ["neox", "gemma2", "bloom"])
def test_proposals_are_the_most_probable_next_tokens(name, tmp_path, tokenizer):
    folder = save_random(name, tmp_path / "model", tokenizer)
    contexts, excluded = draw_contexts(), [0, 5]
    activity = make_activity(load(folder), excluded=excluded)
    proposed = activity.propose(contexts, 4)
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    for context, tokens in zip(contexts, proposed, strict=True):
        with torch.no_grad():
            logits = model(torch.tensor([[0, *context]])).logits[0, -1]
        logits[excluded] = -torch.inf
        assert tokens.tolist() == logits.topk(4).indices.tolist()
    assert proposed.dtype == np.int64


def test_where_fewer_tokens_are_left_proposals_say_so(folder, tokenizer):
    activity = make_activity(load(folder), excluded=range(2, len(tokenizer)))
    proposed = activity.propose(draw_contexts(3), len(tokenizer) + 5)
    assert (np.sort(proposed[:, :2]) == [0, 1]).all()
    assert (proposed[:, 2:] == -1).all()


def test_an_opened_folder_never_proposes_special_tokens(folder):
    options = {"who": "tiny@7", "dtype": "float32", "device": "cpu", "bos": True, "batch_tokens": 512}
    contexts, numbers = draw_contexts(), draw_units()
    with open_activity(folder, untrained_seed=None, units=UNITS, **options) as activity:
        assert 0 not in activity.propose(contexts, 300)
        values = activity.probe(contexts, numbers)
    assert_close(values, one_by_one("neox", folder, contexts, numbers))
    with open_activity(folder, untrained_seed=3, units=UNITS, **options) as activity:
        assert not np.allclose(activity.probe(contexts, numbers), values)


def test_a_batch_too_large_is_halved_and_gives_the_same(folder, monkeypatch, caplog):
    contexts, numbers = draw_contexts(longest=30, tokens=2), draw_units()
    activity = make_activity(load(folder))
    wanted, traced = activity.probe(contexts, numbers), activity.trace(as_windows(contexts))
    run = Taps.run

    def limited(self, layout, reads):
        if layout.ids.size > 400:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return run(self, layout, reads)

    monkeypatch.setattr(Taps, "run", limited)
    with caplog.at_level("WARNING"):
        assert_close(activity.probe(contexts, numbers), wanted)
        assert_close(activity.trace(as_windows(contexts)), traced)
    assert "do not fit into memory, going on with at most" in caplog.text


def test_activations_that_are_not_numbers_name_their_layer(folder):
    model = load(folder)
    model.plain.gpt_neox.layers[1].mlp.dense_h_to_4h.weight[7] = torch.nan
    activity = make_activity(model)
    ids = as_windows(draw_contexts(5))
    for read in (activity.trace, activity.peaks):
        with pytest.raises(GolgiError, match=r"tiny@7: layer 1, mlp_p.*: activations are not finite"):
            read(ids)
    with pytest.raises(GolgiError, match="tiny@7: layer 1, mlp_post: activations are not finite"):
        activity.probe(draw_contexts(3), np.full(3, UNITS.index(("mlp_post", 1, 7))))


def test_what_the_model_cannot_read_is_named(folder):
    model = load(folder)
    with pytest.raises(GolgiError, match="no layer 2; the last one is 1"):
        make_activity(model, [("mlp_post", 2, 0)])
    with pytest.raises(GolgiError, match="mlp_post of layer 1 has units 0 to 47, not 48"):
        make_activity(model, [("mlp_post", 1, 48)])
    with pytest.raises(GolgiError, match="warp: not a site"):
        make_activity(model, [("warp", 1, 0)])
    activity = make_activity(model)
    with pytest.raises(GolgiError, match="49 tokens, BOS included, do not fit the context of 48"):
        activity.probe([np.ones(48, np.int32)], np.zeros(1, int))
    with pytest.raises(GolgiError, match="token id 300 is beyond the model's 300 embeddings"):
        activity.trace(np.array([[1, 300]], np.int32))
    with pytest.raises(ValueError, match="a window without tokens"):
        activity.peaks(np.array([[1], [-1]], np.int32))


def test_nothing_asked_is_nothing_run(folder):
    activity = make_activity(load(folder))
    assert activity.probe([], np.zeros(0, int)).shape == (0,)
    assert activity.propose([], 3).shape == (0, 3)
    assert activity.trace(np.zeros((0, 5), np.int32)).shape == (0, 5, len(UNITS))
    assert activity.positions == 0


def test_probes_of_a_trained_model(data):
    folder = data / "models" / "tinystories-4m" / "step2048"
    units = [("mlp_post", layer, unit) for layer in range(6) for unit in (0, 400, 895)]
    contexts, numbers = draw_contexts(40, longest=30, tokens=2000), draw_units(40, units=units)
    activity = make_activity(load(folder), units)
    assert_close(
        activity.probe(contexts, numbers), one_by_one("neox", folder, contexts, numbers, units=units)
    )
