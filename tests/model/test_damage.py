"""Damaged, foreign and unfit input: each is named, and nothing half-written is left."""

import json
import logging

import pytest
import torch
from conftest import SENTENCES
from model_families import save_random
from safetensors.torch import load_file, save_file

from golgi.errors import GolgiError
from golgi.models.bridge import Model


@pytest.fixture
def folder(tmp_path, tokenizer):
    return save_random("neox", tmp_path / "model", tokenizer)


def change_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_truncated_weights_are_named(folder, collect):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(GolgiError, match=r"tiny@7: .*model\.safetensors is truncated"):
        collect(folder)


def test_a_wrong_shape_names_file_and_tensor(folder, collect):
    name = "gpt_neox.layers.1.mlp.dense_h_to_4h.weight"
    change_weights(folder, lambda weights: weights.update({name: torch.zeros(5, 3)}))
    with pytest.raises(GolgiError, match=rf"(?s)tiny@7.*model\.safetensors: {name} is \[5, 3\].*\[48, 32\]"):
        collect(folder)


def test_a_missing_tensor_is_not_filled_with_noise(folder, collect):
    name = "gpt_neox.layers.1.mlp.dense_h_to_4h.weight"
    change_weights(folder, lambda weights: weights.pop(name))
    with pytest.raises(GolgiError, match=rf"(?s)tiny@7.*{name} is missing"):
        collect(folder)


def test_superfluous_tensors_are_counted(folder, collect, caplog):
    change_weights(folder, lambda weights: weights.update({"gpt_neox.unknown": torch.zeros(2)}))
    with caplog.at_level(logging.WARNING):
        collect(folder)
    assert "1 stored tensors are not part of the model" in caplog.text


def test_pickled_weights_are_refused(folder, collect):
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(GolgiError, match=r"no model\.safetensors.*pytorch_model\.bin may run code"):
        collect(folder)


def test_a_missing_shard_is_named(folder, collect):
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").unlink()
    with pytest.raises(GolgiError, match=r"lacks model-00001-of-00002\.safetensors"):
        collect(folder)


@pytest.mark.parametrize("content", ["{", '{"model_type": "no-such-family"}', "{}"])
def test_a_configuration_that_is_none_is_named(folder, collect, content):
    (folder / "config.json").write_text(content)
    with pytest.raises(GolgiError, match=r"tiny@7: .*config\.json"):
        collect(folder)


def test_remote_code_is_never_run(folder, collect):
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "evil",
        "auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(folder / 'ran')!r}, 'w')")
    with pytest.raises(GolgiError, match="tiny@7"):
        collect(folder)
    assert not (folder / "ran").exists()


def test_a_folder_that_is_missing_is_named(tmp_path, collect):
    with pytest.raises(GolgiError, match=r"tiny@7: there is no folder .*nowhere"):
        collect(tmp_path / "nowhere")


def test_a_tokenizer_that_is_missing_or_foreign_is_named(folder, collect):
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(GolgiError, match="tiny@7: the tokenizer in"):
        collect(folder)


def test_numbers_that_are_none_name_layer_and_sentence(folder, collect):
    name = "gpt_neox.layers.1.mlp.dense_h_to_4h.bias"
    change_weights(folder, lambda weights: weights[name].fill_(float("nan")))
    with pytest.raises(
        GolgiError, match=r"tiny@7: layer 1, mlp_post: .*not finite.*sentences of a batch, such as \d+: '"
    ):
        collect(folder, sites=["mlp_post"])


def test_nothing_is_left_after_an_error(folder, collect, tmp_path):
    name = "gpt_neox.layers.1.mlp.dense_h_to_4h.bias"
    change_weights(folder, lambda weights: weights[name].fill_(float("inf")))
    with pytest.raises(GolgiError):
        collect(folder, rotation_seed=1)
    assert list((tmp_path / "out").iterdir()) == []


def test_all_sentences_that_are_too_long_are_named_before_any_is_read(folder, collect, monkeypatch):
    long = [(f"{number} " + "dog and " * 40, "dog", "") for number in range(7)]
    monkeypatch.setattr(Model, "forward", lambda *_: pytest.fail("the model was run"))
    with pytest.raises(GolgiError) as caught:
        collect(folder, sentences=[*SENTENCES, *long])
    message = str(caught.value)
    assert "tiny@7: more tokens than the model's context of 48: 7 sentences" in message
    assert f"sentence {len(SENTENCES)} (" in message
    assert "and 2 more" in message


def test_the_context_counts_bos(folder, collect, tokenizer):
    ids = tokenizer("dog and " * 40, add_special_tokens=False)["input_ids"][:48]
    text = tokenizer.decode(ids)
    assert len(tokenizer(text, add_special_tokens=False)["input_ids"]) == 48
    sentences = [*SENTENCES, (text, "dog", "")]
    collect(folder, sentences=sentences, bos=False)
    with pytest.raises(GolgiError, match="context of 48: 1 sentence"):
        collect(folder, sentences=sentences, bos=True)


def test_a_sentence_that_is_only_its_word_cannot_be_masked(folder, collect):
    sentences = [*SENTENCES, ("dog", "dog", "0:3")]
    collect(folder, sentences=sentences)
    with pytest.raises(GolgiError, match=rf"(?s)no token is left to pool.*sentence {len(SENTENCES)} "):
        collect(folder, sentences=sentences, masked=True)


def test_a_tokenizer_without_bos_is_named(folder, collect, tokenizer):
    file = folder / "tokenizer_config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps({key: value for key, value in config.items() if key != "bos_token"}))
    with pytest.raises(GolgiError, match="the model's tokenizer has no BOS"):
        collect(folder, bos=True)
    collect(folder, bos=False)


def test_a_tokenizer_of_another_model_is_noticed(tmp_path, tokenizer, collect):
    folder = save_random("neox", tmp_path / "small", tokenizer, vocab_size=260)
    with pytest.raises(GolgiError, match="token ids beyond the model's 260 embeddings"):
        collect(folder)
