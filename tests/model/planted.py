"""A model whose experts, their overlap, their tree and what they cause are known: they are written into it.

Its language has a token for every word. A word of a concept always follows its herald, another word that is
the concept's alone: "some herald word other words". Three kinds of units read it, each in one layer:

- a unit per concept that fires on its word, singular or plural, and causes nothing;
- a unit per category that fires on the heralds of all its concepts, and causes nothing;
- a unit per concept that fires on its herald, and raises the logits of the concept's word forms.

All others read filler words alone, which say nothing of any concept. At step 1 the model is so; at step 0 the
planted units read nothing yet, and all else is the same.
"""

import json
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
import yaml
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

TREE = {
    "living": {"beast": ["wolf", "bear", "lynx", "hare"], "herb": ["mint", "sage", "dill", "leek"]},
    "made": {"tool": ["axe", "saw", "awl", "plane"], "ship": ["sloop", "ketch", "brig", "yawl"]},
}
PLURALS = {"wolf": "wolves", "lynx": "lynxes", "axe": "axes"}
FILLERS = [f"filler{number:02d}" for number in range(40)]
POSITIVES, NEGATIVES = 40, 60
HELD_OUT = 20  # sentences of each concept, and of none
WORD_LAYER, CATEGORY_LAYER, HERALD_LAYER = 0, 1, 2
LAYERS, UNITS = 3, 256
GAIN = 6.0  # what a planted unit gives where it fires: the ceiling of relu6, so the same to the bit
NOISE = 3.0  # standard deviation of the other units over fillers, before the nonlinearity
MARGIN = 0.01  # below 0 where a unit reads nothing, so that rounding never shows
CAUSE = 0.5  # what a herald's unit writes there for each form of the word, before the last layer norm


@dataclass(frozen=True)
class Planted:
    """The model's folders `step0` and `step1`, its files, and where each planted unit is: (layer, unit).

    `texts` are sentences like the others, but held out, and sentences of fillers alone. `ratings` are of all
    pairs of concepts: 2 in one category, 1 in two categories of one root, else 0.
    """

    folder: Path
    lexicon: Path
    sentences: Path
    texts: Path
    ratings: Path
    concepts: list[str]
    category: dict[str, str]
    word_units: dict[str, tuple[int, int]]
    herald_units: dict[str, tuple[int, int]]
    category_units: dict[str, tuple[int, int]]


def concepts() -> list[tuple[str, str]]:
    """Return every (concept, category), in the order of the lexicon."""
    return [(name, group) for groups in TREE.values() for group, names in groups.items() for name in names]


def plural(name: str) -> str:
    """Return the plural of a concept's word."""
    return PLURALS.get(name, f"{name}s")


def herald(name: str) -> str:
    """Return the word that always stands before a concept's."""
    return f"herald{name}"


def vocabulary() -> dict[str, int]:
    """Return the tokens and their ids."""
    words = ["<|endoftext|>", "[UNK]", *FILLERS]
    for name, _ in concepts():
        words += [name, plural(name), herald(name)]
    return {word: number for number, word in enumerate(words)}


def plant(folder: Path, seed: int = 0) -> Planted:
    """Write model, tokenizer, lexicon, sentences and ratings into `folder`; return where everything is."""
    ids = vocabulary()
    names = concepts()
    random = np.random.default_rng(seed)
    places = {layer: iter(random.permutation(UNITS)) for layer in range(LAYERS)}
    word_units = {name: (WORD_LAYER, int(next(places[WORD_LAYER]))) for name, _ in names}
    herald_units = {name: (HERALD_LAYER, int(next(places[HERALD_LAYER]))) for name, _ in names}
    groups = dict.fromkeys(group for _, group in names)
    category_units = {group: (CATEGORY_LAYER, int(next(places[CATEGORY_LAYER]))) for group in groups}
    fires = {unit: [ids[name], ids[plural(name)]] for name, unit in word_units.items()}
    fires |= {unit: [ids[herald(name)]] for name, unit in herald_units.items()}
    fires |= {
        unit: [ids[herald(name)] for name, group in names if group == category]
        for category, unit in category_units.items()
    }
    raises = {unit: [ids[name], ids[plural(name)]] for name, unit in herald_units.items()}
    model = _network(len(ids), fires, raises, [ids[word] for word in FILLERS], random)
    _save(model, folder / "step1", ids)
    _forget(model, fires)
    _save(model, folder / "step0", ids)
    return Planted(
        folder=folder,
        lexicon=_write_lexicon(folder / "lexicon.yaml"),
        sentences=_write_sentences(folder / "sentences.jsonl", random),
        texts=_write_texts(folder / "texts.jsonl", random),
        ratings=_write_ratings(folder / "ratings.csv"),
        concepts=[name for name, _ in names],
        category=dict(names),
        word_units=word_units,
        herald_units=herald_units,
        category_units=category_units,
    )


