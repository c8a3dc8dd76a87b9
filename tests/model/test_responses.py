"""What collect_responses writes: batching, masking, rotation, number formats, embeddings, facts."""

import tracemalloc

import numpy as np
import pytest
import torch
from conftest import CONCEPTS, SENTENCES
from model_families import FAMILIES, save_random
from transformers import AutoModelForCausalLM

from golgi.errors import GolgiError
from golgi.models.bridge import load_model, make_untrained
from golgi.models.rotation import random_orthogonal
from golgi.models.weights import hash_parameters

COUNT = len(SENTENCES)


@pytest.fixture
def folder(tmp_path, tokenizer):
    return save_random("neox", tmp_path / "model", tokenizer)


def test_batched_equals_single(folder, collect):
    together = collect(folder, batch_tokens=100_000, masked=True, rotation_seed=1)
    alone = collect(folder, batch_tokens=1, masked=True, rotation_seed=1, name="alone")
    for kind in ("responses", "rotated", "embeddings"):
        first, second = getattr(together, kind), getattr(alone, kind)
        for key, values in first.items():
            np.testing.assert_allclose(values, second[key], rtol=1e-4, atol=1e-5, err_msg=f"{kind} {key}")


def test_the_same_call_writes_the_same_bytes(folder, collect):
    first = collect(folder, masked=True, rotation_seed=1)
    second = collect(folder, masked=True, rotation_seed=1, name="again")
    for kind, path in first.files.items():
        assert path.read_bytes() == second.files[kind].read_bytes()
    assert first.facts == second.facts


def test_bos_changes_what_is_read(folder, collect):
    with_bos, without = collect(folder, bos=True), collect(folder, bos=False, name="without")
    assert not np.allclose(with_bos.responses["mlp_post/1"], without.responses["mlp_post/1"])
    assert with_bos.facts["tokens"] == without.facts["tokens"] + COUNT


def test_masked_rows_are_the_sentence_without_its_word(folder, collect, tokenizer):
    got = collect(folder, masked=True, bos=False, sites=["mlp_post"]).responses["mlp_post/0"]
    assert got.shape[0] == 2 * COUNT
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    for number, (text, _, spans) in enumerate(SENTENCES):
        ids, keep = mask_by_hand(tokenizer, text, spans)
        found = {}
        module = model.gpt_neox.layers[0].mlp.dense_4h_to_h
        handle = module.register_forward_pre_hook(lambda _, x, found=found: found.update(x=x[0]))
        with torch.inference_mode():
            model(input_ids=torch.tensor([ids]))
        handle.remove()
        want = found["x"][0].numpy()[keep].max(0)
        np.testing.assert_allclose(got[COUNT + number], want, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got[COUNT - 1], got[2 * COUNT - 1], rtol=1e-4, atol=1e-5)  # names no word


def mask_by_hand(tokenizer, text, spans):
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    characters = set()
    for span in filter(None, spans.split(",")):
        characters.update(range(*map(int, span.split(":"))))
    hit = [bool(characters & set(range(*offset))) for offset in encoded["offset_mapping"]]
    return [0 if h else i for h, i in zip(hit, encoded["input_ids"])], [not h for h in hit]


def test_rotation_turns_activations_before_pooling(folder, collect):
    options = {"pooling": "last", "sites": ["mlp_post", "resid_post"], "rotation_seed": 5}
    got = collect(folder, **options)
    for key, values in got.responses.items():
        turn = random_orthogonal(values.shape[1], seed=5)
        np.testing.assert_allclose(got.rotated[key], values @ turn, rtol=1e-3, atol=1e-4)
    pooled = collect(folder, **options | {"pooling": "max"}, name="max")
    turn = random_orthogonal(128 if "gpt2" in str(folder) else 48, seed=5)
    assert not np.allclose(pooled.rotated["mlp_post/0"], pooled.responses["mlp_post/0"] @ turn, atol=1e-2)


def test_making_a_rotation_takes_two_matrices_of_memory():
    random_orthogonal(8, seed=3)
    tracemalloc.start()
    random_orthogonal(600, seed=3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * 8 * 600**2


@pytest.mark.parametrize("width", [1, 7, 48])
def test_rotation_is_orthogonal_and_seeded(width):
    matrix = random_orthogonal(width, seed=3)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(width), atol=1e-5)
    np.testing.assert_array_equal(matrix, random_orthogonal(width, seed=3))
    assert not np.array_equal(matrix, random_orthogonal(width, seed=4)) or width == 1


@pytest.mark.parametrize(("dtype", "stored"), [("float16", np.float16), ("bfloat16", np.float32)])
def test_half_precision_is_close_and_stored_as_promised(folder, collect, dtype, stored):
    full = collect(folder, rotation_seed=2)
    half = collect(folder, dtype=dtype, rotation_seed=2, name=dtype)
    assert half.facts["dtype"] == dtype
    assert "asked for in the study" in half.facts["dtype_reason"]
    for key, values in half.responses.items():
        assert values.dtype == half.rotated[key].dtype == stored
        scale = np.abs(full.responses[key]).max()
        assert np.abs(values - full.responses[key]).max() < 0.05 * scale, key


