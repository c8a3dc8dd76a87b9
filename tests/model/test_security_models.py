"""A model folder from a stranger: no code of its own, no more memory than its weights, no other weights."""

import json
import os
import pickle
import resource
import struct
import tracemalloc
from pathlib import Path

import pytest
import torch
from hub_stand_in import serve
from model_families import save_random
from safetensors.torch import load_file, save_file

from golgi.errors import GolgiError
from golgi.models.bridge import load_model, make_untrained
from golgi.models.hub import fetch_model
from golgi.models.substitutes import MaskedModel
from golgi.models.tokenizer import load_tokenizer
from golgi.models.weights import find_weights, hash_files, tensor_shapes

CPU = torch.device("cpu")
WHO = {"who": "theirs@1"}
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


class Bomb:
    """Unpickled, it leaves a file behind."""

    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self):
        return Path.touch, (self.place,)


@pytest.fixture
def folder(tmp_path, tokenizer):
    return save_random("neox", tmp_path / "model", tokenizer)


def configure(folder: Path, **fields) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def load(folder: Path):
    return load_model(folder, **WHO, dtype=torch.float32, device=CPU)


def twin(folder: Path):
    return make_untrained(folder, **WHO, seed=1, dtype=torch.float32, device=CPU)


def refusal(opened, folder: Path) -> str:
    with pytest.raises(GolgiError) as raised:
        opened(folder)
    return str(raised.value)


@pytest.mark.parametrize("ending", ["pytorch_model.bin", "model.pt", "weights.pth", "x.ckpt"])
@pytest.mark.parametrize("weights", ["missing", "beside"])
def test_nothing_is_unpickled(folder, tmp_path, ending, weights):
    (folder / ending).write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    if weights == "beside":
        load(folder)
    else:
        (folder / WEIGHTS).unlink()
        assert f"{ending} may run code" in refusal(load, folder)
        refusal(twin, folder)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_that_is_called_safetensors_is_none(folder, tmp_path):
    (folder / WEIGHTS).write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    assert "not a safetensors file" in refusal(load, folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("known", [True, False], ids=["known family", "unknown family"])
def test_no_code_of_the_folder_runs(folder, tmp_path, known):
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    mapped = dict.fromkeys(("AutoConfig", "AutoModel", "AutoModelForCausalLM"), "evil.Evil")
    configure(folder, auto_map=mapped, **({} if known else {"model_type": "evil"}))
    file = folder / "tokenizer_config.json"
    own = {"auto_map": {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}, "tokenizer_class": "Evil"}
    file.write_text(json.dumps(json.loads(file.read_text()) | own))
    for opened in (load, twin, lambda place: load_tokenizer(place, **WHO)):
        try:
            opened(folder)
        except GolgiError:
            assert not (known and opened is load)
    assert not (tmp_path / "ran").exists()


def test_a_chat_template_is_never_rendered(folder, tmp_path):
    (folder / "chat_template.jinja").write_text("{{ 1 // 0 }}{% for i in range(10**10) %}x{% endfor %}")
    load_tokenizer(folder, **WHO)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hidden_size": 8192, "intermediate_size": 32768}, "numbers; the files hold"),
        ({"vocab_size": 3 * 10**7}, "numbers; the files hold"),
        ({"hidden_size": 10**9}, "describes no model|numbers; the files hold"),
        ({"num_hidden_layers": 10**6}, "1,000,000 layers; the files hold 28 tensors"),
        ({"num_hidden_layers": 10**30}, "layers; the files hold 28 tensors"),
        ({"hidden_size": -5}, "theirs@1: "),
        ({"transformers_weights": "../other.safetensors"}, "names other weights"),
        ({"transformers_weights": "adapter_model.bin"}, "names other weights"),
        ({"_attn_implementation": "stranger/kernel"}, "fetched from the hub"),
    ],
)
@pytest.mark.parametrize("opened", [load, twin], ids=["model", "twin"])
def test_a_configuration_that_asks_for_more_is_refused_before_memory_is_taken(
    folder, fields, message, opened
):
    configure(folder, **fields)
    before = peak_mb()
    said = refusal(opened, folder)
    assert any(part in said for part in message.split("|"))
    assert peak_mb() - before < 300


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def test_a_masked_model_is_held_to_the_same(tmp_path, tokenizer):
    folder = save_random("neox", tmp_path / "masked", tokenizer)
    tokenizer_file = folder / "tokenizer_config.json"
    tokenizer_file.write_text(
        json.dumps(json.loads(tokenizer_file.read_text()) | {"mask_token": "<|endoftext|>"})
    )
    configure(
        folder, model_type="bert", architectures=["BertForMaskedLM"], hidden_size=8192, vocab_size=10**6
    )
    assert "numbers; the files hold" in refusal(lambda place: MaskedModel(place, CPU), folder)


