"""Random paths over few tokens, so that they share beginnings, and the graphs that grow of them."""

from hypothesis import strategies as st

from golgi.graphs.trie import Path, grow

IDENTITY = {"model": "mini", "checkpoint": "20", "site": "mlp_post", "layer": 0, "maximum": 1.5}
SHARES = st.floats(-0.5, 1.5)
IMPORTANCES = st.floats(0, 1)


@st.composite
def paths(draw, tokens=3, longest=5):
    """A path of at most `longest` tokens and wildcards."""
    pivot = draw(st.integers(0, tokens - 1))
    context = draw(st.lists(st.none() | st.integers(0, tokens - 1), max_size=longest - 1))
    while context and context[-1] is None:
        context.pop()
    importances = [1.0, *(draw(IMPORTANCES) for _ in context)]
    return Path((pivot, *context), tuple(importances), draw(SHARES), draw(st.integers(1, 3)))


def graphs(units=3, **options):
    """A list of at most `units` graphs, units that never answered among them."""
    return st.lists(st.lists(paths(**options), max_size=8), max_size=units).map(
        lambda of_units: [grow(some, unit=unit, **IDENTITY) for unit, some in enumerate(of_units)]
    )


def path(*tokens, activation=1.0, weight=1):
    """A path whose importances do not matter."""
    return Path(tokens, (1.0,) * len(tokens), activation, weight)
