"""Search: units found by their tokens and by each other, as sets of tokens have it."""

from itertools import combinations

import polars as pl
import pytest
from graph_strategies import IDENTITY, graphs, path
from hypothesis import given
from hypothesis import strategies as st

from golgi import command
from golgi.graphs import search
from golgi.graphs.search import (
    fires_on,
    like,
    needs_context,
    nodes_table,
    repeats,
    similar_pairs,
    tokens_of,
)
from golgi.graphs.trie import grow, paths_of
from golgi.tables import write_table

TEXTS = [" dog", "dog", "Dog", " barks", "s", " ", "\n"]
DOG, BARE_DOG, CAPITAL_DOG, BARKS, S, SPACE, NEWLINE = range(len(TEXTS))


def table(*units, **identity):
    """The node table of units, each a list of paths."""
    some = [grow(paths, unit=unit, **(IDENTITY | identity)) for unit, paths in enumerate(units)]
    return nodes_table(some, TEXTS)


def units(found):
    return list(zip(found["layer"], found["unit"], strict=True))


def firing_ends(graph):
    """Tokens and value of the paths that say that the unit fires."""
    ends = [node for node, data in graph.nodes(data=True) if data["end"]]
    return {
        tokens: value
        for node, (tokens, value, _) in zip(ends, paths_of(graph), strict=True)
        if graph.nodes[node]["rate"] >= 0.2
    }


def sets_of(graph):
    """Activating tokens and context tokens, from paths that lead to a firing."""
    firing = list(firing_ends(graph))
    context = {token for tokens in firing for token in tokens[1:] if token is not None}
    return {tokens[0] for tokens in firing}, context


@given(some=graphs(tokens=5))
def test_the_table_holds_every_node(some):
    nodes = nodes_table(some, TEXTS)
    rows = iter(nodes.iter_rows(named=True))
    for graph in some:
        ends = firing_ends(graph)
        prefixes = {}
        for node, data in graph.nodes(data=True):
            row = next(rows)
            assert (row["unit"], row["node"], row["step"]) == (graph.graph["unit"], node, 20)
            shared = ["token", "distance", "importance", "activation", "count", "value", "rate"]
            assert [row[name] for name in shared] == [data[name] for name in shared]
            assert row["role"] == ("activating" if row["parent"] is None else "context")
            assert (row["text"] is None) == (data["token"] is None)
            prefix = (*prefixes.get(row["parent"], ()), data["token"])
            prefixes[node] = prefix
            through = [value for tokens, value in ends.items() if tokens[: len(prefix)] == prefix]
            assert row["reach"] == max(through, default=None)
    assert next(rows, None) is None


def test_steps_of_checkpoints():
    found = [table([path(DOG)], checkpoint=name)["step"].item() for name in ("final", "untrained", "7")]
    assert found == [None, None, 7]


def test_a_token_is_found_by_its_text():
    nodes = table([path(BARE_DOG)], [path(CAPITAL_DOG)], [path(DOG), path(CAPITAL_DOG)], [path(BARKS)])
    found = fires_on(nodes, "dog")
    assert units(found) == [(0, 0), (0, 2), (0, 1)]
    assert found["closeness"].to_list() == [0, 1, 2]
    assert found["forms"].to_list() == [["dog"], ["␣dog", "Dog"], ["Dog"]]
    assert units(fires_on(nodes, " dog")) == [(0, 2), (0, 0), (0, 1)]
    assert fires_on(nodes, "cat").is_empty()


def test_whitespace_can_be_asked_for():
    nodes = table([path(SPACE)], [path(NEWLINE)], [path(DOG)])
    assert units(fires_on(nodes, " ")) == [(0, 0)]
    assert units(fires_on(nodes, "␣")) == [(0, 0)]
    assert units(fires_on(nodes, "\n")) == units(fires_on(nodes, "⏎")) == [(0, 1)]


def test_a_unit_that_needs_context_fires_on_its_token():
    # Most observations of the token are silent: only with a dog before does it fire.
    silent = [path(BARKS, token, activation=0.1) for token in (S, SPACE, NEWLINE)]
    nodes = table([path(BARKS, DOG), *silent], silent)
    assert units(fires_on(nodes, "barks")) == [(0, 0)]
    assert units(needs_context(nodes, "dog")) == [(0, 0)]
    assert needs_context(nodes, "s").is_empty()
    assert fires_on(nodes, "dog").is_empty()


