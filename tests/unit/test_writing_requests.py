"""What is asked: keys, seeds, and how many requests a concept may cost."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golgi.study.lexicon import Concept
from golgi.writing.demand import Demand, demands
from golgi.writing.requests import Request, Sampling, seed_of

DOG = Concept("dog", "dog", "dogs", "animal", "noun", "a tame animal that barks")
SAMPLING = Sampling(temperature=0.7, top_p=0.95, max_tokens=1000, seed=5)
REQUEST = Request("dog", "fact", 0, (("user", "Ten facts about dogs – please."),), "writer", SAMPLING)

texts = st.text(st.characters(exclude_categories=()), max_size=20)
samplings = st.builds(
    Sampling,
    st.floats(0, 2),
    st.floats(0, 1),
    st.integers(1, 10**6),
    st.integers(0, 2**31 - 1),
)
requests = st.builds(
    Request,
    texts,
    st.sampled_from(["fact", "story"]),
    st.integers(0, 1000),
    st.lists(st.tuples(st.sampled_from(["system", "user"]), texts), max_size=3).map(tuple),
    texts,
    samplings,
)


def test_a_key_can_be_found_again_with_nothing_but_json_and_sha256():
    asked = {
        "messages": [{"role": "user", "content": "Ten facts about dogs – please."}],
        "model": "writer",
        "sampling": {"temperature": 0.7, "top_p": 0.95, "max_tokens": 1000, "seed": 5},
    }
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    assert REQUEST.key == hashlib.sha256(text.encode()).hexdigest()
    # Published transcripts are looked up by it: it stays what it is.
    assert REQUEST.key == "f3766a020a29a3a7869201322ff53ab6e45055b49e34c659c1ed4685e9971054"


@given(requests, requests)
def test_keys_are_the_same_where_the_same_is_asked_and_only_there(one, other):
    assert (one.key == other.key) == (one.asked == other.asked)


@given(requests, texts, st.integers(0, 99))
def test_what_a_request_is_for_is_no_part_of_its_key(request, concept, draw):
    assert replace(request, concept=concept, kind="story", draw=draw).key == request.key


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (("user", "Ten facts about dogs - please."),)},
        {"messages": (("system", "Ten facts about dogs – please."),)},
        {"messages": REQUEST.messages * 2},
        {"model": "writer@main"},
        {"sampling": replace(SAMPLING, temperature=0.70001)},
        {"sampling": replace(SAMPLING, top_p=1.0)},
        {"sampling": replace(SAMPLING, max_tokens=999)},
        {"sampling": replace(SAMPLING, seed=6)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_is_asked_otherwise_has_another_key(change):
    assert replace(REQUEST, **change).key != REQUEST.key


def test_a_temperature_of_one_is_the_same_as_a_whole_number():
    whole, real = (replace(REQUEST, sampling=replace(SAMPLING, temperature=one)) for one in (1, 1.0))
    assert whole.key == real.key


def test_seeds_are_those_of_their_request_alone():
    assert seed_of(0, "dog", "fact", 0) == seed_of(0, "dog", "fact", 0)
    names = [
        (seed, concept, kind, draw)
        for seed in (0, 1)
        for concept in ("dog", "dogf", 'd"')
        for kind in ("fact", "act")
        for draw in range(50)
    ]
    seeds = {seed_of(*name) for name in names}
    assert len(seeds) == len(names)
    assert all(0 <= seed < 2**31 for seed in seeds)


@given(st.integers(2, 2000), st.integers(1, 60), st.integers(1, 9))
def test_what_is_wanted_is_half_facts_and_the_rest_stories(positives, per_request, attempts):
    facts, stories = demands([DOG], positives=positives, per_request=per_request, attempts=attempts)
    assert (facts.kind, stories.kind) == ("fact", "story")
    assert facts.wanted + stories.wanted == positives
    assert stories.wanted - facts.wanted == positives % 2
    for demand in (facts, stories):
        assert (demand.first - 1) * per_request < demand.wanted <= demand.first * per_request
        assert demand.most == attempts * demand.first


def test_one_sentence_is_a_story_and_no_fact_is_asked_for():
    facts, stories = demands([DOG], positives=1, per_request=10, attempts=4)
    assert (facts.further(0), facts.most) == (0, 0)
    assert (stories.further(0), stories.most) == (1, 4)


@given(st.data(), st.integers(1, 500), st.integers(1, 30), st.integers(1, 6))
def test_requests_come_to_an_end_within_the_bound_whatever_is_kept_of_the_replies(
    data, wanted, per_request, attempts
):
    first = -(-wanted // per_request)
    demand, kept, rounds = Demand(DOG, "fact", wanted, first, attempts * first), 0, []
    while further := demand.further(kept):
        demand.made += further
        rounds.append(further)
        kept += data.draw(st.integers(0, per_request * further))
    assert rounds[0] == first
    assert demand.made <= demand.most
    assert kept >= wanted or demand.made == demand.most


def test_what_is_short_is_asked_for_at_the_yield_so_far():
    demand = Demand(DOG, "fact", wanted=200, first=20, most=80, made=20)
    assert demand.further(150) == 7  # 50 sentences at 7.5 a request
    assert demand.further(199) == 1
    assert demand.further(200) == demand.further(260) == 0
    assert demand.further(0) == 20
    assert demand.further(10) == 60  # 380 would do; 60 are left
