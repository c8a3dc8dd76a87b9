"""Variants are read as collect_responses would read them, had the study chosen so."""

import numpy as np
import pytest
import torch
from conftest import SENTENCES
from model_families import save_random
from transformers import AutoModelForCausalLM

from golgi.errors import GolgiError
from golgi.models.variants import plan_variants, read_variants
from golgi.tables import open_arrays

OWN = {"sites": ["mlp_post"], "pooling": "max", "bos": True}
NONE = {"poolings": [], "sites": [], "bos": False}


@pytest.fixture
def folder(tmp_path, tokenizer):
    return save_random("neox", tmp_path / "model", tokenizer)


@pytest.fixture
def read(tmp_path, write_pool, folder):
    """Read variants with defaults; return the arrays and their file."""

    def run(alternatives: dict, *, own=OWN, name="variants", folder=folder, **changes):
        pool, concepts = write_pool()
        options = {
            "untrained_seed": None,
            "dtype": "float32",
            "device": "cpu",
            "batch_tokens": 64,
            "threads": 1,
        }
        path = tmp_path / name / "responses.safetensors"
        variants = plan_variants(**own, alternatives=NONE | alternatives)
        files = {"folder": folder, "pool": pool, "concepts": concepts, "responses": path}
        read_variants(who="tiny@7", variants=variants, **files, **options | changes)
        with open_arrays(path) as arrays:
            return {key: arrays.read(key) for key in arrays.names}, path

    return run


def same(variant: dict, name: str, collected: dict) -> None:
    mine = {key.removeprefix(f"{name}/"): values for key, values in variant.items() if key.startswith(name)}
    assert mine.keys() == collected.keys()
    for key, values in mine.items():
        assert values.dtype == collected[key].dtype
        np.testing.assert_array_equal(values, collected[key], err_msg=f"{name} {key}")


def test_what_is_read_otherwise_equals_a_study_that_chose_so(folder, collect, read):
    alternatives = {
        "poolings": ["max", "mean", "last"],
        "sites": ["mlp_post", "qkv", "resid_post"],
        "bos": True,
    }
    got, _ = read(alternatives)
    base = collect(folder, sites=["mlp_post"], name="base").responses
    same(got, "pooling/max", base)  # the study's own choice over again
    same(got, "site/mlp_post", base)
    for pooling in ("mean", "last"):
        same(got, f"pooling/{pooling}", collect(folder, sites=["mlp_post"], pooling=pooling).responses)
    for site in ("qkv", "resid_post"):
        same(got, f"site/{site}", collect(folder, sites=[site]).responses)
    same(got, "bos/false", collect(folder, sites=["mlp_post"], bos=False).responses)
    assert len(got) == 2 * 7


def test_a_site_is_read_by_itself_and_a_pooling_at_all_sites(folder, collect, read):
    own = OWN | {"sites": ["mlp_post", "attn_out"], "bos": False}
    got, _ = read({"poolings": ["mean"], "sites": ["attn_out"], "bos": True}, own=own)
    same(got, "pooling/mean", collect(folder, sites=own["sites"], pooling="mean", bos=False).responses)
    same(got, "site/attn_out", collect(folder, sites=["attn_out"], bos=False).responses)
    same(got, "bos/true", collect(folder, sites=own["sites"], bos=True).responses)


@pytest.mark.parametrize("bos", [True, False])
def test_poolings_equal_brute_force(folder, read, tokenizer, bos):
    got, _ = read({"poolings": ["mean", "last"]}, own=OWN | {"bos": bos})
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    for row, (text, _, _) in enumerate(SENTENCES):
        ids = [0] * bos + tokenizer(text, add_special_tokens=False)["input_ids"]
        tokens = activations(model, ids)[bos:]
        np.testing.assert_allclose(got["pooling/mean/mlp_post/1"][row], tokens.mean(0), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(got["pooling/last/mlp_post/1"][row], tokens[-1], rtol=1e-4, atol=1e-5)


def activations(model, ids: list[int]) -> np.ndarray:
    found = {}
    module = model.gpt_neox.layers[1].mlp.dense_4h_to_h
    handle = module.register_forward_pre_hook(lambda _, x: found.update(x=x[0]))
    with torch.inference_mode():
        model(input_ids=torch.tensor([ids]))
    handle.remove()
    return found["x"][0].numpy()


def test_the_twin_is_the_one_of_the_study(folder, collect, read):
    got, _ = read({"poolings": ["mean"]}, untrained_seed=3)
    twin = collect(
        folder, sites=["mlp_post"], pooling="mean", checkpoint="untrained", step=None, untrained_seed=3
    )
    same(got, "pooling/mean", twin.responses)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_stored_as_the_study_stores_it(folder, collect, read, dtype):
    got, _ = read({"poolings": ["last"]}, dtype=dtype)
    same(got, "pooling/last", collect(folder, sites=["mlp_post"], pooling="last", dtype=dtype).responses)


def test_the_same_call_writes_the_same_bytes(read):
    alternatives = {"poolings": ["mean"], "sites": ["qkv"], "bos": True}
    (_, first), (_, second) = read(alternatives), read(alternatives, name="again")
    assert first.read_bytes() == second.read_bytes()


def test_nothing_to_read_opens_no_model(read, tmp_path):
    got, _ = read({}, folder=tmp_path / "nowhere")
    assert got == {}


def test_a_tokenizer_without_bos_says_what_to_set(folder, read, tokenizer):
    tokenizer = type(tokenizer)(tokenizer_object=tokenizer.backend_tokenizer, model_max_length=48)
    tokenizer.save_pretrained(folder)
    with pytest.raises(GolgiError, match=r"analyses\.sensitivity\.bos asks .* Set `bos: false` there"):
        read({"bos": True}, own=OWN | {"bos": False})


def test_an_unknown_site_is_named(read):
    with pytest.raises(GolgiError, match=r"warp: not a site\. Allowed: mlp_pre"):
        read({"sites": ["warp"]})
