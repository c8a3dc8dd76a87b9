"""Substitutes: words of a masked language model as single tokens of another model's tokenizer."""

import json

import numpy as np
import pytest
import tokenizers
import torch
from transformers import AutoModelForMaskedLM, DistilBertConfig, PreTrainedTokenizerFast

from golgi.errors import GolgiError
from golgi.models.substitutes import LONGEST, MaskedModel, Substitutes
from golgi.models.windows import token_texts

WORDS = [
    "dog",
    "cat",
    "boat",
    "moon",
    "the",
    "sun",
    "river",
    "fish",
    "tree",
    "sleeps",
    "barks",
    ".",
    "##s",
    "##ing",
]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A random DistilBERT with a tokenizer of a few words, as the hub stores one."""
    path = tmp_path_factory.mktemp("masked")
    backend = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({piece: index for index, piece in enumerate(PIECES)}, unk_token="[UNK]")
    )
    backend.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    PreTrainedTokenizerFast(tokenizer_object=backend, **names).save_pretrained(path)
    sizes = {"vocab_size": len(PIECES), "dim": 16, "hidden_dim": 32, "n_layers": 2, "n_heads": 2}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = AutoModelForMaskedLM.from_config(DistilBertConfig(**sizes, max_position_embeddings=160))
        for parameter in model.parameters():
            parameter.data += 0.3 * torch.randn(parameter.shape)
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def masked(folder):
    return MaskedModel(folder, CPU)


def best_by_hand(folder, left, right):
    """Return all whole words, the most probable first, from one text with the mask written into it."""
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    ids = [PIECES.index(piece) for piece in ["[CLS]", *left.split(), "[MASK]", *right.split(), "[SEP]"]]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0, 1 + len(left.split())]
    order = logits.argsort(descending=True).tolist()
    return [PIECES[index] for index in order if not PIECES[index].startswith(("[", "##"))]


def test_words_are_the_most_probable_whole_ones(folder, masked):
    texts = [("the dog", "the moon ."), ("", "sleeps"), ("the cat sleeps . the", ""), ("the", "barks .")]
    proposed = masked.propose([left for left, _ in texts], [right for _, right in texts], 5)
    assert proposed == [best_by_hand(folder, *text)[:5] for text in texts]
    assert masked.propose([], [], 5) == []


def test_fewer_words_than_asked_for_are_all_there_are(folder, masked):
    assert masked.propose(["the"], ["barks"], 99) == [best_by_hand(folder, "the", "barks")]


def test_a_long_text_is_cut_to_what_stands_around_the_mask(folder, masked):
    left, right = " ".join(["sun moon"] * 200), " ".join(["fish tree"] * 200)
    half = (LONGEST - 1) // 2
    around = " ".join(left.split()[-half:]), " ".join(right.split()[: LONGEST - 1 - half])
    assert masked.propose([left], [right], 4) == [best_by_hand(folder, *around)[:4]]
    beside = " ".join(left.split()[-(LONGEST - 2) :]), "fish"
    assert masked.propose([left], ["fish"], 4) == [best_by_hand(folder, *beside)[:4]]


@pytest.fixture(scope="module")
def studied():
    """A byte-level tokenizer that has some of the words as one token, with their space or without it."""
    pieces = ["<|endoftext|>", *sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())]
    pieces += [
        "Ġdog",
        "Ġcat",
        "Ġboat",
        "Ġmoon",
        "Ġsun",
        "Ġthe",
        "Ġsleeps",
        "Dog",
        "Cat",
        "Boat",
        "dog",
        "cat",
    ]
    backend = tokenizers.Tokenizer(
        tokenizers.models.BPE({piece: index for index, piece in enumerate(pieces)}, [])
    )
    backend.decoder = tokenizers.decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<|endoftext|>")


@pytest.mark.parametrize(
    ("original", "allowed"),
    [
        (" dog", {" cat", " boat", " moon", " sun", " the", " sleeps"}),
        ("dog", {"cat", "."}),
        ("Dog", {"Cat", "Boat", "."}),
    ],
)
def test_substitutes_are_single_tokens_written_like_the_original(original, allowed, studied, masked):
    texts = token_texts(studied)
    number = {text: index for index, text in enumerate(texts)}
    ids = np.array([0, number[" the"], number[original], number[" sleeps"]], np.int32)
    proposed = Substitutes(masked, studied).propose_tokens([ids, ids], np.array([2, 2]), 8)
    assert proposed.shape == (2, 8)
    assert proposed.dtype == np.int64
    found = [texts[index] for index in proposed[0] if index >= 0]
    assert set(found) == allowed
    words = masked.propose(["the"], ["sleeps"], 99)[0]
    ranks = [words.index(text.strip().lower()) for text in found]
    assert ranks == sorted(ranks)
    assert (proposed[0] == proposed[1]).all()
    assert (proposed[0, len(found) :] == -1).all()


def test_folders_that_will_not_do_are_named(folder, tmp_path, tokenizer):
    with pytest.raises(GolgiError, match="masked language model nowhere: "):
        MaskedModel(tmp_path / "nowhere", CPU)
    tokenizer.save_pretrained(tmp_path / "causal")
    with pytest.raises(GolgiError, match="causal has no mask token"):
        MaskedModel(tmp_path / "causal", CPU)
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in folder.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-100])
    with pytest.raises(GolgiError, match=r"model\.safetensors is truncated"):
        MaskedModel(broken, CPU)
    config = json.loads((folder / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(config | {"dim": 32}))
    (broken / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(GolgiError, match="the weights do not fit the configuration"):
        MaskedModel(broken, CPU)
