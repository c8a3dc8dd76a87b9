"""Models trained here: reproducible bytes, a curve that beats counting, and clear refusals."""

import json
import math
import os
import stat

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from golgi.errors import GolgiError
from golgi.models.baselines import bigram_loss, unigram_loss
from golgi.models.corpus import cut_windows, draw_batches
from golgi.models.folders import write_folder
from golgi.models.network import rate_at
from golgi.models.training import train_model
from golgi.tables import read_table

PEOPLE = ["Anna", "Ben", "Cleo", "Dan"]
THINGS = ["a red ball", "an old boat", "a warm coat", "a green pear"]
SHAPE = {"layers": 2, "width": 32, "heads": 2, "context": 32, "vocabulary": 320, "batch": 16}


def write_story(path, *, count, seed):
    """Stories whose end repeats a thing named five words before: out of reach of a bigram."""
    generator = np.random.default_rng(seed)
    with path.open("w") as file:
        for _ in range(count):
            who, what = generator.choice(PEOPLE), generator.choice(THINGS)
            file.write(json.dumps({"text": f"{who} had {what}. {who} lost it. {who} wants {what}."}) + "\n")
    return path


@pytest.fixture
def train(tmp_path):
    """Train on stories with small sizes; return the folders and the loss table."""

    def run(name="run", *, checkpoints=(0, 1, 40), **changes):
        options = {
            "training": write_story(tmp_path / "training.jsonl", count=400, seed=1),
            "heldout": write_story(tmp_path / "heldout.jsonl", count=40, seed=2),
            "model": "mini",
            "steps": 40,
            "learning_rate": 5e-3,
            "seed": 3,
            "threads": 1,
        }
        folders = {step: tmp_path / name / f"step{step}" for step in checkpoints}
        train_model(folders=folders, losses=tmp_path / name / "training.parquet", **options | SHAPE | changes)
        return folders, read_table(tmp_path / name / "training.parquet", schema="training")

    return run


def test_the_same_seed_gives_the_same_bytes(train):
    first, losses = train("first")
    second, again = train("second")
    assert losses.equals(again)
    for step, folder in first.items():
        names = sorted(path.name for path in folder.iterdir())
        assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= set(names)
        for name in names:
            assert (folder / name).read_bytes() == (second[step] / name).read_bytes(), f"step {step}: {name}"


def test_another_seed_gives_other_weights(train):
    one, two = train("one", checkpoints=(0,))[0][0], train("two", checkpoints=(0,), seed=4)[0][0]
    assert (one / "model.safetensors").read_bytes() != (two / "model.safetensors").read_bytes()
    assert (one / "tokenizer.json").read_bytes() == (two / "tokenizer.json").read_bytes()


def test_training_beats_counting(train):
    _, losses = train("long", checkpoints=(0, 250), steps=250)
    last = losses.row(-1, named=True)
    assert last["heldout_loss"] < last["bigram_loss"] < last["unigram_loss"]
    first = losses.row(0, named=True)
    assert first["training_loss"] is None
    assert abs(first["heldout_loss"] - math.log(320)) < 0.5  # an untrained model knows nothing
    assert losses.filter(pl.col("heldout_loss").is_not_null())["step"].to_list() == [0, 250]
    assert losses["tokens"].to_list() == [step * 16 * 32 for step in losses["step"]]


def test_checkpoints_load_as_they_are(train):
    folders, _ = train()
    tokenizer = AutoTokenizer.from_pretrained(folders[40])
    assert tokenizer.bos_token_id == tokenizer.eos_token_id == tokenizer.pad_token_id == 0
    text = "Anna had naïve 草 \n ideas."
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text
    model = AutoModelForCausalLM.from_pretrained(folders[40])
    weights = load_file(folders[40] / "model.safetensors")
    assert all(
        (weights[name] == value).all() for name, value in model.state_dict().items() if name in weights
    )
    assert {str(value.dtype) for value in weights.values()} == {"torch.float32"}


def test_a_trained_model_gives_responses(train, collect):
    folders, _ = train()
    got = collect(
        folders[40], sentences=[("Anna had a boat.", "boat", "11:15")], concepts=["boat"], masked=True
    )
    assert got.responses["mlp_post/1"].shape == (2, 128)


