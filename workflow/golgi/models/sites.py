"""Sites: the named tensors inside every block, as TransformerLens' hooks, with their widths."""

import logging
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from golgi.errors import GolgiError
from golgi.models.bridge import Model
from golgi.models.memory import naming_failure

logger = logging.getLogger(__name__)

# mlp_post is the input of W_out, also in gated MLPs (activation of the gate times the linear part): the
# neuron proper. mlp_pre is what enters the nonlinearity: the gate's output in a gated MLP.
# qkv is the flattened queries, keys and values, one after another, before any rotary embedding.
HOOKS = {
    "mlp_pre": ("mlp.hook_pre",),
    "mlp_post": ("mlp.hook_post",),
    "mlp_out": ("hook_mlp_out",),
    "attn_out": ("hook_attn_out",),
    "qkv": ("attn.hook_q", "attn.hook_k", "attn.hook_v"),
    "resid_post": ("hook_resid_post",),
}
IDENTITY = ("hook_resid_pre", "hook_attn_out", "hook_mlp_out", "hook_resid_post")
TOLERANCE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 6e-2}  # relative to the largest entry

Receive = Callable[[str, int, Tensor], None]
Hook = tuple[str, Callable[..., None]]


def site_hooks(site: str, layer: int, receive: Receive) -> list[Hook]:
    """Return hooks that call `receive(site, layer, x)` once per forward, x [sentence, token, unit]."""
    names = [f"blocks.{layer}.{part}" for part in HOOKS[site]]
    if len(names) == 1:
        return [(names[0], lambda x, hook: receive(site, layer, x.flatten(2)))]
    parts: dict[str, Tensor] = {}
    join = partial(_join, parts=parts, names=names, done=partial(receive, site, layer))
    return [(name, partial(join, name=name)) for name in names]


def _join(
    x: Tensor, hook: Any, *, name: str, names: list[str], parts: dict[str, Tensor], done: Callable
) -> None:
    parts[name] = x.flatten(2)
    if len(parts) < len(names):
        return
    whole = torch.cat([parts[part] for part in names], dim=-1)
    parts.clear()
    done(whole)


def measure_widths(model: Model, sites: list[str]) -> dict[tuple[str, int], int]:
    """Return the number of units of every (site, layer), read off a forward of two tokens.

    Raises GolgiError for a site that is not one, or that the model's family does not have.
    """
    unknown = [site for site in sites if site not in HOOKS]
    if unknown:
        raise GolgiError(f"experts.sites: {', '.join(unknown)}: not a site. Allowed: {', '.join(HOOKS)}.")
    missing = [site for site in sites if not _has(model, HOOKS[site])]
    if missing:
        raise GolgiError(
            f"{model.who}: the family {model.family} has no site {', '.join(missing)} in TransformerLens."
        )
    widths: dict[tuple[str, int], int] = {}

    def receive(site: str, layer: int, x: Tensor) -> None:
        if x.shape[:2] == (1, 2):
            widths[site, layer] = x.shape[2]

    hooks = [
        hook for site in sites for layer in range(model.layers) for hook in site_hooks(site, layer, receive)
    ]
    ids = torch.zeros((1, 2), dtype=torch.long, device=model.device)
    failure = f"TransformerLens cannot run the family {model.family}"
    with (
        naming_failure(failure, who=model.who),
        model.bridge.hooks(fwd_hooks=hooks),
        torch.inference_mode(),
    ):
        model.forward(ids, torch.ones_like(ids))
    silent = [
        f"{site} of layer {layer}"
        for site in sites
        for layer in range(model.layers)
        if (site, layer) not in widths
    ]
    if silent:
        raise GolgiError(
            f"{model.who}: {silent[0]} gives no activations per token in the family {model.family}."
        )
    return widths


def check_identity(model: Model, ids: Tensor, mask: Tensor) -> None:
    """Check resid_pre + attn_out + mlp_out = resid_post in every block, on one batch [sentence, token].

    Holds for sequential and parallel blocks alike. Families whose residual stream is not a plain sum are
    passed over, with the reason in the log. Raises GolgiError naming the layer and the deviation.
    """
    reason = _why_not_a_sum(model)
    if reason:
        logger.info("%s: resid_pre + attn_out + mlp_out = resid_post is not checked: %s.", model.who, reason)
        return
    seen: dict[str, Tensor] = {}
    names = [f"blocks.{layer}.{part}" for layer in range(model.layers) for part in IDENTITY]
    hooks = [(name, partial(_remember, seen=seen, name=name)) for name in names]
    with model.bridge.hooks(fwd_hooks=hooks), torch.inference_mode():
        model.forward(ids, mask)
    for layer in range(model.layers):
        before, attention, mlp, after = (
            seen[f"blocks.{layer}.{part}"].float()[mask.bool()] for part in IDENTITY
        )
        deviation = float((before + attention + mlp - after).abs().max() / after.abs().max().clamp_min(1e-6))
        if math.isnan(deviation):
            return  # damaged weights, which the check of the responses names with a sentence
        if deviation > TOLERANCE[model.dtype]:
            raise GolgiError(
                f"{model.who}: layer {layer}: resid_pre + attn_out + mlp_out differs from resid_post by "
                f"{deviation:.2g} of its largest entry: sites of {model.family} are not what they are called."
            )
    logger.info(
        "%s: resid_pre + attn_out + mlp_out = resid_post holds in all %d layers.", model.who, model.layers
    )


def _remember(x: Tensor, hook: Any, *, seen: dict[str, Tensor], name: str) -> None:
    seen[name] = x.detach().clone()


def _has(model: Model, parts: tuple[str, ...]) -> bool:
    return all(
        f"blocks.{layer}.{part}" in model.bridge.hook_dict for layer in range(model.layers) for part in parts
    )


def _why_not_a_sum(model: Model) -> str:
    config = model.bridge.original_model.config
    if not _has(model, IDENTITY):
        return f"the family {model.family} lacks one of the four sites"
    if getattr(config, "do_layer_norm_before", True) is False or getattr(
        config, "apply_residual_connection_post_layernorm", False
    ):
        return "its blocks normalise the residual stream itself"
    return ""
