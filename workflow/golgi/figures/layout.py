"""Lay out the graph of a unit in millimetres: context to the left, activating tokens to the right.

A tidy tree in columns of distance from the activating token. Columns are as wide as their texts need; where
the page is too narrow the longest texts are cut, and where that is not enough context far back is left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from golgi.figures.glyphs import fitted, marked, visible
from golgi.figures.page import text_width
from golgi.figures.tree import (
    Children,
    Nodes,
    endings,
    height_in_rows,
    ordered_children,
    rows_of,
    side_by_side,
    strongest,
)

MOST_NODES = 60
DOT_MM = 1.3
LONGEST_MM = 24.0
BETWEEN_STACKS_MM = 7.0


@dataclass(frozen=True)
class Metrics:
    """Sizes of a drawn graph: type in points, the rest in millimetres.

    `band` is the height of the band of importance inside a `box`, `narrowest` the least width of a cut text.
    """

    type_size: float
    box: float
    row: float
    padding: float
    gap: float
    dot_gap: float
    band: float
    narrowest: float


LARGE = Metrics(type_size=7.0, box=4.4, row=5.3, padding=0.9, gap=4.0, dot_gap=1.5, band=0.7, narrowest=7.0)
SMALL = Metrics(type_size=5.6, box=3.5, row=4.1, padding=0.6, gap=2.6, dot_gap=1.1, band=0.55, narrowest=5.5)


@dataclass(frozen=True)
class Box:
    """A node as it is drawn: right edge and middle in mm from the upper left corner, and what it says."""

    node: int
    parent: int | None
    text: str
    right: float
    middle: float
    width: float
    activation: float
    importance: float | None
    end: bool
    wildcard: bool


@dataclass(frozen=True)
class Layout:
    """A graph laid out in `width` x `height` mm, and how many trees and paths it has, drawn or not.

    `paths_left` counts the paths that are not drawn, `beyond` is the distance past which context had no room.
    """

    boxes: list[Box]
    width: float
    height: float
    trees: int
    paths: int
    paths_left: int
    beyond: int | None
    metrics: Metrics


@dataclass(frozen=True)
class Columns:
    """Columns of one stack of trees, by distance: right edges from its left, widest text box, total width."""

    rights: list[float]
    cap: float
    width: float


def lay_out(
    nodes: Nodes,
    width: float,
    *,
    metrics: Metrics = LARGE,
    most: int = MOST_NODES,
    most_rows: float = float("inf"),
    height: float = float("inf"),
) -> Layout:
    """Lay out the nodes of one unit (golgi.figures.tree says what they hold) in at most `width` mm.

    At most `most` nodes on `most_rows` rows are kept, the strongest paths first. Where their trees would
    stand higher than `height` mm, they go side by side as far as the width allows.
    """
    kept = strongest(nodes, most, most_rows)
    deepest = max((nodes[place]["distance"] for place in kept), default=0)
    beyond = furthest_with_room(nodes, kept, metrics, width)
    shown = {place for place in kept if nodes[place]["distance"] <= beyond}
    children = ordered_children(nodes, shown)
    boxes: list[Box] = []
    left = -BETWEEN_STACKS_MM
    stacks = stacks_in(nodes, children, metrics, width, height)
    for rows in stacks:
        left += BETWEEN_STACKS_MM
        columns = columns_of(nodes, rows, metrics, width if len(stacks) == 1 else float("inf"))
        boxes += [box_of(nodes, place, rows[place], columns, left, metrics) for place in sorted(rows)]
        left += columns.width
    ends = endings(nodes)
    return Layout(
        boxes=boxes,
        width=max(left, 0.0),
        height=metrics.row * max(map(height_in_rows, stacks), default=0.0),
        trees=sum(node["parent"] is None for node in nodes),
        paths=len(ends),
        paths_left=sum(end not in shown for end in ends),
        beyond=beyond if beyond < deepest else None,
        metrics=metrics,
    )


def stacks_in(
    nodes: Nodes, children: Children, metrics: Metrics, width: float, height: float
) -> list[dict[int, float]]:
    """The rows of every stack of trees: as few as keep to the height, evenly filled, fewer if width lacks."""
    roots = children[None]
    trees = [height_in_rows(rows_of(children, [root])) for root in roots]
    wanted = len(side_by_side(trees, height / metrics.row))
    for limit in count(max(trees, default=0.0), 0.5):
        stacks = [rows_of(children, [roots[tree] for tree in stack]) for stack in side_by_side(trees, limit)]
        widths = [columns_of(nodes, rows, metrics).width for rows in stacks]
        total = sum(widths) + (len(widths) - 1) * BETWEEN_STACKS_MM
        if len(stacks) < 2 or (len(stacks) <= wanted and total <= width):
            return stacks


def box_width(node, metrics: Metrics, cap: float = float("inf")) -> float:
    """Millimetres that a node takes."""
    if node["token"] is None:
        return DOT_MM
    wanted = text_width(visible(marked(node["text"])), metrics.type_size) + 2 * metrics.padding
    return min(max(wanted, metrics.box), LONGEST_MM, cap)


def columns_of(nodes: Nodes, places: Iterable[int], metrics: Metrics, width: float = float("inf")) -> Columns:
    """Columns for these nodes, their boxes no wider than lets the whole be as wide as `width`."""
    by_distance: dict[int, list] = {}
    for place in places:
        by_distance.setdefault(nodes[place]["distance"], []).append(nodes[place])
    texts = [
        max(box_width(node, metrics) for node in by_distance[distance]) for distance in sorted(by_distance)
    ]
    cap = widest_allowed(texts, width - sum(gaps(texts, metrics)), metrics.narrowest)
    rights, reach = [], 0.0
    for wide, gap in zip(texts, gaps(texts, metrics)):
        reach += gap
        rights.append(reach)
        reach += min(wide, cap)
    return Columns([reach - right for right in rights], cap, reach)


def gaps(widths: list[float], metrics: Metrics) -> list[float]:
    """The gap to the right of each column: none for the first, little beside a column of wildcards alone."""
    between = [
        metrics.dot_gap if min(one, other) <= DOT_MM else metrics.gap
        for one, other in zip(widths[1:], widths[:-1], strict=True)
    ]
    return [0.0, *between] if widths else []


def widest_allowed(widths: list[float], room: float, least: float) -> float:
    """The cap on columns with which they take no more than `room`; at least `least`."""
    if sum(widths) <= room:
        return float("inf")
    ordered = sorted(widths)
    caps = [(room - sum(ordered[:place])) / (len(ordered) - place) for place in range(len(ordered))]
    return max(least, next(cap for cap, wide in zip(caps, ordered, strict=True) if wide > cap))


def furthest_with_room(nodes: Nodes, places: Iterable[int], metrics: Metrics, width: float) -> int:
    """The largest distance up to which columns of the narrowest readable boxes fit into the width."""
    places = list(places)
    deepest = max((nodes[place]["distance"] for place in places), default=0)
    for distance in range(deepest, 0, -1):
        near = [place for place in places if nodes[place]["distance"] <= distance]
        if columns_of(nodes, near, metrics, width).width <= width + 1e-9:
            return distance
    return 0


def box_of(nodes: Nodes, place: int, row: float, columns: Columns, left: float, metrics: Metrics) -> Box:
    node = nodes[place]
    wildcard = node["token"] is None
    width = box_width(node, metrics, columns.cap)
    end = node["value"] is not None
    return Box(
        node=place,
        parent=node["parent"],
        text=""
        if wildcard
        else fitted(marked(node["text"]), width - 2 * metrics.padding + 1e-6, metrics.type_size),
        right=left + columns.rights[node["distance"]],
        middle=(row + 0.5) * metrics.row,
        width=width,
        # Where a match may end, what is shown is what the graph expects of that match.
        activation=node["value"] if end else node["activation"],
        importance=None if node["parent"] is None else node["importance"],
        end=end,
        wildcard=wildcard,
    )
