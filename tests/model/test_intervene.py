"""What is asked about a concept, and what a network planted by hand answers."""

import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch
from model_families import save_random
from plain_interventions import Plain, assert_close, sum_log_probabilities
from transformers import AutoModelForCausalLM

from golgi.concepts.intervention_text import Line
from golgi.models.interventions import intervene
from golgi.models.prompts import Prompts, Settings
from golgi.models.tokenizer import load_tokenizer, train_tokenizer
from golgi.tables import open_arrays, read_table, table_schema, write_arrays, write_table

LAYERS = (0, 1)
SETTINGS = Settings(["force"], [1], 1, prompts=4, continuations=4, length=6, top=5, neutral=40)
LINES = [
    ("Dogs run, and one more dog sleeps under the old tree.", {"dog": [(0, 4), (23, 26)]}),
    ("We saw the cat in the sun.", {"cat": [(11, 14)]}),
    ("The tree is old by the river.", {}),
    ("It sails far away in the warm sun.", {}),
    ("The tree is old by the moon.", {}),
    ("Under it an old dog barks.", {"dog": [(16, 19)]}),
]


def make_prompts(tokenizer, *, bos=0, context=48, **changes):
    lines = [Line(number, text, spans) for number, (text, spans) in enumerate(LINES)]
    settings = Settings(**{**vars(SETTINGS), **changes})
    return Prompts(lines, tokenizer, bos=bos, context=context, settings=settings, seed=2, who="tiny@7")


def ask(prompts, word="dog"):
    asked = prompts.ask(SimpleNamespace(name=word, word=word, plural=word + "s"))
    return {kind: [one for one in asked if one.quantity == kind] for kind in ("occurs", "absent", "neutral")}


def test_questions_are_about_the_word_where_it_stands(tokenizer):
    found = ask(make_prompts(tokenizer))
    occurs, inside = found["occurs"]
    assert occurs.asked.start == 1
    assert tokenizer.decode(occurs.asked.ids[1:]) == "Dogs"
    assert tokenizer.decode(inside.asked.ids[1:]) == "Under it an old dog"
    later, _ = ask(make_prompts(tokenizer, bos=None))["occurs"]  # nothing stands before the first word
    assert tokenizer.decode(later.asked.ids) == "Dogs run, and one more dog"
    assert tokenizer.decode(later.asked.ids[later.asked.start :]) == " dog"
    assert later.tokens == len(later.asked.ids) - later.asked.start


def test_words_are_asked_for_where_they_are_absent(tokenizer):
    prompts = make_prompts(tokenizer)
    for one in ask(prompts)["absent"]:
        text = tokenizer.decode(one.asked.ids[1:])
        before = text.removesuffix(" dog")
        assert text != before
        assert LINES[one.line][0].startswith(before + " ")
        assert tokenizer.decode(one.asked.ids[one.asked.start :]) == " dog"
    assert [one.line for one in ask(prompts)["absent"]] == [2, 3, 4, 1]  # first those without any word


def test_neutral_text_is_enough_and_no_more(tokenizer):
    found = ask(make_prompts(tokenizer, neutral=15))["neutral"]
    assert sum(one.tokens for one in found) >= 15
    assert sum(one.tokens for one in found[:-1]) < 15
    assert all(one.asked.start == 1 and one.tokens == len(one.asked.ids) - 1 for one in found)


def test_beginnings_differ_and_words_are_looked_for_behind_them(tokenizer):
    prompts = make_prompts(tokenizer)
    begun = [tokenizer.decode(ids[1:]) for _, ids in prompts.beginnings]
    assert begun == ["The tree is old", "It sails far away"]
    texts = [[" dog.", "dog ."], ["s. Dogs", " doggy"]]  # [edit][prompt]
    rows = [[tokenizer(text, add_special_tokens=False)["input_ids"] for text in row] for row in texts]
    length = max(len(ids) for row in rows for ids in row)
    stop = tokenizer("!", add_special_tokens=False)["input_ids"]
    filled = np.array([[ids + stop * (length - len(ids)) for ids in row] for row in rows])
    found = prompts.has_word(SimpleNamespace(word="dog", plural="dogs"), filled)
    assert found.tolist() == [[True, False], [True, False]]


def test_a_shortage_is_told(tokenizer, caplog):
    ask(make_prompts(tokenizer))
    assert "tiny@7: dog: 2 of 4 sentences with its word, 4 of 4 without" in caplog.text
    assert "2 of 4 continuations" in caplog.text
    assert not ask(make_prompts(tokenizer, context=8))["occurs"]
    assert "tiny@7: 6 held-out sentences do not fit the context of 8" in caplog.text


@pytest.fixture
def planted(tmp_path):
    """A model in which unit 5 of layer 1 says ` dog`, with the text and the expertise that lead to it."""
    tokenizer = train_tokenizer([text for text, _ in LINES] * 9 + ["a dog"] * 50, vocabulary=400, context=48)
    (dog,) = tokenizer(" dog", add_special_tokens=False)["input_ids"]
    folder = save_random("neox", tmp_path / "planted", tokenizer)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    plant(model, unit=5, token=dog, others=[one for one in range(40, 60) if one != dog])
    model.save_pretrained(folder)
    lines = [json.dumps({"text": text, "spans": spans}) for text, spans in LINES]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines) + "\n")
    blanks = {"str": "", "int": 0, "float": 0.0, "bool": False}
    blank = {column["name"]: blanks[column["type"]] for column in table_schema("concepts")["columns"]}
    row = blank | {"concept": "dog", "word": "dog", "plural": "dogs"}
    write_table(pl.DataFrame([row]), tmp_path / "concepts.parquet", schema="concepts")
    write_expertise(tmp_path / "ap.safetensors")
    return tmp_path


