"""Choose and order the nodes of a unit's graph: strongest paths first, one row for each leaf.

A node is a mapping, in the order of the graph (golgi.graphs.store): `parent` (its place in that order, None
for an activating token), `token` (None for a wildcard), `text` (as it is to be read), `distance`,
`importance`, `activation`, `count`, `value` (None where no match may end). Nothing here is drawn.
"""

from collections.abc import Iterable, Mapping, Sequence

BETWEEN_TREES = 0.45  # rows
Nodes = Sequence[Mapping]
Children = dict[int | None, list[int]]


def endings(nodes: Nodes) -> list[int]:
    """The nodes where a match may end; one for each path of the graph."""
    return [place for place, node in enumerate(nodes) if node["value"] is not None]


def strength(node: Mapping) -> float:
    """How much a path that ends here stands for: observations x expected activation."""
    return node["count"] * node["value"]


def line_of(nodes: Nodes, place: int) -> list[int]:
    """A node and its ancestors, up to the activating token."""
    line = [place]
    while nodes[line[-1]]["parent"] is not None:
        line.append(nodes[line[-1]]["parent"])
    return line


def strongest(nodes: Nodes, most: int, most_rows: float) -> set[int]:
    """The nodes of the strongest paths that fit into `most` nodes on `most_rows` rows; at least one path."""
    kept: set[int] = set()
    branching: set[int | None] = set()
    rows = -BETWEEN_TREES
    for end in sorted(endings(nodes), key=lambda place: (-strength(nodes[place]), place)):
        line = [place for place in line_of(nodes, end) if place not in kept]
        joint = nodes[line[-1]]["parent"] if line else None
        new = bool(line) and (joint is None or joint in branching)
        more = rows + new + (BETWEEN_TREES if line and joint is None else 0)
        if kept and (len(kept) + len(line) > most or more > most_rows + 1e-9):
            continue
        kept.update(line)
        branching.update(nodes[place]["parent"] for place in line)
        rows = more
    return kept


def ordered_children(nodes: Nodes, kept: Iterable[int]) -> Children:
    """The kept children of every kept node, and under None the activating tokens, strongest path first."""
    best: dict[int, float] = {}
    for place in sorted(kept, reverse=True):
        node = nodes[place]
        own = float("-inf") if node["value"] is None else strength(node)
        best[place] = max(best.get(place, float("-inf")), own)
        parent = node["parent"]
        if parent is not None:
            best[parent] = max(best.get(parent, float("-inf")), best[place])
    children: Children = {None: []}
    for place in sorted(best, key=lambda place: (-best[place], place)):
        children.setdefault(nodes[place]["parent"], []).append(place)
    return children


def rows_of(children: Children, roots: Iterable[int]) -> dict[int, float]:
    """The row of every node of some trees, from 0: one for each leaf, parents amid their children."""
    rows: dict[int, float] = {}
    following = 0.0
    for root in roots:
        for place in from_leaves(children, root):
            below = children.get(place)
            if below:
                rows[place] = (rows[below[0]] + rows[below[-1]]) / 2
            else:
                rows[place] = following
                following += 1
        following += BETWEEN_TREES
    return rows


def from_leaves(children: Children, root: int) -> list[int]:
    """The nodes of a tree, every node after its children, in the order in which they are drawn."""
    found, waiting = [], [root]
    while waiting:
        place = waiting.pop()
        found.append(place)
        waiting += children.get(place, [])
    return found[::-1]


def height_in_rows(rows: dict[int, float]) -> float:
    """How many rows a drawing takes."""
    return max(rows.values(), default=-1.0) + 1


def side_by_side(trees: Sequence[float], most_rows: float) -> list[list[int]]:
    """Trees of so many rows each, in order, put below each other until `most_rows` are full, then beside."""
    stacks: list[list[int]] = []
    filled = 0.0
    for place, rows in enumerate(trees):
        filled += BETWEEN_TREES + rows
        if not stacks or filled > most_rows + 1e-9:
            stacks.append([])
            filled = rows
        stacks[-1].append(place)
    return stacks