def test_others_may_read_what_the_umask_lets_them(train):
    previous = os.umask(0o027)
    try:
        folder = train(checkpoints=(0,))[0][0]
    finally:
        os.umask(previous)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        path.name: 0o640 for path in folder.iterdir()
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750


def test_a_full_disk_is_told_and_no_half_of_a_folder_is_left(train, small_disk):
    with pytest.raises(GolgiError, match=r"step0 cannot be written: No space left on device\. Make room"):
        train(small_disk)
    assert list(small_disk.rglob("*")) == []


def test_a_full_disk_is_known_by_what_the_tokenizers_library_says_of_it(tmp_path):
    with pytest.raises(GolgiError, match="No space left on device"), write_folder(tmp_path / "step0"):
        raise Exception("No space left on device (os error 28)")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_beside_the_folders(train):
    folders, _ = train()
    present = sorted(path.name for path in folders[0].parent.iterdir())
    assert present == ["step0", "step1", "step40", "training.parquet"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heads": 3}, r"width \(32\) is a multiple of 2 \* heads \(3\)"),
        ({"heads": 0}, "at least 1"),
        ({"layers": 0}, "layers, heads, steps and batch are at least 1"),
        ({"vocabulary": 256}, r"vocabulary \(256\) is at least 257"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"checkpoints": (0, 41)}, r"checkpoints are between 0 and steps \(40\)"),
        ({"checkpoints": ()}, "at least one checkpoint"),
        ({"context": 100_000}, "a window of context 100000 needs 100001"),
        ({"learning_rate": 1e20}, "the loss is not a number at step"),
    ],
)
def test_sizes_that_do_not_fit_are_named(train, changes, message):
    with pytest.raises(GolgiError, match=message):
        train(**changes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "a"}\nnot json\n', r"bad\.jsonl:2: not of the form"),
        ('{"words": "a"}\n', r"bad\.jsonl:1: not of the form"),
        ('{"text": 3}\n', r"bad\.jsonl:1: text is not a string"),
        ("\n", r"bad\.jsonl holds no text"),
    ],
)
def test_a_corpus_that_is_none_names_the_line(train, tmp_path, content, message):
    (tmp_path / "bad.jsonl").write_text(content)
    with pytest.raises(GolgiError, match=message):
        train(training=tmp_path / "bad.jsonl")
    with pytest.raises(GolgiError, match="cannot be read"):
        train(training=tmp_path / "missing.jsonl")


def test_a_text_with_few_words_says_so(train, caplog):
    with caplog.at_level("INFO"):
        train(vocabulary=5000, checkpoints=(0,))
    assert "the text supports only" in caplog.text


@given(st.lists(st.integers(0, 4), min_size=3, max_size=40))
def test_baselines_are_probabilities(tokens):
    stream, vocabulary = np.array(tokens), 5
    for previous in range(vocabulary):
        following = np.arange(vocabulary)
        pairs = [
            bigram_loss(stream, np.array([previous]), following[i : i + 1], vocabulary=vocabulary)
            for i in following
        ]
        assert math.isclose(sum(math.exp(-loss) for loss in pairs), 1.0, rel_tol=1e-9)
    singles = [unigram_loss(stream, np.array([i]), vocabulary=vocabulary) for i in range(vocabulary)]
    assert math.isclose(sum(math.exp(-loss) for loss in singles), 1.0, rel_tol=1e-9)


def test_every_window_is_seen_once_an_epoch():
    windows = cut_windows(np.arange(101), context=10, what="training")
    assert windows.shape == (10, 11)
    batches = draw_batches(windows, batch=4, seed=1)
    first = [int(window[0]) for _ in range(5) for window in next(batches)]
    assert sorted(first[:10]) == sorted(first[10:20]) == list(range(0, 100, 10))
    assert first[:10] != first[10:20]


def test_the_learning_rate_rises_and_falls():
    rates = [rate_at(step, 100) for step in range(1, 101)]
    assert max(rates) == rates[9] == 1.0
    assert rates[:10] == sorted(rates[:10])
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert math.isclose(rates[-1], 0.1)