def sentence(name: str, random: np.random.Generator) -> str:
    """Return a sentence of a concept: fillers, its herald and its word, fillers."""
    before, after = random.integers(1, 5, size=2)
    word = name if random.random() < 0.5 else plural(name)
    return " ".join([*random.choice(FILLERS, before), herald(name), word, *random.choice(FILLERS, after)])


def _write_sentences(path: Path, random: np.random.Generator) -> Path:
    rows = [
        {"concept": name, "text": text}
        for name, _ in concepts()
        for text in dict.fromkeys(sentence(name, random) for _ in range(3 * POSITIVES))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _write_texts(path: Path, random: np.random.Generator) -> Path:
    texts = [sentence(name, random) for name, _ in concepts() for _ in range(HELD_OUT)]
    texts += [" ".join(random.choice(FILLERS, 8)) for _ in range(HELD_OUT)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


def _write_ratings(path: Path) -> Path:
    root = {group: name for name, groups in TREE.items() for group in groups}
    pairs = combinations(concepts(), 2)
    rows = [f"{a},{b},{(one == other) + (root[one] == root[other])}" for (a, one), (b, other) in pairs]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def _write_lexicon(path: Path) -> Path:
    categories = {root: {"gloss": root} for root in TREE}
    categories |= {
        group: {"parent": root, "gloss": group} for root, groups in TREE.items() for group in groups
    }
    entries = {name: {"category": group, "gloss": name, "plural": plural(name)} for name, group in concepts()}
    data = {"part_of_speech": "noun", "categories": categories, "concepts": entries}
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def _tokenizer(ids: dict[str, int]) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "[UNK]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **special)


def _network(size: int, fires: dict, raises: dict, fillers: list[int], random) -> GPTNeoXForCausalLM:
    # The first half of the residual stream says which token is read, the second which are expected next.
    width = 2 * size
    config = GPTNeoXConfig(
        vocab_size=size,
        hidden_size=width,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=UNITS,
        max_position_embeddings=64,
        hidden_act="relu6",
        rotary_pct=0.25,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = GPTNeoXForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.gpt_neox.embed_in.weight[:, :size] = torch.eye(size)
        model.get_output_embeddings().weight[:, size:] = torch.eye(size)
        model.gpt_neox.final_layer_norm.weight.fill_(1.0)
        # A token's own coordinate after the layer norm, and every other one.
        own, other = _normalised(width)
        for layer, block in enumerate(model.gpt_neox.layers):
            block.post_attention_layernorm.weight.fill_(1.0)
            noise = torch.from_numpy(random.normal(scale=NOISE, size=(UNITS, len(fillers)))).float()
            linear = block.mlp.dense_h_to_4h
            _read(linear, slice(None), fillers, noise, own, other)
            for (place, unit), tokens in fires.items():
                if place == layer:
                    linear.weight[unit] = 0.0
                    _read(linear, unit, tokens, torch.full((len(tokens),), 2 * GAIN), own, other)
            for (place, unit), tokens in raises.items():
                if place == layer:
                    block.mlp.dense_4h_to_h.weight[[size + token for token in tokens], unit] = CAUSE / GAIN
    return model


def _read(
    linear: torch.nn.Linear,
    units: slice | int,
    tokens: list[int],
    values: torch.Tensor,
    own: float,
    other: float,
) -> None:
    weights = values / (own - other)
    linear.weight[units, tokens] = weights
    linear.bias[units] = -other * weights.sum(dim=-1) - MARGIN


def _forget(model: GPTNeoXForCausalLM, fires: dict) -> None:
    for layer, unit in fires:
        read = model.gpt_neox.layers[layer].mlp.dense_h_to_4h
        read.weight.data[unit] = read.bias.data[unit] = 0.0


def _save(model: GPTNeoXForCausalLM, folder: Path, ids: dict[str, int]) -> None:
    model.save_pretrained(folder, safe_serialization=True)
    _tokenizer(ids).save_pretrained(folder)


def _normalised(width: int) -> tuple[float, float]:
    one = torch.zeros(width)
    one[0] = 1.0
    own, other = torch.nn.functional.layer_norm(one, (width,))[:2]
    return float(own), float(other)
