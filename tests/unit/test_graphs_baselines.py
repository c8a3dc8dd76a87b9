"""Tables of n-grams: what a dictionary of tuples would hold."""

import numpy as np
from graph_data import invent_text
from hypothesis import given
from hypothesis import strategies as st

from golgi.graphs.baselines import Ngrams, add_strongest, last_tokens, strongest


def grams(ids, n):
    """The n-gram that ends at each token, None where there is none."""
    return [
        [
            tuple(row[end - n : end]) if end >= n and row[end - 1] >= 0 else None
            for end in range(1, len(row) + 1)
        ]
        for row in ids.tolist()
    ]


@given(seed=st.integers(0, 10**6), n=st.integers(1, 3))
def test_numbers_name_the_n_grams_of_the_texts(seed, n):
    random = np.random.default_rng(seed)
    texts = [invent_text(random, 3, longest, 4) for longest in (1, 6)]
    other = invent_text(random, 4, 7, 5)
    table = Ngrams(texts, n)
    known = {gram for ids in texts for row in grams(ids, n) for gram in row if gram}
    assert table.size == len(known) + 1
    found = {}
    for ids in (*texts, other):
        for row, names in zip(table.numbers(ids).tolist(), grams(ids, n), strict=True):
            for number, gram in zip(row, names, strict=True):
                assert (number > 0) == (gram in known)
                if number:
                    assert found.setdefault(number, gram) == gram
    assert len(found) == len(known)


@given(seed=st.integers(0, 10**6), size=st.integers(1, 5))
def test_the_strongest_of_each_n_gram(seed, size):
    random = np.random.default_rng(seed)
    numbers = random.integers(0, size, 8)
    shares = random.normal(size=(2, 8)).astype(np.float32)
    table = strongest(numbers, shares, size)
    units, more, above = random.integers(0, 2, 3), random.integers(0, size, 3), random.random(3)
    add_strongest(table, units, more, above.astype(np.float32))
    for unit in range(2):
        for number in range(size):
            seen = [*shares[unit, numbers == number], *above[(units == unit) & (more == number)]]
            expected = max(seen) if seen and number else -np.inf
            assert table[unit, number] == np.float32(expected)


def test_what_ends_at_a_pivot():
    windows = np.array([[4, 5, 6, 7], [8, 9, -1, -1], [1, 2, 3, -1]])
    assert last_tokens(windows, np.array([3, 0, 1]), 3).tolist() == [[5, 6, 7], [-1, -1, 8], [-1, 1, 2]]