@given(some=graphs(tokens=5, units=5))
def test_search_is_by_sets(some):
    nodes = nodes_table(some, TEXTS)
    sets = [sets_of(graph) for graph in some]
    for token in range(3, 5):
        word = TEXTS[token]
        assert {unit for _, unit in units(fires_on(nodes, word))} == having(sets, 0, token)
        assert {unit for _, unit in units(needs_context(nodes, word))} == having(sets, 1, token)
    assert {unit for _, unit in units(repeats(nodes))} == {
        unit for unit, (activating, context) in enumerate(sets) if activating & context
    }


def having(sets, which, token):
    return {unit for unit, both in enumerate(sets) if token in both[which]}


def by_sets(a, b):
    """Similarity of two units and how much of a is in b."""
    shares = []
    for first, second in zip(a, b, strict=True):
        both, either = len(first & second), len(first | second)
        shares.append((both / either if either else 0, both / len(first) if first else 0))
    if not a[1] and not b[1]:
        return shares[0]
    return tuple((one + other) / 2 for one, other in zip(*shares, strict=True))


@given(
    some=graphs(tokens=4, units=6, longest=3),
    similar=st.sampled_from([0.25, 0.5, 1.0]),
    subset=st.sampled_from([0.5, 0.9]),
    share=st.sampled_from([1, 10**6]),
)
def test_pairs_are_those_of_sets(some, similar, subset, share):
    expected = {}
    sets = [sets_of(graph) for graph in some]
    for a, b in combinations(range(len(sets)), 2):
        (similarity, a_in_b), (_, b_in_a) = by_sets(sets[a], sets[b]), by_sets(sets[b], sets[a])
        if not sets[a][0] & sets[b][0]:
            continue
        if similarity >= similar:
            expected[a, b] = ("similar", similarity, a_in_b, b_in_a)
        elif a_in_b >= subset:
            expected[a, b] = ("subset", similarity, a_in_b, b_in_a)
        elif b_in_a >= subset:
            expected[b, a] = ("subset", similarity, b_in_a, a_in_b)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "SLICE", share)
        pairs = similar_pairs(nodes_table(some, TEXTS), similar=similar, subset=subset)
    measured = pairs.select("unit_a", "unit_b", "kind", "similarity", "containment_a", "containment_b")
    assert {(row[0], row[1]): row[2:] for row in measured.iter_rows()} == expected
    assert len(pairs) == len(expected)


@given(some=graphs(tokens=4, units=6, longest=3))
def test_like_is_the_similarity_of_pairs(some):
    nodes = nodes_table(some, TEXTS)
    sets = [sets_of(graph) for graph in some]
    for unit, own in enumerate(sets):
        found = like(nodes, 0, unit)
        expected = {
            other: by_sets(own, theirs)[0]
            for other, theirs in enumerate(sets)
            if other != unit and own[0] & theirs[0]
        }
        assert dict(zip(found["unit"], found["similarity"], strict=True)) == expected
        assert found["similarity"].to_list() == sorted(expected.values(), reverse=True)


def test_units_of_other_weights_are_no_pair():
    same = [path(DOG, BARKS)]
    nodes = pl.concat([table(same, same, checkpoint="20"), table(same, checkpoint="40")])
    pairs = similar_pairs(nodes)
    assert pairs.select("checkpoint", "step", "unit_a", "unit_b", "kind").rows() == [
        ("20", 20, 0, 1, "similar")
    ]
    assert units(like(nodes, 0, 1)) == [(0, 0)]


def test_units_of_other_sites_are_pairs():
    nodes = pl.concat([table([path(DOG)]), table([path(DOG)], site="mlp_out")])
    assert similar_pairs(nodes).select("site_a", "site_b", "similarity").rows() == [
        ("mlp_out", "mlp_post", 1.0)
    ]
    assert like(nodes, 0, 0).select("site", "similarity").rows() == [("mlp_out", 1.0), ("mlp_post", 1.0)]


def test_tokens_most_frequent_first():
    nodes = table([path(DOG), path(BARKS, S, weight=3), path(NEWLINE, activation=0.2)])
    assert tokens_of(nodes).select("activating", "context").rows() == [(["␣barks", "␣dog"], ["s"])]


