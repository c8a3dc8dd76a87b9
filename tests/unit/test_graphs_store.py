"""Files of graphs: what is written comes back exactly, and what is not a graph is refused where it stands."""

import json

import pytest
from graph_strategies import IDENTITY, graphs, path
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from golgi.errors import GolgiError
from golgi.graphs.store import graph_line, read_graphs, write_graphs
from golgi.graphs.trie import grow


@pytest.fixture(scope="session")
def schema(root):
    declared = json.loads((root / "schemas" / "graph.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(declared)
    return Draft202012Validator(declared)


@pytest.fixture
def record():
    some = [path(7, None, 3, activation=0.9), path(7, 2, activation=0.3), path(4)]
    return json.loads(graph_line(grow(some, unit=5, **IDENTITY)))


def facts(graph):
    return graph.graph, list(graph.nodes(data=True)), list(graph.edges)


def written(record, folder):
    file = folder / "graphs.jsonl"
    file.write_text("\n".join(map(json.dumps, [record] if isinstance(record, dict) else record)) + "\n")
    return file


@given(some=graphs(units=4))
def test_everything_comes_back_exactly(some, tmp_path_factory):
    file = tmp_path_factory.mktemp("graphs") / "graphs.jsonl"
    write_graphs(some, file)
    assert [facts(graph) for graph in read_graphs(file)] == [facts(graph) for graph in some]
    before = file.read_bytes()
    write_graphs(read_graphs(file), file)
    assert file.read_bytes() == before


@given(some=graphs(units=2))
def test_lines_have_the_declared_form(some, schema):
    for graph in some:
        schema.validate(json.loads(graph_line(graph)))


def test_texts_are_carried(schema, tmp_path):
    line = graph_line(grow([path(1, None, 0)], unit=5, **IDENTITY), texts=["␣dog", "␣barks"])
    record = json.loads(line)
    schema.validate(record)
    assert [node["text"] for node in record["nodes"]] == ["␣barks", None, "␣dog"]
    (graph,) = read_graphs(written(record, tmp_path))
    assert graph_line(graph) == line


ODD = st.one_of(st.none(), st.booleans(), st.integers(-2, 3), st.floats(), st.text(max_size=2), st.just([]))


@given(data=st.data())
def test_what_the_schema_refuses_is_refused(data, schema, tmp_path_factory):
    some = [path(7, None, 3, activation=0.9), path(7, 2, activation=0.3), path(4)]
    record = json.loads(graph_line(grow(some, unit=5, **IDENTITY)))
    spoiled = data.draw(st.sampled_from([record, *record["nodes"]]))
    name = data.draw(st.sampled_from([*spoiled, "else"]))
    if data.draw(st.booleans()):
        spoiled.pop(name, None)
    else:
        spoiled[name] = data.draw(ODD)
    file = written(record, tmp_path_factory.mktemp("graphs"))
    if schema.is_valid(json.loads(file.read_text(), parse_constant=str)):
        return  # refused or not: what the order of nodes forbids is beyond the schema
    with pytest.raises(GolgiError, match=r":1: "):
        list(read_graphs(file))


@pytest.mark.parametrize(
    ("node", "changes", "said"),
    [
        (1, {"parent": 0}, "nodes[1]: not depth first"),
        (2, {"parent": 0}, "nodes[2]: not depth first"),
        (2, {"distance": 2}, "nodes[2]: not depth first"),
        (4, {"parent": 2}, "nodes[4]: not depth first"),
        (0, {"token": 7}, "nodes[1]: not in the order of the tokens"),
        (1, {"token": 3}, "nodes[1]: not in the order of the tokens"),
        (2, {"token": None, "value": None, "rate": None}, "nodes[3]: not in the order"),
        (1, {"token": None}, "nodes[1]: a path begins and ends with a token"),
        (3, {"value": 0.4, "rate": 0.5}, "nodes[3]: a path begins and ends with a token"),
        (0, {"count": 0}, "nodes[0]: count is 0"),
        (0, {"importance": 1.5}, "nodes[0]: importance is 1.5"),
        (0, {"value": True}, "nodes[0]: value is true"),
        (0, {"value": None}, "nodes[0]: value and rate are there together"),
        (3, {"rate": 0.5}, "nodes[3]: value and rate are there together"),
        (0, {"rate": 1.5}, "nodes[0]: rate is 1.5"),
        (0, {"value": float("nan")}, "NaN is no number"),
        (0, {"more": 1}, "nodes[0]: not an object of parent, token"),
    ],
)
def test_what_is_no_trie(record, node, changes, said, tmp_path):
    record["nodes"][node] |= changes
    file = written(record, tmp_path)
    with pytest.raises(GolgiError) as error:
        list(read_graphs(file))
    assert str(error.value).startswith(f"{file}:1: {said}")


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"null", b"\xff", b'{"model": 1e400}', b"[" * 100_000])
def test_what_is_no_line(record, line, tmp_path):
    file = written(record, tmp_path)
    file.write_bytes(file.read_bytes() + line + b"\n")
    with pytest.raises(GolgiError, match=rf"{file}:2: "):
        list(read_graphs(file))


def test_a_unit_stands_once(record, tmp_path):
    with pytest.raises(GolgiError, match=r":3: the unit of line 1 again"):
        list(read_graphs(written([record, record | {"unit": 6}, record], tmp_path)))


def test_no_file_and_no_units(tmp_path):
    with pytest.raises(GolgiError, match="cannot be read: No such file"):
        list(read_graphs(tmp_path / "graphs.jsonl"))
    write_graphs([], tmp_path / "graphs.jsonl")
    assert list(read_graphs(tmp_path / "graphs.jsonl")) == []


def test_a_failed_write_leaves_nothing(tmp_path):
    def some():
        yield grow([path(1)], unit=0, **IDENTITY)
        yield grow([], unit=1, **(IDENTITY | {"maximum": float("nan")}))

    with pytest.raises(ValueError, match="JSON"):
        write_graphs(some(), tmp_path / "graphs.jsonl")
    assert list(tmp_path.iterdir()) == []
