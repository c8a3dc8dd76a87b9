"""The network that is trained here, its sizes, and its learning rate over the steps."""

import math
from dataclasses import dataclass

import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

from golgi.errors import GolgiError
from golgi.models.tokenizer import SMALLEST_VOCABULARY

WARM_UP = 0.1  # share of the steps
FINAL_RATE = 0.1  # share of the learning rate that is left at the last step


@dataclass(frozen=True)
class Shape:
    """Sizes of a network and of its training, as the study gives them."""

    layers: int
    width: int
    heads: int
    context: int
    vocabulary: int
    steps: int
    batch: int
    learning_rate: float


def check_shape(shape: Shape, checkpoints: list[int], *, model: str) -> None:
    """Raise GolgiError with everything that is wrong with the sizes, all at once."""
    counts = (shape.layers, shape.heads, shape.steps, shape.batch)
    even_heads = shape.heads >= 1 and shape.width >= 2 and shape.width % (2 * shape.heads) == 0
    in_range = all(0 <= step <= shape.steps for step in checkpoints)
    rules = {
        "layers, heads, steps and batch are at least 1": min(counts) >= 1,
        f"width ({shape.width}) is a multiple of 2 * heads ({shape.heads})": even_heads,
        f"context ({shape.context}) is at least 2 tokens": shape.context >= 2,
        f"vocabulary ({shape.vocabulary}) is at least {SMALLEST_VOCABULARY}, all bytes and the end of text": (
            shape.vocabulary >= SMALLEST_VOCABULARY
        ),
        f"learning_rate ({shape.learning_rate}) is more than 0": 0 < shape.learning_rate < math.inf,
        "at least one checkpoint is asked for": bool(checkpoints),
        f"checkpoints are between 0 and steps ({shape.steps})": in_range,
    }
    broken = [rule for rule, holds in rules.items() if not holds]
    if broken:
        raise GolgiError("\n  ".join([f"{model}: source.train: it has to hold that", *broken]))


def build_network(shape: Shape, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> GPTNeoXForCausalLM:
    """Return the untrained network, float32, initialised from `seed`."""
    config = GPTNeoXConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.width,
        intermediate_size=4 * shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=shape.context,
        # All of a head rotates: a quarter of a small head, as in Pythia, would be one or two dimensions.
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1.0},
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        attn_implementation="sdpa",
    )
    # transformers initialises from torch's global generator, so that one is seeded and then restored.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return GPTNeoXForCausalLM(config).float()


def rate_at(step: int, steps: int) -> float:
    """Return the share of the learning rate at `step` (from 1): linear warm-up, cosine decay to a tenth."""
    warm = max(1, round(WARM_UP * steps))
    if step <= warm:
        return step / warm
    done = (step - warm) / max(1, steps - warm)
    return FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * done))


def decay_groups(network: GPTNeoXForCausalLM) -> list[dict]:
    """Return AdamW's parameter groups: weight decay for matrices, none for biases and normalisations."""
    matrices = [parameter for parameter in network.parameters() if parameter.ndim >= 2]
    vectors = [parameter for parameter in network.parameters() if parameter.ndim < 2]
    return [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
