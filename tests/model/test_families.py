"""Sites of many families against plain Hugging Face hooks, one sentence at a time and without padding."""

import numpy as np
import pytest
import torch
from conftest import SENTENCES, SITES
from model_families import FAMILIES, plain_activations, save_random
from transformers import AutoModelForCausalLM

from golgi.errors import GolgiError

NORMALISED = {"apply_residual_connection_post_layernorm": True}
TEXTS = [text for text, _, _ in SENTENCES]


def load_plain(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
    return model.eval()


def brute_force(name, folder, tokenizer, pooling, *, bos=True):
    """Pool every site token by token, in NumPy: {site/layer: [sentence, unit]}."""
    model, rows = load_plain(folder), []
    pool = {"max": lambda x: x.max(0), "mean": lambda x: x.mean(0), "last": lambda x: x[-1]}[pooling]
    for text in TEXTS:
        ids = [0] * bos + tokenizer(text, add_special_tokens=False)["input_ids"]
        found = plain_activations(name, model, ids)
        rows.append({f"{site}/{layer}": pool(x.numpy()[int(bos) :]) for (site, layer), x in found.items()})
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


@pytest.mark.parametrize("name", FAMILIES)
def test_sites_are_those_of_plain_hugging_face_code(name, tmp_path, tokenizer, collect):
    folder = save_random(name, tmp_path / "model", tokenizer)
    got = collect(folder, sites=SITES).responses
    want = brute_force(name, folder, tokenizer, "max")
    assert sorted(got) == sorted(want)
    worst = {key: float(np.abs(got[key] - want[key]).max() / np.abs(want[key]).max()) for key in want}
    assert max(worst.values()) < 1e-5, worst


@pytest.mark.parametrize("pooling", ["max", "mean", "last"])
@pytest.mark.parametrize("bos", [True, False])
def test_pooling_is_brute_force_over_own_tokens(pooling, bos, tmp_path, tokenizer, collect):
    folder = save_random("neox", tmp_path / "model", tokenizer)
    got = collect(folder, pooling=pooling, bos=bos, sites=["mlp_post"]).responses
    want = brute_force("neox", folder, tokenizer, pooling, bos=bos)
    for key, values in got.items():
        np.testing.assert_allclose(values, want[key], rtol=1e-4, atol=1e-5, err_msg=key)


def test_grouped_keys_and_values_are_narrower(tmp_path, tokenizer, collect):
    folder = save_random("llama", tmp_path / "model", tokenizer)
    facts = collect(folder, sites=["qkv", "mlp_post"])
    assert facts.responses["qkv/0"].shape == (len(TEXTS), 32 + 16 + 16)
    assert facts.facts["units"] == 2 * (64 + 48)


def test_a_residual_stream_that_is_no_plain_sum_is_passed_over(tmp_path, tokenizer, collect, caplog):
    folder = save_random("bloom", tmp_path / "model", tokenizer, **NORMALISED)
    with caplog.at_level("INFO"):
        collect(folder, sites=["mlp_post"])
    assert "is not checked: its blocks normalise the residual stream itself" in caplog.text


def test_sites_that_do_not_add_up_are_an_error(tmp_path, tokenizer, collect, monkeypatch):
    folder = save_random("bloom", tmp_path / "model", tokenizer, **NORMALISED)
    monkeypatch.setattr("golgi.models.sites._why_not_a_sum", lambda model: "")
    with pytest.raises(GolgiError, match=r"tiny@7: layer 0: resid_pre \+ attn_out \+ mlp_out differs"):
        collect(folder, sites=["mlp_post"])


def test_a_family_that_transformer_lens_cannot_run_is_named(tmp_path, tokenizer, collect):
    folder = save_random("opt", tmp_path / "model", tokenizer, do_layer_norm_before=False)
    with pytest.raises(GolgiError, match="tiny@7: TransformerLens cannot run the family OPTForCausalLM"):
        collect(folder, sites=["mlp_post"])
