"""Files of graphs: JSON lines, one unit a line, in the form that schemas/graph.schema.json declares."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import networkx as nx

from golgi.errors import GolgiError
from golgi.files import write_atomically

LARGEST = 2**31 - 1
IDENTITY = ("model", "checkpoint", "site", "basis", "layer", "unit")


def write_graphs(graphs: Iterable[nx.DiGraph], path: str | Path) -> None:
    """Write graphs as JSON lines; read_graphs gives back the same graphs, to the last bit of every number.

    The file appears whole or not at all. ValueError for a number that is not finite.
    """
    with write_atomically(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for graph in graphs:
            file.write(graph_line(graph) + "\n")


def read_graphs(path: str | Path) -> Iterator[nx.DiGraph]:
    """Yield the graphs of a file, in its order.

    GolgiError, with file and line, where it cannot be read, is not of the declared form, is no trie in the
    order of `golgi.graphs.trie`, or has a unit twice.
    """
    seen: dict[tuple, int] = {}
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, start=1):
                graph = _read_line(line, f"{path}:{number}")
                identity = tuple(graph.graph[name] for name in IDENTITY)
                first = seen.setdefault(identity, number)
                if first != number:
                    raise GolgiError(f"{path}:{number}: the unit of line {first} again.")
                yield graph
    except OSError as error:
        raise GolgiError(f"{path} cannot be read: {error.strerror}.") from error


def graph_line(graph: nx.DiGraph, texts: Sequence[str] | None = None) -> str:
    """Return a graph as one line of JSON; with `texts` [token id] its nodes carry their text too.

    ValueError for a number that is not finite.
    """
    parents = {child: parent for parent, child in graph.edges}
    nodes = []
    for node in range(len(graph)):
        facts = graph.nodes[node]
        token = facts["token"]
        text = facts.get("text") if texts is None or token is None else texts[token]
        nodes.append(
            {
                "parent": parents.get(node),
                "token": token,
                **({} if texts is None and "text" not in facts else {"text": text}),
                "distance": facts["distance"],
                "importance": float(facts["importance"]),
                "activation": float(facts["activation"]),
                "count": facts["count"],
                "value": float(facts["value"]) if facts["end"] else None,
                "rate": float(facts["rate"]) if facts["end"] else None,
            }
        )
    record = graph.graph | {"nodes": nodes}
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class _Invalid(Exception):
    """What is wrong with a line."""


def _read_line(line: bytes, where: str) -> nx.DiGraph:
    try:
        record = json.loads(line, parse_constant=_no_number)
        _check(record, RECORD, {})
        facts = [_checked_node(node, number) for number, node in enumerate(record["nodes"])]
        _check_order(facts)
    except _Invalid as error:
        raise GolgiError(f"{where}: {error}. Delete the file and run again.") from error
    except (ValueError, RecursionError) as error:
        raise GolgiError(f"{where}: no JSON: {error}. Delete the file and run again.") from error
    graph = nx.DiGraph(**{name: record[name] for name in RECORD if name != "nodes"})
    graph.graph["maximum"] = float(record["maximum"])
    for number, node in enumerate(facts):
        parent = node.pop("parent")
        graph.add_node(number, **node)
        if parent is not None:
            graph.add_edge(parent, number)
    return graph


def _no_number(constant: str) -> None:
    raise _Invalid(f"{constant} is no number")


def _checked_node(node: Any, number: int) -> dict[str, Any]:
    try:
        _check(node, NODE, OPTIONAL)
    except _Invalid as error:
        raise _Invalid(f"nodes[{number}]: {error}") from error
    value, rate = node["value"], node["rate"]
    if (value is None) != (rate is None):
        raise _Invalid(f"nodes[{number}]: value and rate are there together or not at all")
    return {
        **node,
        "importance": float(node["importance"]),
        "activation": float(node["activation"]),
        "end": value is not None,
        "value": value if value is None else float(value),
        "rate": rate if rate is None else float(rate),
    }


def _check(record: Any, fields: dict[str, Callable], optional: dict[str, Callable]) -> None:
    if not isinstance(record, dict) or not fields.keys() <= record.keys() <= fields.keys() | optional.keys():
        raise _Invalid(f"not an object of {', '.join(fields)}")
    for name, value in record.items():
        if not (fields.get(name) or optional[name])(value):
            raise _Invalid(f"{name} is {json.dumps(value)[:60]}")


def _check_order(nodes: list[dict[str, Any]]) -> None:
    # The open branch: numbers and tokens of the nodes from a root down to the last one read.
    branch: list[tuple[int, float]] = []
    for number, node in enumerate(nodes):
        distance, token = node["distance"], math.inf if node["token"] is None else node["token"]
        before = branch[distance] if distance < len(branch) else None
        del branch[distance:]
        if len(branch) < distance or node["parent"] != (branch[-1][0] if branch else None):
            raise _Invalid(f"nodes[{number}]: not depth first, or not at its parent's distance plus one")
        if before is not None and before[1] >= token:
            raise _Invalid(f"nodes[{number}]: not in the order of the tokens")
        if token == math.inf and (node["value"] is not None or distance == 0):
            raise _Invalid(f"nodes[{number}]: a path begins and ends with a token, not with a wildcard")
        branch.append((number, token))


def _name(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _place(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST  # a bool is an int to Python


def _number(value: Any) -> bool:
    return (type(value) is float and math.isfinite(value)) or (type(value) is int and abs(value) < 2**1000)


RECORD: dict[str, Callable[[Any], bool]] = {
    "model": _name,
    "checkpoint": _name,
    "site": _name,
    "basis": _name,
    "layer": _place,
    "unit": _place,
    "maximum": _number,
    "nodes": lambda value: isinstance(value, list),
}
NODE: dict[str, Callable[[Any], bool]] = {
    "parent": lambda value: value is None or _place(value),
    "token": lambda value: value is None or _place(value),
    "distance": _place,
    "importance": lambda value: _number(value) and 0 <= value <= 1,
    "activation": _number,
    "count": lambda value: _place(value) and value > 0,
    "value": lambda value: value is None or _number(value),
    "rate": lambda value: value is None or (_number(value) and 0 <= value <= 1),
}
OPTIONAL: dict[str, Callable[[Any], bool]] = {"text": lambda value: value is None or isinstance(value, str)}
