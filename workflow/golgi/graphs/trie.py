"""A unit's graph: the contexts it answers to, as a trie that grows backwards from the activating token."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx

WILDCARD = None
Tokens = tuple[int | None, ...]


@dataclass(frozen=True)
class Path:
    """One observation: a pivot and the context before it, read backwards, and how strongly the unit answered.

    `tokens` [distance] are token ids, the pivot first; None stands for exactly one token, whichever. A path
    neither begins nor ends with None. `importances` [distance] is 1 for the pivot, and what was measured for
    wildcards too. `activation` is a share of the unit's maximum, `weight` the number of observations.
    ValueError for a path that is not one.
    """

    tokens: Tokens
    importances: tuple[float, ...]
    activation: float
    weight: int = 1

    def __post_init__(self) -> None:
        if not self.tokens or WILDCARD in (self.tokens[0], self.tokens[-1]):
            raise ValueError(f"a path begins and ends with a token, but this one is {self.tokens}")
        if len(self.importances) != len(self.tokens):
            raise ValueError(f"{len(self.tokens)} tokens have {len(self.importances)} importances")
        if not all(map(math.isfinite, (*self.importances, self.activation))) or self.weight < 1:
            raise ValueError(f"{self} is not measured")


def grow(
    paths: Iterable[Path],
    *,
    model: str,
    checkpoint: str,
    site: str,
    layer: int,
    unit: int,
    maximum: float,
    basis: str = "neuron",
    fires: float = 0.5,
) -> nx.DiGraph:
    """Return the trie of a unit's paths, whose order does not matter (Foote et al. 2023, sec. 3).

    An edge leads from a token to the one before it in the text. Nodes are numbered depth first, roots by
    token; children by token too, the wildcard last. Attributes of a node: `token` (None for a wildcard),
    `distance` from the pivot, means `importance` and `activation` and total weight `count` of the paths
    through it, and, where some `end`, of those the mean activation as `value` and as `rate` the share whose
    activation reaches `fires` (else None). `maximum` is the unit's largest activation on the build corpus,
    of which activations are shares.
    """
    graph = nx.DiGraph(
        model=model,
        checkpoint=checkpoint,
        site=site,
        basis=basis,
        layer=int(layer),
        unit=int(unit),
        maximum=float(maximum),
    )
    through: dict[Tokens, list[tuple[float, Path]]] = defaultdict(list)
    ending: dict[Tokens, list[Path]] = defaultdict(list)
    for path in paths:
        tokens = tuple(token if token is WILDCARD else int(token) for token in path.tokens)
        ending[tokens].append(path)
        for distance, importance in enumerate(path.importances):
            through[tokens[: distance + 1]].append((importance, path))
    # A prefix sorts before what it begins: the order of the prefixes is the trie's, depth first.
    numbers: dict[Tokens, int] = {}
    for prefix in sorted(through, key=_wildcards_last):
        numbers[prefix] = node = len(numbers)
        graph.add_node(node, **_attributes(prefix, through[prefix], ending.get(prefix, []), fires))
        if len(prefix) > 1:
            graph.add_edge(numbers[prefix[:-1]], node)
    return graph


def paths_of(graph: nx.DiGraph) -> list[tuple[Tokens, float, int]]:
    """Return (tokens, value, count) of every node where a path may end, in the order of the nodes.

    >>> paths_of(grow([Path((7, None, 3), (1.0, 0.2, 0.9), 0.8)], model="mini", checkpoint="final",
    ...               site="mlp_post", layer=0, unit=5, maximum=2.0))
    [((7, None, 3), 0.8, 1)]
    """
    prefixes: dict[int, Tokens] = {}
    for node, token in graph.nodes(data="token"):
        before = [prefixes[parent] for parent in graph.predecessors(node)]
        prefixes[node] = (*(before[0] if before else ()), token)
    return [
        (prefixes[node], facts["value"], facts["count"])
        for node, facts in graph.nodes(data=True)
        if facts["end"]
    ]


def _attributes(prefix: Tokens, through: list[tuple[float, Path]], ending: list[Path], fires: float) -> dict:
    weights, of_ending = [path.weight for _, path in through], [path.weight for path in ending]
    firing = sum(path.weight for path in ending if path.activation >= fires)
    return {
        "token": prefix[-1],
        "distance": len(prefix) - 1,
        "importance": _mean([importance for importance, _ in through], weights),
        "activation": _mean([path.activation for _, path in through], weights),
        "count": int(sum(weights)),
        "end": bool(ending),
        "value": _mean([path.activation for path in ending], of_ending) if ending else None,
        "rate": firing / sum(of_ending) if ending else None,
    }


def _mean(values: list[float], weights: list[int]) -> float:
    # The sum is exact before it is rounded, so order leaves no trace; the rounded quotient stays in range.
    mean = math.fsum(map(float.__mul__, map(float, values), map(float, weights))) / sum(weights)
    return min(max(mean, float(min(values))), float(max(values)))


def _wildcards_last(prefix: Tokens) -> list[tuple[bool, int]]:
    return [(token is WILDCARD, token or 0) for token in prefix]
