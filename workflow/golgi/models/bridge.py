"""Models, read from a folder or made as a seeded untrained twin, behind TransformerLens' hooks."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.sources import build_bridge_from_module
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from golgi.errors import GolgiError
from golgi.models.memory import naming_failure
from golgi.models.weights import find_weights, hash_files, hash_parameters, tensor_shapes

logger = logging.getLogger(__name__)

# Eager attention: the bridge builds attention from its parts, which is this form.
LOADING = {"trust_remote_code": False, "attn_implementation": "eager"}
CONTEXT_FIELDS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")


@dataclass(frozen=True)
class Model:
    """A causal language model ready to be read, with the facts that identify it."""

    who: str  # model@checkpoint, for messages
    bridge: TransformerBridge
    family: str
    layers: int
    context: int | None  # tokens; None where positions have no limit
    vocabulary: int
    parameters: int
    weights_sha256: str
    device: torch.device
    dtype: torch.dtype

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> None:
        """Run the blocks on `ids` and `mask`, [sentence, token], for their hooks, without the unembedding."""
        self.bridge.original_model.base_model(input_ids=ids, attention_mask=mask, use_cache=False)

    def input_embeddings(self) -> torch.Tensor:
        """Return the input embedding matrix, [token, d_model]."""
        return self.bridge.original_model.get_input_embeddings().weight


def load_model(folder: Path, *, who: str, dtype: torch.dtype, device: torch.device) -> Model:
    """Load the weights of a Hugging Face folder from its safetensors, without any remote code.

    Raises GolgiError naming `who` and the file if the folder is incomplete, a file is truncated, a
    tensor is missing or has another shape than the configuration asks for, or the family is unknown.
    """
    disable_progress_bar()
    files = find_weights(folder, who=who)
    shapes = tensor_shapes(files, who=who)
    config = _read_config(folder, who)
    options = LOADING | {"config": config, "dtype": dtype, "local_files_only": True, "use_safetensors": True}
    with naming_failure(f"{folder} cannot be loaded as a language model", who=who):
        model, info = AutoModelForCausalLM.from_pretrained(
            folder, **options, ignore_mismatched_sizes=True, output_loading_info=True
        )
    _check_loaded(info, shapes, folder, who)
    return _wrap(model, who=who, device=device, weights_sha256=hash_files(files, who=who))


def make_untrained(folder: Path, *, who: str, seed: int, dtype: torch.dtype, device: torch.device) -> Model:
    """Return the twin of a folder's model: its architecture, initialised from `seed`, without training.

    Always on the CPU, so that one seed is one twin, and in `dtype`, so that it needs no more memory than the
    model: the numbers are those of a float32 twin, rounded.
    """
    config = _read_config(folder, who)
    failure = f"{folder / 'config.json'} describes no causal language model"
    # Initialisation draws from torch's global generator, so that one is seeded and then restored.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        with naming_failure(failure, who=who):
            model = AutoModelForCausalLM.from_config(config, dtype=dtype, **LOADING)
    return _wrap(model, who=who, device=device, weights_sha256=hash_parameters(model))


def _read_config(folder: Path, who: str) -> Any:
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise GolgiError(
            f"{who}: {folder / 'config.json'} cannot be read as a model configuration: {error}"
        ) from error


def _check_loaded(info: dict[str, Any], shapes: dict[str, Any], folder: Path, who: str) -> None:
    problems = []
    for name, stored, wanted in sorted(info["mismatched_keys"]):
        file = shapes[name][0] if name in shapes else folder
        problems.append(f"{file}: {name} is {list(stored)}, config.json asks for {list(wanted)}")
    problems += [f"{folder}: {name} is missing" for name in sorted(info["missing_keys"])]
    if problems:
        more = [f"and {len(problems) - 5} more"] * (len(problems) > 5)
        raise GolgiError(
            "\n  ".join([f"{who}: the weights do not fit the configuration:", *problems[:5], *more])
        )
    unused = sorted(info["unexpected_keys"])
    if unused:
        logger.warning(
            "%s: %d stored tensors are not part of the model and were left out, such as %s.",
            who,
            len(unused),
            unused[0],
        )


def _wrap(model: PreTrainedModel, *, who: str, device: torch.device, weights_sha256: str) -> Model:
    family = type(model).__name__
    with naming_failure(f"the family {family} cannot be moved to {device}", who=who):
        model = model.to(device).eval().requires_grad_(False)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    vocabulary = model.get_input_embeddings().weight.shape[0]
    text = model.config.get_text_config()
    with naming_failure(f"TransformerLens cannot hook the family {family}", who=who):
        bridge = build_bridge_from_module(
            model, family, hf_config=model.config, device=device, model_name=who
        )
    return Model(
        who=who,
        bridge=bridge,
        family=family,
        layers=int(bridge.cfg.n_layers),
        context=_context(text),
        vocabulary=int(vocabulary),
        parameters=parameters,
        weights_sha256=weights_sha256,
        device=device,
        dtype=model.dtype,
    )


def _context(config: Any) -> int | None:
    values = [getattr(config, field, None) for field in CONTEXT_FIELDS]
    return next((int(value) for value in values if value), None)
