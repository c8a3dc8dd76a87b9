"""Windows of documents, and the texts of tokens."""

import json

import numpy as np
import pytest
import tokenizers
from conftest import SENTENCES
from transformers import PreTrainedTokenizerFast

from golgi.errors import GolgiError
from golgi.models.windows import read_windows, token_texts

TEXTS = [text for text, _, _ in SENTENCES]


def write_texts(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


def read(paths, tokenizer, *, length=5, tokens=10**6):
    return read_windows(paths, tokenizer, length=length, tokens=tokens, who="tiny@7")


def cut_by_hand(tokenizer, texts, length):
    rows = []
    for number, text in enumerate(texts):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        rows += [(number, start, ids[start : start + length]) for start in range(0, len(ids), length)]
    return rows


@pytest.mark.parametrize("length", [1, 2, 5, 100])
def test_windows_are_the_documents_cut_in_order(length, tmp_path, tokenizer):
    paths = [write_texts(tmp_path / "a.jsonl", TEXTS[:4]), write_texts(tmp_path / "b.jsonl", TEXTS[4:])]
    cuts = cut_by_hand(tokenizer, TEXTS, length)
    kept = [cut for cut in cuts if len(cut[2]) >= 2]
    if length == 1:
        with pytest.raises(GolgiError, match=r"tiny@7: .*a\.jsonl, .*b\.jsonl: no text of two tokens"):
            read(paths, tokenizer, length=length)
        return
    windows = read(paths, tokenizer, length=length)
    assert windows.ids.dtype == np.int32
    assert windows.documents.tolist() == [number for number, _, _ in kept]
    assert windows.starts.tolist() == [start for _, start, _ in kept]
    assert [row[row >= 0].tolist() for row in windows.ids] == [ids for _, _, ids in kept]
    assert (windows.tails, windows.unread) == (len(cuts) - len(kept), 0)
    padding = windows.ids < 0
    assert (padding[:, :-1] <= padding[:, 1:]).all()  # on the right


def test_reading_ends_with_enough_tokens_and_says_so(tmp_path, tokenizer, caplog):
    path = write_texts(tmp_path / "a.jsonl", TEXTS * 20)
    first = len(tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"])
    with caplog.at_level("INFO"):
        windows = read([path], tokenizer, tokens=first + 2)
    assert windows.lengths.sum() + windows.tails == first + 2
    assert windows.documents.max() == 1
    assert windows.unread == len(TEXTS) * 20 - 1
    assert f"{windows.unread} documents were left unread, or the end of one" in caplog.text
    assert read([path], tokenizer).unread == 0


def test_pieces_of_one_token_are_counted(tmp_path, tokenizer, caplog):
    path = write_texts(tmp_path / "a.jsonl", ["A", "", TEXTS[0]])
    with caplog.at_level("INFO"):
        windows = read([path], tokenizer, length=100)
    assert (windows.tails, windows.documents.tolist()) == (1, [2])
    assert "1 pieces of a single token were left out" in caplog.text


def test_a_broken_line_is_named(tmp_path, tokenizer):
    path = write_texts(tmp_path / "a.jsonl", TEXTS)
    path.write_text(path.read_text() + '{"txt": 1}\n')
    with pytest.raises(GolgiError, match=rf"a\.jsonl:{len(TEXTS) + 1}: not of the form"):
        read([path], tokenizer)


def test_texts_of_byte_level_tokens_join_to_the_text(tokenizer):
    texts = token_texts(tokenizer)
    assert len(texts) == len(tokenizer)
    assert texts[0] == "<|endoftext|>"
    for text in TEXTS:
        joined = "".join(texts[index] for index in tokenizer(text, add_special_tokens=False)["input_ids"])
        assert joined.encode() == text.encode() or "<0x" in joined
    dash = "".join(texts[index] for index in tokenizer("—", add_special_tokens=False)["input_ids"])
    assert dash in ("—", "<0xE2><0x80><0x94>")
    assert " " in texts


def test_texts_of_sentence_pieces_keep_their_space():
    vocabulary = {"<unk>": 0, "<0xE2>": 1, "<0x0A>": 2, "▁dog": 3, "dog": 4, "▁": 5}
    backend = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, [], byte_fallback=True))
    backend.decoder = tokenizers.decoders.Sequence(
        [
            tokenizers.decoders.Replace("▁", " "),
            tokenizers.decoders.ByteFallback(),
            tokenizers.decoders.Fuse(),
        ]
    )
    texts = token_texts(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>"))
    assert texts == ["<unk>", "<0xE2>", "\n", " dog", "dog", " "]
