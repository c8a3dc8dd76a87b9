"""Small random models of many families, and where plain Hugging Face code keeps each site."""

from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 48,
}
GROUPED = SIZES | {"num_key_value_heads": 2}
GPT2_SIZES = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 48}
OPT_SIZES = {"hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 2, "num_attention_heads": 4}


@dataclass(frozen=True)
class Family:
    """A configuration, and the modules of one block that give each site."""

    config: str
    sizes: dict
    blocks: str
    before: str  # its output is mlp_pre
    after: str  # its input is mlp_post
    mlp: str
    attention: str
    projections: tuple[str, ...]


LLAMA_PARTS = {
    "blocks": "model.layers",
    "before": "mlp.gate_proj",
    "after": "mlp.down_proj",
    "mlp": "mlp",
    "attention": "self_attn",
    "projections": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
}
NEOX_PARTS = {
    "blocks": "gpt_neox.layers",
    "before": "mlp.dense_h_to_4h",
    "after": "mlp.dense_4h_to_h",
    "mlp": "mlp",
    "attention": "attention",
    "projections": ("attention.query_key_value",),
}
GPT2_PARTS = {
    "blocks": "transformer.h",
    "before": "mlp.c_fc",
    "after": "mlp.c_proj",
    "mlp": "mlp",
    "attention": "attn",
    "projections": ("attn.c_attn",),
}
OPT_PARTS = LLAMA_PARTS | {"blocks": "model.decoder.layers", "before": "fc1", "after": "fc2", "mlp": "fc2"}
PHI_PARTS = LLAMA_PARTS | {"before": "mlp.fc1", "after": "mlp.fc2"}
# Bloom's modules add the residual stream themselves: the sites are their last projections.
BLOOM_PARTS = GPT2_PARTS | {
    "before": "mlp.dense_h_to_4h",
    "after": "mlp.dense_4h_to_h",
    "mlp": "mlp.dense_4h_to_h",
    "attention": "self_attention.dense",
    "projections": ("self_attention.query_key_value",),
}
# Gemma 2 normalises what its blocks add: the sites are what is added, after that normalisation.
GEMMA2_PARTS = LLAMA_PARTS | {"mlp": "post_feedforward_layernorm", "attention": "post_attention_layernorm"}

FAMILIES = {
    "neox": Family("GPTNeoXConfig", SIZES, **NEOX_PARTS),
    "neox-sequential": Family("GPTNeoXConfig", SIZES | {"use_parallel_residual": False}, **NEOX_PARTS),
    "gpt2": Family("GPT2Config", GPT2_SIZES, **GPT2_PARTS),
    "llama": Family("LlamaConfig", GROUPED, **LLAMA_PARTS),
    "qwen2": Family("Qwen2Config", GROUPED, **LLAMA_PARTS),
    "qwen3": Family("Qwen3Config", GROUPED | {"head_dim": 16}, **LLAMA_PARTS),
    "gemma": Family("GemmaConfig", GROUPED | {"head_dim": 16}, **LLAMA_PARTS),
    "gemma2": Family("Gemma2Config", GROUPED | {"head_dim": 16}, **GEMMA2_PARTS),
    "opt": Family(
        "OPTConfig", OPT_SIZES | {"max_position_embeddings": 48, "word_embed_proj_dim": 32}, **OPT_PARTS
    ),
    "phi": Family("PhiConfig", SIZES, **PHI_PARTS),
    "bloom": Family("BloomConfig", {"hidden_size": 32, "n_layer": 2, "n_head": 4}, **BLOOM_PARTS),
}


def save_random(
    name: str, folder: Path, tokenizer: PreTrainedTokenizerFast, *, seed: int = 0, **changes
) -> Path:
    """Write a random model of family `name` with its tokenizer, and return the folder."""
    config_class = getattr(transformers, FAMILIES[name].config)
    special = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
    config = config_class(**FAMILIES[name].sizes | {"vocab_size": len(tokenizer)} | special | changes)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
        for parameter in model.parameters():  # initial weights are so small that sites hardly differ
            parameter.data += 0.2 * torch.randn(parameter.shape)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def plain_activations(
    name: str, model: PreTrainedModel, ids: list[int]
) -> dict[tuple[str, int], torch.Tensor]:
    """Return the activations of every site and layer on one sequence, [token, unit], by torch's own hooks."""
    parts, found, handles = FAMILIES[name], {}, []
    blocks = attrgetter(parts.blocks)(model)
    for layer, block in enumerate(blocks):
        part = lambda path, block=block: attrgetter(path)(block)  # noqa: E731
        handles += [
            part(parts.before).register_forward_hook(_keep_output(found, ("mlp_pre", layer))),
            part(parts.after).register_forward_pre_hook(_keep_input(found, ("mlp_post", layer))),
            part(parts.mlp).register_forward_hook(_keep_output(found, ("mlp_out", layer))),
            part(parts.attention).register_forward_hook(_keep_output(found, ("attn_out", layer))),
            block.register_forward_hook(_keep_output(found, ("resid_post", layer))),
        ]
        for index, path in enumerate(parts.projections):
            handles.append(
                part(path).register_forward_hook(_keep_output(found, (f"projection{index}", layer)))
            )
    with torch.inference_mode():
        model(input_ids=torch.tensor([ids]))
    for handle in handles:
        handle.remove()
    for layer in range(len(blocks)):
        pieces = [found.pop((f"projection{index}", layer)) for index in range(len(parts.projections))]
        found["qkv", layer] = _flat_qkv(name, pieces, model)
    return found


def _keep_output(found: dict, place: tuple[str, int]):
    def hook(module, inputs, output):
        tensor = output[0] if isinstance(output, tuple) else output
        found[place] = tensor.reshape(-1, tensor.shape[-1]).clone()

    return hook


def _keep_input(found: dict, place: tuple[str, int]):
    def hook(module, inputs):
        found[place] = inputs[0].reshape(-1, inputs[0].shape[-1]).clone()

    return hook


def _flat_qkv(name: str, pieces: list[torch.Tensor], model: PreTrainedModel) -> torch.Tensor:
    if not name.startswith(("neox", "bloom")):
        return torch.cat(pieces, dim=-1)
    heads = model.config.num_attention_heads
    split = pieces[0].unflatten(-1, (heads, 3, -1))  # q, k and v are stored head by head
    return torch.cat([split[:, :, index].flatten(1) for index in range(3)], dim=-1)