def test_embeddings_are_means(folder, collect, tokenizer):
    got = collect(folder, pooling="max")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    matrix = model.get_input_embeddings().weight.detach().numpy()
    for index, concept in enumerate(CONCEPTS):
        ids = tokenizer(f" {concept}", add_special_tokens=False)["input_ids"]
        np.testing.assert_allclose(got.embeddings["input"][index], matrix[ids].mean(0), rtol=1e-5, atol=1e-6)
        sentences = [text for text, label, _ in SENTENCES if label == concept]
        vectors = [mean_last_residual(model, tokenizer, text) for text in sentences]
        np.testing.assert_allclose(
            got.embeddings["sentence"][index], np.mean(vectors, 0), rtol=1e-4, atol=1e-5
        )


def mean_last_residual(model, tokenizer, text):
    found = {}
    handle = model.gpt_neox.layers[-1].register_forward_hook(lambda _, __, out: found.update(x=out))
    ids = [0, *tokenizer(text, add_special_tokens=False)["input_ids"]]
    with torch.inference_mode():
        model(input_ids=torch.tensor([ids]))
    handle.remove()
    x = found["x"][0] if isinstance(found["x"], tuple) else found["x"]
    return x.reshape(len(ids), -1)[1:].mean(0).numpy()


def test_untrained_twin_is_seeded_and_unlike_the_model(folder, collect):
    model = collect(folder)
    options = {"checkpoint": "untrained", "step": None, "source": "directory"}
    twin = collect(folder, untrained_seed=1, name="twin", **options)
    again = collect(folder, untrained_seed=1, name="again", **options)
    other = collect(folder, untrained_seed=2, name="other", **options)
    assert twin.facts["source"] == "random"
    assert twin.facts["step"] is None
    np.testing.assert_array_equal(twin.responses["mlp_post/0"], again.responses["mlp_post/0"])
    hashes = [run.facts["weights_sha256"] for run in (model, twin, again, other)]
    assert hashes[1] == hashes[2]
    assert len(set(hashes)) == 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_twin_hashes_as_its_saved_folder_does(name, dtype, tmp_path, tokenizer):
    folder, saved = save_random(name, tmp_path / "model", tokenizer), tmp_path / "saved"
    twin = make_twin(folder, dtype)
    plain = twin.bridge.original_model
    with torch.random.fork_rng():
        torch.manual_seed(1)
        AutoModelForCausalLM.from_config(plain.config, dtype=dtype).save_pretrained(saved)
    again = load_model(saved, who="tiny@7", dtype=dtype, device=torch.device("cpu"))
    assert twin.weights_sha256 == again.weights_sha256


def make_twin(folder, dtype):
    return make_untrained(folder, who="tiny@untrained", seed=1, dtype=dtype, device=torch.device("cpu"))


def test_the_hash_tells_weights_formats_and_shapes_apart_but_not_names():
    one = torch.nn.ParameterDict({"a": torch.arange(6.0), "b": torch.ones(2)})
    renamed = torch.nn.ParameterDict({"b": torch.arange(6.0), "a": torch.ones(2)})
    others = [
        {"a": torch.arange(6.0), "b": torch.zeros(2)},
        {"a": torch.arange(6.0), "b": torch.ones(2).half()},
        {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(2)},
        {"a": torch.arange(6.0)},
    ]
    assert hash_parameters(one) == hash_parameters(renamed)
    hashes = {hash_parameters(torch.nn.ParameterDict(other)) for other in others}
    assert len(hashes | {hash_parameters(one)}) == 5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_twin_in_half_precision_is_the_float32_twin_rounded(folder, dtype):
    full, half = (make_twin(folder, one).bridge.original_model for one in (torch.float32, dtype))
    for whole, rounded in zip(full.parameters(), half.parameters(), strict=True):
        assert rounded.dtype == dtype
        assert torch.equal(whole.to(dtype), rounded)


def test_facts_name_the_weights(folder, collect):
    facts = collect(folder, sites=["mlp_post", "resid_post"]).facts
    assert facts["family"] == "GPTNeoXForCausalLM"
    assert (facts["layers"], facts["units"], facts["device"]) == (2, 2 * (48 + 32), "cpu")
    assert len(facts["weights_sha256"]) == len(facts["tokenizer_sha256"]) == 64
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert facts["parameters"] == sum(parameter.numel() for parameter in model.parameters())


def test_the_hub_commit_is_the_revision(folder, collect):
    (folder / "golgi-source.json").write_text('{"name": "a/b", "revision": "main", "commit": "c0ffee"}')
    assert collect(folder, source="hub").facts["revision"] == "c0ffee"


def test_unknown_words_of_a_study_are_named(folder, collect):
    with pytest.raises(GolgiError, match=r"warp: not a site\. Allowed: mlp_pre"):
        collect(folder, sites=["mlp_post", "warp"])
    with pytest.raises(GolgiError, match=r"\'median\' is not a pooling\. Allowed: max, mean, last"):
        collect(folder, pooling="median")
    with pytest.raises(GolgiError, match="'int4' is not a number format"):
        collect(folder, dtype="int4")
    with pytest.raises(GolgiError, match="no sentence in the pool for horse"):
        collect(folder, concepts=[*CONCEPTS, "horse"])
