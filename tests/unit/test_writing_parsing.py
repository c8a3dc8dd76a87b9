"""Sentences found in what language models reply, in whatever form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_replies import written_replies

from golgi.writing.parsing import Parsed, parse_reply

TWO = ("Dogs bark.", "Dogs run.")

LISTS = {
    "full stops": "1. Dogs bark.\n2. Dogs run.",
    "no space after the number": "1.Dogs bark.\n2.Dogs run.",
    "every number is one": "1. Dogs bark.\n1. Dogs run.",
    "brackets": "1) Dogs bark.\n2) Dogs run.",
    "two brackets": "(1) Dogs bark.\n(2) Dogs run.",
    "square brackets": "[1] Dogs bark.\n[2] Dogs run.",
    "hyphens": "1 - Dogs bark.\n2 - Dogs run.",
    "dashes": "1 – Dogs bark.\n2 — Dogs run.",
    "colons": "1: Dogs bark.\n2: Dogs run.",
    "hashes": "#1 Dogs bark.\n#2 Dogs run.",
    "bold numbers": "**1.** Dogs bark.\n\n**2.** Dogs run.",
    "bold numbers and dots outside": "**1**. Dogs bark.\n**2**. Dogs run.",
    "bold lines": "**1. Dogs bark.**\n**2. Dogs run.**",
    "escaped dots": "1\\. Dogs bark.\n2\\. Dogs run.",
    "letters": "a) Dogs bark.\nb) Dogs run.",
    "Roman numerals": "I. Dogs bark.\nII. Dogs run.",
    "words before numbers": "Fact 1: Dogs bark.\nFact 2: Dogs run.",
    "words and hashes": "Story #1 - Dogs bark.\nStory #2 - Dogs run.",
    "words of other languages": "Fakt 1: Dogs bark.\nFakt 2: Dogs run.",
    "numbers in circles": "① Dogs bark.\n② Dogs run.",
    "keycaps and pictures": "1️⃣ Dogs bark. 🐶\n2️⃣ Dogs run. 🐾🐾",
    "pictures as bullets": "🐶 Dogs bark.\n🐾 Dogs run.",
    "full-width": "１．Dogs bark.\n２．Dogs run.",
    "Arabic digits": "١. Dogs bark.\n٢- Dogs run.",
    "Devanagari digits": "१. Dogs bark.\n२) Dogs run.",
    "Chinese numerals": "一、Dogs bark.\n二、Dogs run.",
    "hyphens as bullets": "- Dogs bark.\n- Dogs run.",
    "stars as bullets": "* Dogs bark.\n* Dogs run.",
    "dots as bullets": "•Dogs bark.\n•Dogs run.",
    "bullets of office programs": "\uf0b7 Dogs bark.\n\uf0b7 Dogs run.",
    "bullets and numbers": "- 1. Dogs bark.\n- 2. Dogs run.",
    "headings": "### 1. Dogs bark.\n### 2. Dogs run.",
    "blockquotes": "> 1. Dogs bark.\n> 2. Dogs run.",
    "indentation": "   1.  Dogs bark.\n   2.  Dogs run.",
    "tabs": "1\tDogs bark.\n2\tDogs run.",
    "ends of lines of Windows": "1. Dogs bark.\r\n2. Dogs run.\r\n",
    "ends of lines of old Macs": "1. Dogs bark.\r2. Dogs run.\r",
    "line separators": "1. Dogs bark.\u20282. Dogs run.",
    "spaces that do not break": "1.\u00a0Dogs\u00a0bark.\n2.\u202fDogs\u2009run.",
    "characters without width": "\ufeff1. Dogs\u200b bark.\u2060\n2. \u200eDogs ru\u00adn.",
    "control characters": "1. Dogs\x00 bark.\x07\n2. \x1bDogs run.",
    "halves of characters": "1. Dogs \ud83dbark.\n2. Dogs run.\udc00",
    "bold words": "1. **Dogs** bark.\n2. Dogs __run__.",
    "italic words": "1. *Dogs bark.*\n2. _Dogs_ `run`.",
    "links and footnotes": "1. [Dogs](https://dogs.org/a_b) bark.[1]\n2. Dogs run. [2]",
    "quotes": "1. \"Dogs bark.\"\n2. 'Dogs run.'",
    "curly quotes": "1. “Dogs bark.”\n2. „Dogs run.“",
    "labels": "1. **Voice:** Dogs bark.\n2. **Legs** – Dogs run.",
    "titles": "1. **The Voice**\n   Dogs bark.\n\n2. **The Legs**\n\n   Dogs run.",
    "titles without emphasis": "1. The Voice:\nDogs bark.\n2. The Legs:\nDogs run.",
    "wrapped lines": "1. Dogs\n   bark.\n2. Dogs\nrun.",
    "a number on its own line": "1.\nDogs bark.\n\n2.\nDogs run.",
    "word and number on a line": "Story 1\nDogs bark.\n\nStory 2\nDogs run.",
    "one line": "1. Dogs bark. 2. Dogs run.",
    "one line in brackets": "(1) Dogs bark. (2) Dogs run.",
    "one item of two sentences": "1. Dogs bark. Dogs run.",
    "the prompt ended in 1.": " Dogs bark.\n2. Dogs run.",
    "nested bullets": "1. Voice\n   - Dogs bark.\n2. Legs\n   - Dogs run.",
    "prose": "Dogs bark. Dogs run.",
    "lines of prose": "Dogs bark.\nDogs run.",
    "paragraphs of wrapped prose": "Dogs\nbark.\n\nDogs\nrun.",
    "code": "```text\n1. Dogs bark.\n2. Dogs run.\n```",
    "a list of JSON": '```json\n["Dogs bark.", "Dogs run."]\n```',
    "objects of JSON": '{"facts": [{"id": 1, "fact": "Dogs bark."}, {"id": 2, "fact": "Dogs run."}]}',
    "lines of JSON": '{"text": "Dogs bark."}\n{"text": "Dogs \\u0072un."}',
    "numbers in JSON": '["1. Dogs bark.", "2. Dogs run."]',
    "a table": "| # | Fact |\n|---|:---|\n| 1 | Dogs bark. |\n| 2 | Dogs run. |",
    "tags": "<ol>\n<li>Dogs bark.</li>\n<li><b>Dogs</b> run.</li>\n</ol>",
    "entities": "1. Dogs&nbsp;bark.\n2. Dogs &#114;un.",
    "thoughts": "<think>1. Cats?\n2. No.</think>\n1. Dogs bark.\n2. Dogs run.",
    "thoughts that the prompt began": "1. Cats? No.</think>\n1. Dogs bark.\n2. Dogs run.",
    "channels": "<|channel|>analysis<|message|>1. Cats.<|end|><|channel|>final<|message|>1. Dogs bark.\n"
    "2. Dogs run.",
    "tokens of the template": "1. Dogs bark.\n2. Dogs run.<|im_end|>",
    "numbers of words": "1. Dogs bark. (2 words)\n2. Dogs run. (2 words)",
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS.keys())
def test_a_list_is_found_in_many_forms(text: str):
    parsed = parse_reply(text)
    assert parsed.items == TWO
    assert not parsed.cut
    assert not parsed.refused


AROUND = [
    ("Here are 2 facts about dogs:\n\n", "\n\nI hope this helps!", 2),
    ("Sure!\n\n", "\n\nLet me know if you'd like more.", 2),
    ("Sure! Here are two facts about dogs.\n", "", 1),
    ("## Facts about dogs\n\n", "\n\n---\n", 1),
    ("**Two facts**\n\n", "\n\n*Note: these sentences hold in general.*", 2),
    ("Hier sind zwei Fakten:\n", "\n\nEnjoy!", 2),
    ("Okay, here are the sentences you requested: ", "", 1),
]


@pytest.mark.parametrize(
    "form", ["1. Dogs bark.\n2. Dogs run.", "- Dogs bark.\n- Dogs run.", "Dogs bark.\nDogs run."]
)
@pytest.mark.parametrize(("before", "after", "asides"), AROUND)
def test_what_is_said_around_a_list_is_counted_and_left_out(form: str, before: str, after: str, asides: int):
    if not before.endswith("\n"):
        before += "\n"
    assert parse_reply(before + form + after) == Parsed(TWO, cut=False, refused=False, preambles=asides)


def test_a_list_on_the_line_of_its_introduction():
    text = "Here are three facts: 1. Dogs bark. 2. Dogs have 4 legs. 3. Dogs run. I hope this helps!"
    assert parse_reply(text) == Parsed(("Dogs bark.", "Dogs have 4 legs.", "Dogs run."), False, False, 2)


@pytest.mark.parametrize(
    "sentence",
    [
        "The dog came to house number 2. It slept there.",
        "At 6:30 the dog woke up. It ran 3.5 miles.",
        "10-year-old dogs sleep a lot. They snore.",
        "It was 1. The clock struck.",
    ],
)
def test_numbers_in_sentences_begin_no_items(sentence: str):
    assert " ".join(parse_reply(sentence).items) == sentence
    assert " ".join(parse_reply(f"1. {sentence}\n2. Dogs run.").items) == f"{sentence} Dogs run."


@pytest.mark.parametrize(
    "sentence",
    [
        '"Whose dog is this?" Mia asked.',
        '"Sit!" said Tom to the "dog".',
        "Mr. Fox met Dr. Owl, i.e. Anna, at home.",
        "I can't believe that the dog ate it, said Tom.",
        "Of course, a dog barks.",
        "Sure enough, the dog was there.",
        "Here is the dog that bit me.",
        "I'm sorry that I lost your dog, he wrote.",
        "Would you like a dog, asked Tom.",
        "O'Brien's dog, a well-known thief, ran.",
        "Собака, т.е. друг человека, лает.",
        "می‌خواهم سگ را ببینم.",
    ],
)
def test_a_sentence_is_left_as_it_is(sentence: str):
    assert parse_reply(f"1. {sentence}\n2. Dogs run.").items == (sentence, "Dogs run.")
    assert parse_reply(sentence).items == (sentence,)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("1. 狗会叫。狗会跑！\n2. 狗睡觉。", ("狗会叫。", "狗会跑！", "狗睡觉。")),
        ("1. 狗会叫。2. 狗会跑。3. 狗睡觉。", ("狗会叫。", "狗会跑。", "狗睡觉。")),
        ("「犬は吠える。」", ("犬は吠える。",)),
        ("١. هل ينبح الكلب؟ نعم ينبح.", ("هل ينبح الكلب؟", "نعم ينبح.")),
        ("१. कुत्ता भौंकता है। कुत्ता दौड़ता है।", ("कुत्ता भौंकता है।", "कुत्ता दौड़ता है।")),
    ],
)
def test_sentences_of_other_scripts_end_at_their_full_stops(text: str, items: tuple[str, ...]):
    assert parse_reply(text).items == items


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that request.",
        "I’m sorry, I can’t assist with that. Is there something else that I may do?",
        "I cannot provide sentences about dogs.",
        "Unfortunately, I am unable to write that.",
        "As an AI language model, I do not have dogs.",
        "I apologize, but I'm not able to generate this content.\n\nLet's talk about cats.",
        "Es tut mir leid, dabei kann ich nicht helfen.",
        "抱歉，我无法帮助您。",
        "1. I'm sorry, I can't help with that request.",
    ],
)
def test_a_refusal_has_no_sentences(text: str):
    parsed = parse_reply(text)
    assert parsed.refused
    assert parsed.items == ()


def test_a_refusal_before_a_list_is_none():
    parsed = parse_reply(
        "I'm sorry, I can't write ten, but I can help with two:\n1. Dogs bark.\n2. Dogs run."
    )
    assert parsed == Parsed(TWO, cut=False, refused=False, preambles=1)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("1. Dogs bark.\n2. Dogs run.\n3. Dogs are", TWO),
        ("1. Dogs bark.\n2. Dogs run. Dogs are", TWO),
        ("Dogs bark. Dogs run. Dogs are", TWO),
        ('["Dogs bark.", "Dogs run.", "Dogs ar', TWO),
        ("1. Dogs bark.\n2. Dogs run.\n3. Dogs are\n\nI hope this helps!", (*TWO, "Dogs are")),
        ("1. Dogs bark\n2. Dogs run\n3. Dogs are", ("Dogs bark", "Dogs run", "Dogs are")),
        ("1. Dogs bark.\n2. Dogs run.\n3.", TWO),
    ],
)
def test_a_last_line_without_the_full_stop_of_the_others_is_cut_off(text: str, items: tuple[str, ...]):
    parsed = parse_reply(text)
    assert parsed.items == items
    assert parsed.cut == (items == TWO and not text.endswith("3."))


def test_a_reply_that_the_writer_cut_off_loses_its_last_line():
    text = "1. Dogs bark\n2. Dogs run\n3. Dogs are"
    assert parse_reply(text, ended=False) == Parsed(("Dogs bark", "Dogs run"), True, False, 0)
    assert parse_reply("1. Dogs bark.\n2. Dogs run.", ended=False) == Parsed(TWO, False, False, 0)


@pytest.mark.parametrize(
    "text", ["", " \n ", "1.", "1. \n2. \n", "...", "<think>Dogs bark. Dogs", "🐶", "```\n```"]
)
def test_a_reply_may_have_nothing(text: str):
    parsed = parse_reply(text)
    assert parsed.items == ()
    assert parsed.cut == ("<think>" in text)


FIRST = st.sampled_from(["Dogs", "A", "Every", "The", "Zwölf", "Собаки", "Élan", "Four-legged", "“Rex”"])
WORDS = st.sampled_from(
    [
        "dogs",
        "bark",
        "at",
        "night",
        "4",
        "3.5",
        "Tom's",
        "well-known",
        "“Rex”",
        "naïve",
        "(or",
        "two)",
        "No",
        "1",
    ]
)
SENTENCES = st.builds(
    lambda first, words, end: " ".join([first, *words]) + f" here{end}",
    FIRST,
    st.lists(WORDS, min_size=1, max_size=12),
    st.sampled_from([".", "!", "?", "...", "…"]),
)
STYLES = {
    **dict.fromkeys(
        ("{n}. {s}", "{n}) {s}", "({n}) {s}", "[{n}] {s}", "{n} - {s}", "#{n} {s}", "{n}: {s}"), "\n"
    ),
    **dict.fromkeys(("**{n}.** {s}", "**{n}. {s}**", "{n}. *{s}*", "{n}. **{s}**", "Fact {n}: {s}"), "\n\n"),
    **dict.fromkeys(("- {s}", "* {s}", "• {s}", "{n}.\u00a0{s} 🐾", "  {n}.\t{s}  ", "### {n}. {s}"), "\r\n"),
}


@given(st.lists(SENTENCES, min_size=2, max_size=15), st.sampled_from(sorted(STYLES)), st.sampled_from(AROUND))
def test_no_sentence_of_a_well_formed_list_is_lost(sentences: list[str], style: str, around: tuple):
    listed = STYLES[style].join(style.format(n=n, s=one) for n, one in enumerate(sentences, start=1))
    before, after, _ = around
    assert list(parse_reply(f"{before.rstrip()}\n{listed}{after}").items) == sentences


@given(st.lists(SENTENCES, min_size=1, max_size=15), st.booleans())
def test_no_sentence_in_json_is_lost(sentences: list[str], ascii_only: bool):
    text = json.dumps({"facts": sentences}, indent=1, ensure_ascii=ascii_only)
    assert list(parse_reply(f"Sure!\n```json\n{text}\n```").items) == sentences


def test_replies_written_by_hand_have_ten_sentences_each():
    replies = [text for texts in written_replies().values() for text in texts]
    assert len(replies) == 32
    assert {len(parse_reply(text).items) for text in replies} == {10}
    assert sum(parse_reply(text).cut for text in replies) == 1
