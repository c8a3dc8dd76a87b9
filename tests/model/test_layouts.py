"""Layouts: every sequence reads as it would alone, whatever it shares a row with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golgi.models.layouts import Alone, Packed, gather, lay_out_well

CONTEXTS = st.lists(
    st.lists(st.integers(0, 2) | st.sampled_from([255, 256, 65535]), min_size=1, max_size=9),
    min_size=1,
    max_size=40,
)


def as_arrays(contexts):
    return [np.array(context, np.int32) for context in contexts]


@given(CONTEXTS, st.none() | st.just(7))
def test_different_contexts_are_kept_once_and_found_again(contexts, bos):
    sequences, which = gather(as_arrays(contexts), bos)
    rows = [sequences.ids[i, : sequences.lengths[i]].tolist() for i in range(len(sequences.ids))]
    start = [] if bos is None else [bos]
    assert [rows[index] for index in which] == [start + context for context in contexts]
    assert rows == sorted(rows)
    assert len({tuple(row) for row in rows}) == len(rows)


@pytest.mark.parametrize("kind", [Alone, Packed])
@given(CONTEXTS, st.integers(1, 60), st.data())
def test_each_sequence_sees_itself_and_nothing_else(kind, contexts, batch_tokens, data):
    sequences, _ = gather(as_arrays(contexts), None)
    chosen = data.draw(st.sets(st.integers(0, len(sequences.ids) - 1), min_size=1))
    members = np.array(sorted(chosen))
    plan = kind(sequences, members) if kind is Alone else kind(sequences, members, slots=10)
    laid_out = []
    for batch in plan.batches(batch_tokens):
        layout = plan.lay_out(batch)
        assert layout.ids.size == plan.size(batch)
        assert len(batch) == 1 or plan.size(batch) <= batch_tokens
        laid_out += layout.members.tolist()
        for member, row, slot in zip(layout.members, layout.rows, layout.slots, strict=True):
            seen = sequences.ids[member, : sequences.lengths[member]].tolist()
            assert read_back(layout, row, slot) == seen
    assert sorted(laid_out) == members.tolist()


def read_back(layout, row, slot):
    if layout.visible is None:
        return layout.ids[row, : slot + 1].tolist()
    seen = np.flatnonzero(layout.visible[row, slot])
    assert sorted(layout.positions[row, seen]) == list(range(len(seen)))
    assert all(set(np.flatnonzero(layout.visible[row, one])) <= set(seen) for one in seen)
    return layout.ids[row, seen[np.argsort(layout.positions[row, seen])]].tolist()


def test_packing_is_chosen_where_it_saves():
    words = np.arange(30, dtype=np.int32)
    masked = [np.where(np.arange(30) == place, 99, words) for place in range(29)]
    apart = [words + 100 * shift for shift in range(29)]
    for contexts, kind in ((masked, Packed), (apart, Alone)):
        sequences, _ = gather(contexts, None)
        assert isinstance(lay_out_well(sequences, np.arange(29), packed=True), kind)
        assert isinstance(lay_out_well(sequences, np.arange(29), packed=False), Alone)
