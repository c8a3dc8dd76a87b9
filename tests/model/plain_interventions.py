"""Interventions with torch's own hooks on plain Hugging Face models, one sequence at a time."""

import numpy as np
import torch
from model_families import FAMILIES
from transformers import AutoModelForCausalLM


def sum_log_probabilities(logits, one):
    logs = torch.log_softmax(logits[one.start - 1 : -1].double(), dim=-1)
    return float(logs.gather(1, torch.tensor(one.ids[one.start :])[:, None]).sum())


class Plain:
    """A plain Hugging Face model whose modules' inputs and outputs are overwritten, for one sequence."""

    def __init__(self, name, folder):
        options = {"dtype": torch.float32, "attn_implementation": "eager"}
        self.model = AutoModelForCausalLM.from_pretrained(folder, **options).eval()
        self.name, self.parts = name, FAMILIES[name]

    def logits(self, ids, edit):
        handles = [handle for place, change in edit.items() for handle in self.hook(*place, *change)]
        with torch.no_grad():
            logits = self.model(torch.tensor([list(map(int, ids))]), use_cache=False).logits[0]
        for handle in handles:
            handle.remove()
        return logits

    def hook(self, site, layer, units, values):
        block = torch.nn.Module.get_submodule(self.model, self.parts.blocks)[layer]
        values = torch.from_numpy(values)
        if site == "qkv":
            return self.hook_projections(block, units, values)

        def before(module, inputs):
            return (overwrite(inputs[0], units, values), *inputs[1:])

        def after(module, inputs, output):
            if isinstance(output, tuple):
                return (overwrite(output[0], units, values), *output[1:])
            return overwrite(output, units, values)

        if site == "mlp_post":
            return [block.get_submodule(self.parts.after).register_forward_pre_hook(before)]
        paths = {"mlp_pre": self.parts.before, "mlp_out": self.parts.mlp, "attn_out": self.parts.attention}
        module = block if site == "resid_post" else block.get_submodule(paths[site])
        return [module.register_forward_hook(after)]

    def hook_projections(self, block, units, values):
        modules = [block.get_submodule(path) for path in self.parts.projections]
        start, handles = 0, []
        for module in modules:
            width = module.nf if hasattr(module, "nf") else module.weight.shape[0]
            places = self.interleaved(width) if self.name.startswith(("neox", "bloom")) else np.arange(width)
            mine = (units >= start) & (units < start + width)
            change = partial_overwrite(places[units[mine] - start], values[torch.from_numpy(mine)])
            handles.append(module.register_forward_hook(change))
            start += width
        return handles

    def interleaved(self, width):
        """Where each of the queries, keys and values stands, which are stored head by head."""
        heads = self.model.config.num_attention_heads
        return np.arange(width).reshape(heads, 3, -1).transpose(1, 0, 2).reshape(-1)


def partial_overwrite(units, values):
    return lambda module, inputs, output: overwrite(output, units, values)


def overwrite(x, units, values):
    x = x.clone()
    x[..., units] = values
    return x


def by_hugging_face(name, folder, asked, edits):
    plain = Plain(name, folder)
    return np.array(
        [[sum_log_probabilities(plain.logits(one.ids, edit), one) for one in asked] for edit in edits]
    )


def assert_close(found, wanted):
    worst = np.abs(found - wanted).max()
    assert worst < 1e-4, f"worst deviation {worst:.2g} nats"
