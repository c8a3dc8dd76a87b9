"""A writer in a folder: the same bytes twice, batches asked whole, and chat templates that get nowhere."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from serving import TEMPLATE, set_fields
from transformers import AutoModelForCausalLM, AutoTokenizer

from golgi.concepts.lexicon import Concept
from golgi.errors import GolgiError
from golgi.models.chat import render
from golgi.models.weights import hash_files
from golgi.models.writer import LocalWriter
from golgi.writing.answered import identity_of
from golgi.writing.parsing import take_apart
from golgi.writing.requests import Request, Sampling, seed_of
from golgi.writing.rounds import settled
from golgi.writing.sieve import Sieve
from golgi.writing.transcript import Transcript

GATES = {"shortest": 4, "longest": 60, "similar": 0.7, "language": 0.9, "others": True, "kind": 0.9}
CHAT = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def folder(small_writer, tmp_path):
    """A copy of the small model's folder, to be spoilt."""
    return Path(shutil.copytree(small_writer, tmp_path / "model"))


class Watched(LocalWriter):
    """It notes what it is asked."""

    def answer(self, requests, keep):
        self.asked = list(requests)
        super().answer(requests, keep)


def open_writer(folder, *, batch=4, dtype="float32", kind=LocalWriter, **source):
    source = source or {"directory": str(folder)}
    return kind(folder, source=source | {"dtype": dtype, "batch": batch}, device="cpu")


def make_requests(writer, number, *, temperature=1.0, tokens=30, concept="boat", kind="fact"):
    requests = []
    for draw in range(number):
        asked = (("user", f"Anna had {'a red ball and ' * (draw % 3)}an old {concept}."),)
        sampling = Sampling(temperature, 0.95, tokens, seed_of(1, concept, kind, draw))
        requests.append(Request(concept, kind, draw, asked, writer.identity, sampling))
    return requests


def answers(writer, requests):
    found = {}
    writer.answer(requests, lambda request, reply: found.__setitem__(request.draw, reply))
    assert list(found) == [request.draw for request in requests]
    return found


def refusal(act):
    with pytest.raises(GolgiError) as raised:
        act()
    return str(raised.value)


def test_the_same_batches_get_the_same_replies(small_writer):
    first = open_writer(small_writer)
    requests = make_requests(first, 10)
    found = answers(first, requests)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    assert answers(open_writer(small_writer), requests) == found
    assert torch.equal(torch.get_rng_state(), before)
    assert len({reply.text for reply in found.values()}) > 5
    for reply in found.values():
        assert reply.finish == ("stop" if reply.completion_tokens < 30 else reply.finish)
        assert reply.prompt_tokens > 5
        assert "<|endoftext|>" not in reply.text
    assert {reply.finish for reply in found.values()} <= {"stop", "length"}


def test_a_run_that_was_stopped_goes_on_to_the_same_replies(small_writer, tmp_path):
    writer = open_writer(small_writer)
    requests = make_requests(writer, 10)
    whole = answers(writer, requests)
    own = tmp_path / "transcript.jsonl"
    stopped = Transcript(own)

    def keep(request, reply):
        if request.draw == 6:  # in the middle of the second batch
            raise KeyboardInterrupt
        stopped.keep(request, reply)

    with pytest.raises(KeyboardInterrupt):
        open_writer(small_writer).answer(requests, keep)
    again = Transcript(own)
    assert sum(request.key in again for request in requests) == 6
    second = open_writer(small_writer, kind=Watched)
    replies = settled(requests, 0, writer=second, transcript=again, output=tmp_path / "written.parquet")
    assert [request.draw for request in second.asked] == [4, 5, 6, 7, 8, 9]
    assert replies == [whole[draw] for draw in range(10)]


def test_another_seed_or_batch_is_another_draw(small_writer):
    writer = open_writer(small_writer)
    requests = make_requests(writer, 4)
    others = make_requests(writer, 4, kind="story")
    assert answers(writer, requests) != answers(writer, others)


def test_padding_changes_nothing_where_nothing_is_drawn(small_writer):
    together, alone = open_writer(small_writer, batch=4), open_writer(small_writer, batch=1)
    requests = make_requests(together, 8, temperature=0.0)
    assert answers(together, requests) == answers(alone, requests)


def test_what_is_likeliest_is_what_transformers_writes(small_writer):
    writer = open_writer(small_writer)
    (request,) = make_requests(writer, 1, temperature=0.0)
    tokenizer = AutoTokenizer.from_pretrained(small_writer)
    model = AutoModelForCausalLM.from_pretrained(small_writer)
    ids = tokenizer(request.messages[0][1] + "\n", return_tensors="pt")
    written = model.generate(**ids, do_sample=False, max_new_tokens=30)[0, ids["input_ids"].shape[1] :]
    reply = answers(writer, [request])[0]
    assert reply.text == tokenizer.decode(written, skip_special_tokens=True)
    assert reply.prompt_tokens == ids["input_ids"].shape[1]
    assert reply.completion_tokens == len(written)


