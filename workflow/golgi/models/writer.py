"""A writer in a folder: a causal language model that replies to requests in batches."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel, PreTrainedTokenizerFast

from golgi.errors import GolgiError
from golgi.models.bridge import context_length, read_weights
from golgi.models.chat import render
from golgi.models.device import choose_dtype, claim_device
from golgi.models.memory import naming_failure, ran_out_of_memory
from golgi.models.tokenizer import load_tokenizer
from golgi.models.weights import INDEX, find_weights, hash_files
from golgi.study.folders import MODEL_FILES, model_files
from golgi.writing.requests import Reply, Request, Sampling, local_identity

logger = logging.getLogger(__name__)

FIELD = "concepts.sentences.source.llm"


class LocalWriter:
    """A causal language model in Hugging Face format that writes (a `Writer`).

    `source` is what the study says of it: `hub` and `revision`, after which it is called, or a `directory`,
    where it is called after what is in it: weights, configuration, tokenizer and chat template; `dtype`,
    which its name ends in, and `batch`. It is loaded when it is first asked, and stays on the device called
    `device` as long as this lives.
    """

    def __init__(self, folder: Path, *, source: dict, device: str):
        """Raise GolgiError for a folder that has no configuration or no safetensors."""
        name = f"{source['hub']}@{source['revision']}" if "hub" in source else None
        self._folder, self._who = Path(folder), f"writer {name or folder}"
        self._dtype, self._device = source["dtype"], device
        self._files = find_weights(self._folder, who=self._who)
        self.batch = source["batch"]
        self.identity = local_identity(name or f"sha256:{self._content()}", self._dtype)
        self._held = ExitStack()

    def answer(self, requests: Sequence[Request], keep: Callable[[Request, Reply], None]) -> None:
        """Reply to all requests, `batch` at a time, and `keep` each reply when its batch is done.

        The same batch gets the same replies on the same machine: random numbers follow from its keys. Raises
        GolgiError for a prompt that leaves too little room, and for a batch that does not fit into memory.
        """
        for start in range(0, len(requests), self.batch):
            part = requests[start : start + self.batch]
            for request, reply in zip(part, self._reply(part), strict=True):
                keep(request, reply)

    @cached_property
    def _weights(self) -> str:
        return hash_files(self._files, who=self._who)

    def _content(self) -> str:
        """SHA-256 over that of the weights and those of the files that say how they are used."""
        # How tensors are spread over files says nothing of them.
        patterns = tuple(one for one in MODEL_FILES if one != INDEX)
        files = map(Path, model_files(str(self._folder), patterns))
        hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        return hashlib.sha256(json.dumps([self._weights, hashes], sort_keys=True).encode()).hexdigest()

    @cached_property
    def _tokenizer(self) -> PreTrainedTokenizerFast:
        return load_tokenizer(self._folder, who=self._who)

    @cached_property
    def _model(self) -> PreTrainedModel:
        device = self._held.enter_context(claim_device(self._device))
        dtype, _ = choose_dtype(self._dtype)
        logger.info("%s: %s, %d requests at a time.", self._who, self._dtype, self.batch)
        model = read_weights(
            self._folder, AutoModelForCausalLM, kind="language model", who=self._who, dtype=dtype
        )
        with naming_failure(f"the model cannot be moved to {device}", who=self._who):
            return model.to(device).eval().requires_grad_(False)

    def _reply(self, requests: Sequence[Request]) -> list[Reply]:
        prompts = self._prompts(requests)  # before the model is loaded, which may take minutes
        if not all(prompts):  # of a folder without a tokenizer transformers makes an empty one
            raise GolgiError(f"{self._who}: the tokenizer in {self._folder} makes no token of a prompt.")
        model, sampling = self._model, requests[0].sampling
        self._check_room(max(map(len, prompts)), sampling)
        ends = _ends(model, self._tokenizer)
        # In place of the model's own, which would fill what this one leaves open.
        model.generation_config = _generation(sampling, ends)
        ids, mask = (part.to(model.device) for part in _pad_left(prompts))
        written = self._generate(ids, mask, seed=_seed(requests))[:, ids.shape[1] :].tolist()
        return [self._read(*pair, ends=ends) for pair in zip(prompts, written, strict=True)]

    def _prompts(self, requests: Sequence[Request]) -> list[list[int]]:
        tokenizer = self._tokenizer
        if not tokenizer.chat_template:
            texts = ["\n\n".join(content for _, content in one.messages) + "\n" for one in requests]
            return tokenizer(texts)["input_ids"]
        chats = [[{"role": role, "content": content} for role, content in one.messages] for one in requests]
        # Not to reason first: templates that know nothing of it do not mind being told.
        variables = tokenizer.special_tokens_map | {"enable_thinking": False}
        with naming_failure(f"the chat template in {self._folder} cannot be used", who=self._who):
            texts = render(tokenizer.get_chat_template(), chats, variables)
        return tokenizer(texts, add_special_tokens=False)["input_ids"]

    def _check_room(self, prompt: int, sampling: Sampling) -> None:
        context = context_length(self._model.config.get_text_config())
        if context and prompt + sampling.max_tokens > context:
            raise GolgiError(
                f"{FIELD}.max_tokens: a prompt of {prompt} tokens and a reply of {sampling.max_tokens} are "
                f"more than the {context} tokens that {self._who} reads at once. Lower it."
            )

    def _generate(self, ids: Tensor, mask: Tensor, *, seed: int) -> Tensor:
        cuda = [ids.device] if ids.device.type == "cuda" else []
        # transformers draws from torch's global generators, so those are seeded and then restored.
        with torch.random.fork_rng(devices=cuda), torch.inference_mode():
            torch.manual_seed(seed)
            try:
                return self._model.generate(ids, attention_mask=mask)
            except Exception as error:
                reason = f"{self._who}: the model cannot write: {error}"
                if ran_out_of_memory(error):
                    reason = (
                        f"{FIELD}.writer.batch: {len(ids)} requests at once do not fit into memory. Lower it."
                    )
                raise GolgiError(reason) from error

    def _read(self, prompt: list[int], written: list[int], *, ends: list[int]) -> Reply:
        length = next((place + 1 for place, token in enumerate(written) if token in ends), None)
        tokens = written[:length]
        return Reply(
            text=self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False),
            finish="length" if length is None else "stop",
            prompt_tokens=len(prompt),
            completion_tokens=len(tokens),
            model=self.identity,
            fingerprint=f"sha256:{self._weights}",
        )


def _ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Tokens that end a reply: a chat model's turn ends with another one than its texts do."""
    own = model.generation_config.eos_token_id
    named = own if isinstance(own, list) else [own]
    rows = model.get_input_embeddings().weight.shape[0]
    found = {token for token in (*named, tokenizer.eos_token_id) if isinstance(token, int)}
    return sorted(token for token in found if 0 <= token < rows)


def _generation(sampling: Sampling, ends: list[int]) -> GenerationConfig:
    drawn = {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
    return GenerationConfig(
        max_new_tokens=sampling.max_tokens,
        eos_token_id=ends or None,
        pad_token_id=ends[0] if ends else 0,  # what stands there is not read
        **(drawn if sampling.temperature else {"do_sample": False}),
    )


def _pad_left(prompts: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Token ids and which of them count, [request, token]: replies go on at the right."""
    width = max(map(len, prompts))
    ids = torch.zeros((len(prompts), width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(prompts):
        ids[row, width - len(tokens) :] = torch.tensor(tokens)
        mask[row, width - len(tokens) :] = 1
    return ids, mask


def _seed(requests: Sequence[Request]) -> int:
    keys = "".join(request.key for request in requests)
    return int.from_bytes(hashlib.blake2b(keys.encode(), digest_size=8).digest(), "big") >> 1
