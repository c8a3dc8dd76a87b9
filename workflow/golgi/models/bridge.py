"""Models, read from a folder or made as a seeded untrained twin, behind TransformerLens' hooks."""

import copy
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
from golgi.models.device import choose_dtype
from golgi.models.memory import naming_failure
from golgi.models.trust import check_config, check_files, check_size
from golgi.models.weights import find_weights, hash_files, hash_parameters, tensor_shapes

logger = logging.getLogger(__name__)

# The bridge builds attention from its parts, which is this form.
EAGER = {"attn_implementation": "eager"}
CONTEXT_FIELDS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")


@dataclass(frozen=True)
class Model:
    """A causal language model ready to be read, with the facts that identify it."""

    who: str  # model@checkpoint, for messages
    bridge: TransformerBridge
    plain: PreTrainedModel  # the same weights without TransformerLens around them
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


def open_model(folder: Path, *, who: str, seed: int | None, dtype: str, device: torch.device) -> Model:
    """Load a folder's model in the number format called `dtype`, or with a `seed` make its untrained twin.

    Raises GolgiError as `load_model` and `choose_dtype` do.
    """
    number_format, reason = choose_dtype(dtype)
    logger.info("%s: %s (%s).", who, dtype, reason)
    if seed is None:
        return load_model(folder, who=who, dtype=number_format, device=device)
    return make_untrained(folder, who=who, seed=seed, dtype=number_format, device=device)


def load_model(folder: Path, *, who: str, dtype: torch.dtype, device: torch.device) -> Model:
    """Load the weights of a Hugging Face folder from its safetensors, without any remote code.

    Raises GolgiError naming `who` and the file if the folder is incomplete, a file is truncated, a
    tensor is missing or has another shape than the configuration asks for, or the family is unknown.
    """
    files = find_weights(folder, who=who)
    model = read_weights(folder, AutoModelForCausalLM, kind="language model", who=who, dtype=dtype, **EAGER)
    return _wrap(model, who=who, device=device, weights_sha256=hash_files(files, who=who))


def make_untrained(folder: Path, *, who: str, seed: int, dtype: torch.dtype, device: torch.device) -> Model:
    """Return the twin of a folder's model: its architecture, initialised from `seed`, without training.

    Always on the CPU, so that one seed is one twin, and in `dtype`, so that it needs no more memory than the
    model: the numbers are those of a float32 twin, rounded.
    """
    config = read_config(folder, who)
    shapes = tensor_shapes(find_weights(folder, who=who), who=who)
    check_size(config, AutoModelForCausalLM, shapes, who=who)
    failure = f"{folder / 'config.json'} describes no causal language model"
    # Initialisation draws from torch's global generator, so that one is seeded and then restored.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        with naming_failure(failure, who=who):
            model = AutoModelForCausalLM.from_config(config, dtype=dtype, trust_remote_code=False, **EAGER)
    return _wrap(model, who=who, device=device, weights_sha256=hash_parameters(model))


def read_weights(
    folder: Path, architecture: Any, *, kind: str, who: str, dtype: torch.dtype, **options: Any
) -> PreTrainedModel:
    """Return the model in a folder as the class `architecture` of transformers has it, on the CPU.

    `kind` is what it is called where it cannot be loaded as one, `options` are those of transformers. Raises
    GolgiError as `load_model` does.
    """
    disable_progress_bar()
    shapes = tensor_shapes(find_weights(folder, who=who), who=who)
    config = read_config(folder, who)
    check_size(config, architecture, shapes, who=who)
    with naming_failure(f"{folder} cannot be loaded as a {kind}", who=who):
        model, info = architecture.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **options,
        )
    check_loaded(info, shapes, folder, who)
    return model


def read_config(folder: Path, who: str) -> Any:
    """Return the configuration in a folder; GolgiError naming `who` and the file if it is none."""
    check_files(folder, who=who)
    file = folder / "config.json"
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise GolgiError(f"{who}: {file} cannot be read as a model configuration: {error}") from error
    check_config(config, file, who=who)
    return config


def check_loaded(info: dict[str, Any], shapes: dict[str, Any], folder: Path, who: str) -> None:
    """Raise GolgiError naming the tensors that are missing or of another shape than a model needs.

    `info` is what loading gave, `shapes` what the files hold. Tensors that are left over are logged.
    """
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
    plain = _share_weights(model)  # before the bridge takes the model apart
    with naming_failure(f"TransformerLens cannot hook the family {family}", who=who):
        bridge = build_bridge_from_module(
            model, family, hf_config=model.config, device=device, model_name=who
        )
    return Model(
        who=who,
        bridge=bridge,
        plain=plain,
        family=family,
        layers=int(bridge.cfg.n_layers),
        context=context_length(text),
        vocabulary=int(vocabulary),
        parameters=parameters,
        weights_sha256=weights_sha256,
        device=device,
        dtype=model.dtype,
    )


def _share_weights(model: PreTrainedModel) -> PreTrainedModel:
    tensors = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})


def context_length(config: Any) -> int | None:
    """Return the most tokens that a model reads at once, None where its positions have no limit."""
    values = [getattr(config, field, None) for field in CONTEXT_FIELDS]
    return next((int(value) for value in values if value), None)