def test_nothing_in_the_table():
    nodes = table([])
    assert nodes.is_empty()
    assert similar_pairs(nodes).is_empty()
    for found in (fires_on(nodes, "dog"), like(nodes, 0, 0), repeats(nodes), tokens_of(nodes)):
        assert found.is_empty()


@pytest.fixture
def study(root, tmp_path, monkeypatch):
    """A folder with a study and its graphs; what follows `golgi search` is asked in it."""
    (tmp_path / "config").symlink_to(root / "config")
    monkeypatch.chdir(tmp_path)
    tables = tmp_path / "results" / "demo" / "tables"
    nodes = table(
        [path(DOG), path(CAPITAL_DOG)], [path(BARKS, DOG)], [path(DOG), path(BARE_DOG, BARKS)], [path(S)]
    )
    write_table(nodes, tables / "graph_nodes.parquet", schema="graph_nodes")
    return tables


def ask(*options):
    return command.main(["search", "demo", *options])


def found_units(shown):
    rows = [line.split("│") for line in shown.splitlines() if line.startswith("│")]
    return [cells[4].strip() for cells in rows if cells[1].strip()]


def test_the_command_finds(study, capsys):
    assert ask("--fires-on", "dog") == 0
    shown = capsys.readouterr().out
    assert "2 of 4 units fire on `dog`." in shown
    assert found_units(shown) == ["0.2", "0.0"]
    assert ask("--context", "dog", "--fires-on", "barks") == 0
    assert found_units(capsys.readouterr().out) == ["0.1"]
    assert ask("--like", "0.2", "--model", "mini", "--site", "mlp_post", "--checkpoint", "20") == 0
    shown = capsys.readouterr().out
    assert found_units(shown) == ["0.0"]
    assert "0.2 of mini at 20, mlp_post: fires on dog  ␣dog; after ␣barks" in shown


def test_the_command_says_what_it_does_not_show(study, capsys):
    assert ask("--fires-on", "dog", "--limit", "1") == 0
    shown = capsys.readouterr().out
    assert "2 of 4 units fire on `dog`. The first 1 are shown; --limit shows more." in shown
    assert found_units(shown) == ["0.2"]


def test_the_command_shows_f1_where_it_is_known(study, capsys):
    scores = {"model": ["mini"], "checkpoint": ["20"], "site": ["mlp_post"], "layer": [0], "unit": [2]}
    pl.DataFrame(scores | {"f1": [0.625]}).write_parquet(study / "graph_units.parquet")
    assert ask("--fires-on", "dog") == 0
    shown = capsys.readouterr().out
    assert "F1" in shown
    assert "0.62" in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say what to look for: --fires-on TOKEN"),
        (["--fires-on", "dg"], "no unit fires on `dg`. Did you mean `dog`?"),
        (["--context", "bark"], "no unit fires after `bark`. Did you mean `barks`?"),
        (["--fires-on", "s", "--context", "dog"], "no units fire on `s` and fire after `dog`"),
        (["--like", "17"], "--like 17: a unit is named by its layer and number"),
        (["--like", "0.17"], "unit 0.17 has no graph"),
        (["--like", "0.3"], "no unit shares an activating token with 0.3."),
        (["--fires-on", "s", "--model", "mimi"], "no graphs of the model `mimi`. Did you mean `mini`?"),
    ],
)
def test_the_command_says_why_not(study, capsys, options, said):
    assert ask(*options) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(said)


def test_no_graphs_and_damaged_graphs(study, capsys):
    nodes = study / "graph_nodes.parquet"
    nodes.write_bytes(nodes.read_bytes()[:200])
    assert ask("--fires-on", "dog") == 1
    assert "graph_nodes.parquet cannot be read as a table" in capsys.readouterr().err
    nodes.unlink()
    assert ask("--fires-on", "dog") == 1
    assert "there is no results/demo/tables/graph_nodes.parquet" in capsys.readouterr().err
    assert command.main(["search", "demmo", "--fires-on", "dog"]) == 1
    assert "there is no study `demmo`" in capsys.readouterr().err


def test_a_limit_is_a_number_of_units(study, capsys):
    with pytest.raises(SystemExit):
        ask("--fires-on", "dog", "--limit", "0")
    assert "0 is not a number of units" in capsys.readouterr().err