def test_nothing_is_loaded_before_it_is_asked(small_writer):
    writer = open_writer(small_writer)
    assert re.fullmatch("sha256:[0-9a-f]{64} float32", writer.identity)
    named = open_writer(small_writer, hub="lab/tiny", revision="main")
    assert named.identity == "lab/tiny@main float32"
    named.answer([], lambda request, reply: None)
    assert not {"_model", "_tokenizer"} & (set(vars(writer)) | set(vars(named)))


def test_it_says_which_weights_replied(small_writer):
    weights = hash_files([small_writer / "model.safetensors"], who="test")
    for writer in (open_writer(small_writer), open_writer(small_writer, hub="lab/tiny", revision="main")):
        reply = answers(writer, make_requests(writer, 1))[0]
        assert (reply.model, reply.fingerprint) == (writer.identity, f"sha256:{weights}")


def test_another_number_format_is_another_writer(small_writer):
    for source in ({}, {"hub": "lab/tiny", "revision": "main"}):
        single, half = (open_writer(small_writer, dtype=one, **source) for one in ("float32", "bfloat16"))
        assert single.identity.removesuffix(" float32") == half.identity.removesuffix(" bfloat16")
        (one,), (other,) = make_requests(single, 1), make_requests(half, 1)
        assert one.key != other.key


def test_the_plan_calls_a_writer_as_it_calls_itself(small_writer):
    source = {"hub": "lab/tiny", "revision": "main", "dtype": "bfloat16", "batch": 4}
    assert identity_of(source) == LocalWriter(small_writer, source=source, device="cpu").identity


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("tokenizer_config.json", {"chat_template": "{{ messages[0]['content'] }}"}),
        ("tokenizer_config.json", {"add_bos_token": True}),
        ("tokenizer.json", {"truncation": {"max_length": 9}}),
        ("generation_config.json", {"eos_token_id": [0, 1]}),
        ("config.json", {"layer_norm_eps": 0.1}),
    ],
)
def test_who_speaks_or_reads_otherwise_is_another_writer(folder, small_writer, file, change):
    assert open_writer(folder).identity == open_writer(small_writer).identity
    set_fields(folder / file, **change)
    assert open_writer(folder).identity != open_writer(small_writer).identity
    named = {"hub": "lab/tiny", "revision": "main"}
    assert open_writer(folder, **named).identity == open_writer(small_writer, **named).identity


def test_a_chat_template_in_a_file_of_its_own_counts_and_a_readme_does_not(folder):
    before = open_writer(folder).identity
    (folder / "README.md").write_text("A small model.")
    assert open_writer(folder).identity == before
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    assert open_writer(folder).identity != before


def test_a_turn_ends_where_the_model_says(folder):
    writer = open_writer(folder)
    requests = make_requests(writer, 4)
    token = AutoTokenizer.from_pretrained(folder).convert_tokens_to_ids(".")
    set_fields(folder / "generation_config.json", eos_token_id=[0, token], repetition_penalty=9.0, top_k=1)
    for reply in answers(writer, requests).values():
        assert reply.text.count(".") <= 1
        assert reply.text.endswith(".") <= (reply.finish == "stop")


def test_a_model_without_a_chat_template_goes_on_with_the_text(folder, small_writer):
    file = folder / "tokenizer_config.json"
    file.write_text(
        json.dumps({k: v for k, v in json.loads(file.read_text()).items() if k != "chat_template"})
    )
    writer = open_writer(folder)
    requests = make_requests(writer, 3)
    found, others = answers(writer, requests), answers(open_writer(small_writer), requests)
    assert {draw: one.text for draw, one in found.items()} == {draw: one.text for draw, one in others.items()}


def test_nonsense_goes_through_parsing_and_gates_and_little_is_kept(small_writer):
    writer = open_writer(small_writer)
    concepts = [concept("boat", "an open vessel"), concept("coat", "a garment that is worn over others")]
    drawn = []
    for word in ("boat", "coat"):
        for kind in ("fact", "story"):
            requests = make_requests(writer, 8, concept=word, kind=kind, tokens=60)
            writer.answer(requests, lambda request, reply: drawn.append((request, reply)))
    found = [take_apart(0, *pair) for pair in drawn]
    rows = Sieve(concepts, gates=GATES, language="en", seed=1).add(found)
    assert len(rows) == sum(len(one.parsed.items) for one in found)
    assert len(rows) >= 10
    assert sum(row.verdict == "kept" for row in rows) <= len(rows) // 2
    assert {row.verdict for row in rows} >= {"short", "unnamed"}