def plant(model, *, unit, token, others):
    """Unit `unit` of layer 1 alone raises the logit of `token`; without it the model says one of `others`."""
    layers, direction, usual = model.gpt_neox.layers, torch.zeros(32), torch.zeros(32)
    direction[0], direction[1] = 1.0, -1.0  # without a mean, which the last normalisation takes away
    usual[2], usual[3] = 1.0, -1.0
    for layer in layers:
        for module in (layer.mlp.dense_4h_to_h, layer.attention.dense):
            module.weight.data.zero_(), module.bias.data.zero_()
    layers[1].mlp.dense_h_to_4h.weight.data[unit] = 0
    layers[1].mlp.dense_h_to_4h.bias.data[unit] = 0.2  # it says the word a little, whatever the text
    layers[1].mlp.dense_4h_to_h.weight.data[:, unit] = direction
    layers[1].mlp.dense_4h_to_h.bias.data[:] = 2 * usual
    model.gpt_neox.final_layer_norm.weight.data.fill_(1.0)
    model.gpt_neox.final_layer_norm.bias.data.zero_()
    model.get_output_embeddings().weight.data.zero_()
    model.get_output_embeddings().weight.data[token] = direction
    model.get_output_embeddings().weight.data[others] = usual


def write_expertise(path):
    random, arrays = np.random.default_rng(0), {}
    for layer in LAYERS:
        measured = random.random((1, 48)).astype(np.float32) / 2
        if layer == 1:
            measured[0, 5] = 1.0
        arrays[f"measured/mlp_post/{layer}"] = measured
        arrays[f"negative_mean/mlp_post/{layer}"] = random.random((1, 48)).astype(np.float32)
        arrays[f"positive_median/mlp_post/{layer}"] = np.full((1, 48), 20, np.float32)
    write_arrays(arrays, path)


def run_planted(folder, name="prompts.parquet", **changes):
    settings = vars(SETTINGS) | {"actions": ["force", "zero"], "sizes": [1, 40], "draws": 2}
    options = {
        "who": "tiny@7",
        "model": "tiny",
        "checkpoint": "7",
        "step": 7,
        "untrained_seed": None,
        "dtype": "float32",
        "bos": True,
        "device": "cpu",
        "batch_tokens": 512,
        "threads": 1,
        "chosen": 12,
        "seed": 3,
    } | changes
    intervene(
        folder=folder / "planted",
        ap=folder / "ap.safetensors",
        concepts=folder / "concepts.parquet",
        texts=folder / "texts.jsonl",
        settings=settings,
        prompts=folder / name,
        **options,
    )
    return read_table(folder / name, schema="intervention_prompts").with_columns(
        effect=pl.col("value") - pl.col("base")
    )


def test_a_planted_unit_says_its_word_and_no_other_does(planted):
    table = run_planted(planted).filter(pl.col("size") == 1)
    effect = lambda **where: table.filter(**where)["effect"].to_numpy()  # noqa: E731
    for action, sign in (("force", 1), ("zero", -1)):
        assert (sign * effect(action=action, units="top", quantity="absent") > 0.1).all()
        assert sign * effect(action=action, units="top", quantity="occurs")[-1] > 0.1
        for units in ("next", "random"):
            assert not effect(action=action, units=units).any()
    assert effect(action="force", units="top", quantity="generated").mean() > 0.9
    assert effect(action="force", units="top", quantity="neutral").all()


def test_the_base_is_the_model_as_it_is(planted):
    table = run_planted(planted)
    model = Plain("neox", planted / "planted")
    bases = table.filter(quantity="neutral", action="force", units="top", size=1)
    prompts = make_prompts(load_tokenizer(planted / "planted", who="tiny@7"))
    for question in ask(prompts)["neutral"]:
        one = question.asked
        wanted = -sum_log_probabilities(model.logits(one.ids, {}), one) / question.tokens
        row = bases.filter(prompt=question.line).row(0, named=True)
        assert row["base"] == pytest.approx(wanted, abs=1e-5)
        assert row["tokens"] == question.tokens
    assert table.group_by("quantity", "prompt").agg(pl.col("base").n_unique())["base"].max() == 1


def test_small_models_are_told_apart_from_empty_sets(planted, caplog):
    table = run_planted(planted)
    assert table.filter(size=40, units="next")["changed"].unique().to_list() == [40]
    random = table.filter(size=40, units="random")
    assert random["changed"].max() < 40
    assert "random units are wanting" in caplog.text
    assert (random.filter(changed=0)["effect"] == 0).all()
    assert (random["displacement"].is_null() == (random["changed"] == 0)).all()


def test_how_far_units_are_pushed_is_written(planted):
    table = run_planted(planted).filter(units="top", size=1)
    with open_arrays(planted / "ap.safetensors") as arrays:
        usual = float(arrays.read("negative_mean/mlp_post/1")[0, 5])
    pushed = dict(table.select("action", "displacement").unique().rows())
    assert pushed == pytest.approx({"force": 20 - usual, "zero": usual})


def test_the_same_call_writes_the_same_bytes(planted):
    run_planted(planted)
    first = (planted / "prompts.parquet").read_bytes()
    run_planted(planted, "again.parquet")
    assert (planted / "again.parquet").read_bytes() == first
    small = run_planted(planted, "small.parquet", batch_tokens=16)
    large = run_planted(planted)
    keys = ["concept", "action", "units", "draw", "size", "quantity", "prompt"]
    assert small.select(keys).equals(large.select(keys))
    assert_close(small["value"].to_numpy(), large["value"].to_numpy())