def header(length: int | None = None, body: bytes = b"\0" * 16, **entries) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(dtype="F32", shape=(4,), offsets=(0, 16)) -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


LIES = {
    "header of an exabyte": header(2**60, a=entry()),
    "header beyond the file": header(10**6, a=entry()),
    "tensor beyond the file": header(a=entry(shape=[10**12], offsets=[0, 4 * 10**12])),
    "overlap": header(a=entry(), b=entry()),
    "gap": header(a=entry(), b=entry(offsets=[32, 48]), body=b"\0" * 48),
    "other number format": header(a=entry("F64")),
    "no number format": header(a=entry("EVIL")),
    "negative": header(a=entry(shape=[-4])),
    "overflow": header(a=entry(shape=[2**62, 2**62])),
    "deep": struct.pack("<Q", 200_000) + b"[" * 200_000,
    "empty": b"",
    "no tensors of the model": header(a=entry()),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_lies_is_refused_in_little_memory(folder, lie):
    (folder / WEIGHTS).write_bytes(LIES[lie])
    tracemalloc.start()
    assert "theirs@1" in refusal(load, folder)
    refusal(twin, folder)
    assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "mapped",
    [
        {"a": "../../../../etc/passwd"},
        {"a": "/etc/passwd"},
        {"a": ".."},
        {"a": ""},
        {"a": 5},
        {"a": ["x"]},
        {"a": "sub/model.safetensors"},
        [],
        "x",
    ],
    ids=str,
)
def test_an_index_names_files_of_its_folder_alone(folder, mapped):
    (folder / WEIGHTS).unlink()
    (folder / INDEX).write_text(json.dumps({"weight_map": mapped}))
    said = refusal(load, folder)
    assert any(words in said for words in ("outside its folder", "lacks", "no weight_map", "truncated"))


def test_what_is_hashed_is_what_is_loaded(folder):
    honest = load_file(folder / WEIGHTS)
    save_file(honest, folder / "model-00001-of-00001.safetensors", metadata={"format": "pt"})
    shown = {"weight_map": dict.fromkeys(honest, "model-00001-of-00001.safetensors")}
    (folder / INDEX).write_text(json.dumps({"metadata": {}} | shown))
    other = {name: tensor + 1 for name, tensor in honest.items()}
    save_file(other, folder / WEIGHTS, metadata={"format": "pt"})
    model = load(folder)
    assert find_weights(folder, **WHO) == [folder / WEIGHTS]
    assert model.weights_sha256 == hash_files([folder / WEIGHTS], **WHO)
    loaded = model.plain.get_input_embeddings().weight
    assert torch.equal(loaded, other["gpt_neox.embed_in.weight"])


def test_an_adapter_is_refused(folder):
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "stranger/base"}))
    assert "holds an adapter" in refusal(load, folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json"])
def test_a_file_without_end_is_refused_before_it_is_read(folder, name):
    (folder / name).touch()
    os.truncate(folder / name, 300 * 2**20)  # a hole in the file
    said = refusal(lambda place: (load(place), load_tokenizer(place, **WHO)), folder)
    assert f"{name} has 314,572,800 bytes" in said


def test_a_pipe_is_refused_and_not_waited_for(folder):
    (folder / "tokenizer.json").unlink()
    os.mkfifo(folder / "tokenizer.json")
    assert "neither a file nor a folder" in refusal(lambda place: load_tokenizer(place, **WHO), folder)


def test_a_tokenizers_files_are_those_of_its_folder(folder, tmp_path, tokenizer):
    file = folder / "tokenizer_config.json"
    elsewhere = {"tokenizer_file": "/etc/passwd", "vocab_file": "/etc/passwd"}
    file.write_text(json.dumps(json.loads(file.read_text()) | elsewhere))
    assert len(load_tokenizer(folder, **WHO)) == len(tokenizer)


def test_links_of_the_hubs_own_cache_are_followed(folder, tmp_path):
    blob = tmp_path / "blob"
    (folder / WEIGHTS).rename(blob)
    (folder / WEIGHTS).symlink_to(blob)
    assert len(tensor_shapes(find_weights(folder, **WHO), **WHO)) == 28


def test_a_hub_cannot_name_files_outside_the_download(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    tricks = [
        "model-/../../../planted-of-1.safetensors",
        "../config.json",
        "/tmp/planted.json",
        "sub/config.json",
    ]
    with serve({"lab/tiny": {"main": files | dict.fromkeys(tricks, b"planted")}}) as hub:
        fetch_model(name="lab/tiny", revision="main", folder=tmp_path / "a" / "b" / "c", endpoint=hub.address)
    assert sorted(path.name for path in (tmp_path / "a" / "b" / "c").iterdir()) == sorted(
        [*files, "golgi-source.json"]
    )
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == b"planted"]