def concept(word, gloss):
    return Concept(
        name=word, word=word, plural=f"{word}s", category="thing", part_of_speech="noun", gloss=gloss
    )


def test_pickled_weights_are_refused(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "pytorch_model.bin may run code when opened" in refusal(lambda: open_writer(folder))


def test_what_cannot_be_loaded_is_told(folder):
    writer, unknown = open_writer(folder), open_writer(folder, dtype="float8")
    requests = make_requests(writer, 1)
    assert "'float8' is not a number format" in refusal(lambda: answers(unknown, requests))
    set_fields(folder / "config.json", hidden_size=64)
    assert f"writer {folder}" in refusal(lambda: answers(writer, requests))
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    assert f"writer {folder}: the tokenizer in" in refusal(lambda: answers(open_writer(folder), requests))


def test_a_prompt_that_leaves_no_room_is_told(small_writer):
    writer = open_writer(small_writer)
    said = refusal(lambda: answers(writer, make_requests(writer, 2, tokens=505)))
    assert said.startswith("concepts.sentences.source.llm.max_tokens: a prompt of ")
    assert "more than the 512 tokens" in said


def test_a_batch_that_does_not_fit_names_the_field(small_writer, monkeypatch):
    writer = open_writer(small_writer)
    requests = make_requests(writer, 4)
    small = writer._model.generate
    # An allocation as large as a batch for which there is no memory.
    monkeypatch.setattr(
        writer._model, "generate", lambda *args, **named: (torch.empty(2**60), small(*args, **named))
    )
    said = refusal(lambda: answers(writer, requests))
    assert (
        said
        == "concepts.sentences.source.llm.writer.batch: 4 requests at once do not fit into memory. Lower it."
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
def test_a_gpu_writes_the_same_twice(small_writer):
    source = {"directory": str(small_writer), "dtype": "bfloat16", "batch": 4}
    writers = [LocalWriter(small_writer, source=source, device="cuda") for _ in range(2)]
    requests = make_requests(writers[0], 8)
    first = answers(writers[0], requests)
    del writers[0]  # it holds the GPU
    assert answers(writers[0], requests) == first


@pytest.mark.parametrize(
    ("template", "told"),
    [
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "2 seconds or 1,024 MB",
        ),
        ("{{ 'x' * 10**11 }}", "MemoryError"),
        ("{{ 'x' * 10**8 }}", "it makes more than 1,000,000 characters of a chat"),
        ("{{ ''.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe"),
        ("{{ messages.append(1) }}", "access to attribute 'append' of 'list' object is unsafe"),
        ("{{ namespace(__a=1) }}", "no name for a namespace"),
        ("{% include '/etc/passwd' %}", "no loader for this environment specified"),
        ("{{ open('/etc/passwd') }}", "'open' is undefined"),
        ("{{ raise_exception('Say it as a user.') }}", "Say it as a user."),
        ("{% if", "unexpected 'end of template'"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "maximum recursion depth exceeded"),
        ("x" * 200_001, "it has 200,001 characters"),
    ],
)
def test_a_chat_template_of_a_stranger_gets_nowhere(template, told):
    with pytest.raises(ValueError, match=r"\w") as raised:
        render(template, [CHAT], {})
    assert told in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_chat_template_that_fails_is_told_with_its_model(folder):
    set_fields(folder / "tokenizer_config.json", chat_template="{{ raise_exception('No roles.') }}")
    writer = open_writer(folder)
    said = refusal(lambda: answers(writer, make_requests(writer, 1)))
    assert said == f"writer {folder}: the chat template in {folder} cannot be used: No roles."


def test_chat_templates_are_rendered_as_transformers_does(folder):
    template = (
        "{{ bos_token }}{%- for message in messages -%}\n"
        "  {%- if loop.index0 == 9 %}{% continue %}{% endif -%}\n"
        "{% generation %}[{{ message.role }}] {{ message['content'] | trim }}{% endgeneration %}\n"
        "{%- endfor %}{% set ns = namespace(n=1) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}\n"
        "{{ dict(a='<b>') | tojson }}\n"
        "{% if add_generation_prompt %}<reply>{% endif %}{{ tools is none }}{{ enable_thinking }}"
    )
    chat = [{"role": "system", "content": " Be brief. "}, *CHAT]
    for one in (template, TEMPLATE):
        tokenizer = AutoTokenizer.from_pretrained(folder, chat_template=one)
        variables = tokenizer.special_tokens_map | {"enable_thinking": False}
        wanted = tokenizer.apply_chat_template(
            chat, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        assert render(one, [chat, chat], variables) == [wanted, wanted]


def test_it_is_always_the_same_day():
    assert render("{{ strftime_now('%d %b %Y') }}", [CHAT], {}) == ["01 Jan 2025"]
