"""Dendrogram of concepts by the experts they share, with the lexicon's categories beside the leaves."""

import string
from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from golgi.figures import axes as shared
from golgi.figures.page import blank, message_page, need_room, page_width, place, text_width
from golgi.figures.rows import (
    at_last,
    at_threshold,
    controls,
    counted,
    models,
    p_value,
    share,
    shorten,
    study_threshold,
)
from golgi.figures.style import FAINT, INK, SERIES, styled

TABLES = ("hierarchy_merges", "hierarchy_tree", "concepts")
LETTERS = string.ascii_uppercase + string.ascii_lowercase
COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#B8A200", "#D55E00", "#0072B2")
TYPE_SIZE = 5.2
PITCH_MM = 1.95  # of leaves with names
PAGE_MM = 235.0  # what names may take in all: they are left out where it would be more than a page
NARROWEST_MM = 42.0  # column of a folded tree
ONE_TREE_MM = 80.0  # what a tree's facts take in a line
UNNAMED_MM = 95.0
LONGEST_NAME = 18
HEAD_MM = 15.5
LETTERS_MM = 4.6  # above the columns of marks
FOOT_MM = 8.0
STEM = "#bdbdbd"
LEFT_MM = 2.0
KEY_LINE_MM = 3.0


@dataclass(frozen=True)
class Leaves:
    """Concepts by place: their names and categories, and the letter that stands for each category."""

    names: list[str]
    categories: list[str]
    letters: dict[str, str]


@dataclass(frozen=True)
class Tree:
    """Branches [branch, point, (distance, leaf)], and concepts in the order of the leaves."""

    branches: np.ndarray
    order: np.ndarray


@dataclass(frozen=True)
class Plan:
    """How a page is filled: models side by side, columns that a tree is folded into, height of a column."""

    across: int
    columns: int
    height: float
    named: bool

    @property
    def head(self) -> float:
        """Millimetres over a tree."""
        return HEAD_MM if self.named else HEAD_MM + LETTERS_MM


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Average linkage on 1 - Jaccard at the last checkpoint: one tree per model, folded into columns.

    Leaves have names where those of all models take a page or less. Option `threshold` is tau.
    """
    threshold = study_threshold(tables["hierarchy_tree"], options)
    merges, facts = (at_last(at_threshold(tables[name], threshold)) for name in TABLES[:2])
    merges = merges.filter(pl.col("control") == "measured")
    if merges.is_empty() or facts.is_empty() or tables["concepts"].is_empty():
        return message_page("Concepts were not clustered.", options)
    names = models(merges, options)
    leaves = leaves_of(tables["concepts"])
    width = float(options.get("width_mm") or page_width(2 if len(leaves.names) > 60 else 1, options))
    key = key_lines(leaves, width - 2 * LEFT_MM)
    plan = plan_page(len(leaves.names), len(names), width, KEY_LINE_MM * len(key) + 3)
    need_room(width, width / plan.across / plan.columns - margin(leaves, plan), plan.across * plan.columns)
    cell = plan.head + plan.height + FOOT_MM
    bands = -(-len(names) // plan.across)
    figure = blank(width, bands * cell + KEY_LINE_MM * len(key) + 3)
    for index, name in enumerate(names):
        band, column = divmod(index, plan.across)
        tree = lay_out(merges.filter(model=name))
        corner = column * width / plan.across, (bands - band) * cell + KEY_LINE_MM * len(key) + 3 - plan.head
        panels = draw_tree(figure, tree, leaves, plan, corner, width / plan.across)
        room = width / plan.across - 2 * LEFT_MM
        head(panels[0], name, facts.filter(model=name), threshold, room, plan.head - HEAD_MM)
    draw_key(figure, key)
    return figure


def leaves_of(concepts: pl.DataFrame) -> Leaves:
    """Names, categories and letters of the concepts, in the order of the concept axis."""
    rows = concepts.sort("index")
    categories = list(dict.fromkeys(rows["category"]))
    marks = (
        LETTERS if len(categories) <= len(LETTERS) else [str(place + 1) for place in range(len(categories))]
    )
    return Leaves(
        [shorten(name, LONGEST_NAME) for name in rows["concept"]],
        rows["category"].to_list(),
        dict(zip(categories, marks, strict=False)),
    )


def plan_page(leaves: int, trees: int, width: float, key: float) -> Plan:
    """As few columns as keep the named leaves of all trees on a page; no names where none do."""
    for columns in range(1, max(1, int(width // NARROWEST_MM)) + 1):
        height = PITCH_MM * max(-(-leaves // columns), 6)
        across = trees_across(trees, width, columns)
        if -(-trees // across) * (HEAD_MM + height + FOOT_MM) + key <= PAGE_MM:
            return Plan(across, columns, height, named=True)
    return Plan(trees_across(trees, width, 1), 1, UNNAMED_MM, named=False)


def trees_across(trees: int, width: float, columns: int) -> int:
    """How many trees of so many columns stand side by side."""
    return max(1, min(trees, int(width // (columns * ONE_TREE_MM))))


def margin(leaves: Leaves, plan: Plan) -> float:
    """Millimetres of a column that are not the tree's: room at the left, marks of categories, names."""
    if not plan.named:
        return 2 * LEFT_MM + 1.0 + raster_pitch(leaves) * len(leaves.letters)
    return 2 * LEFT_MM + 3.4 + max(text_width(name, TYPE_SIZE) for name in leaves.names)


def raster_pitch(leaves: Leaves) -> float:
    """Width in mm of a category's own column of marks."""
    return min(2.0, 28.0 / len(leaves.letters))


def lay_out(merges: pl.DataFrame) -> Tree:
    """Place the leaves so that no branches cross, and each merge over the middle of what it joins."""
    # Imported here: it takes a third of the time in which all other figures are imported.
    from scipy.cluster.hierarchy import leaves_list

    rows = merges.sort("merge")
    linkage = rows.select("first", "second", "distance", "size").to_numpy().astype(np.float64)
    order = leaves_list(linkage)
    leaves = len(order)
    place, height = np.empty(2 * leaves - 1), np.zeros(2 * leaves - 1)
    place[order] = np.arange(leaves)
    branches = np.empty((len(linkage), 4, 2))
    for merge, (first, second, distance, _) in enumerate(linkage):
        ends = [int(first), int(second)]
        branches[merge, [0, 3], 0], branches[merge, [1, 2], 0] = height[ends], distance
        branches[merge, :, 1] = place[ends].repeat(2)
        place[leaves + merge], height[leaves + merge] = place[ends].mean(), distance
    return Tree(branches, order)


def draw_tree(
    figure: Figure, tree: Tree, leaves: Leaves, plan: Plan, corner: tuple[float, float], width: float
) -> list[Axes]:
    """Draw a tree in columns from the corner (left, top) on; each shows its share of the leaves."""
    column = width / plan.columns
    per_column = -(-len(tree.order) // plan.columns)
    beside = margin(leaves, plan) - 2 * LEFT_MM
    panels = []
    for index in range(plan.columns):
        first = index * per_column
        shown = tree.order[first : first + per_column]
        height = plan.height * max(len(shown), 1) / per_column
        left = corner[0] + index * column + LEFT_MM
        axes = place(figure, left, corner[1] - height, column - beside - 2 * LEFT_MM, height)
        draw_branches(axes, tree, first, len(shown))
        mark = mark_with_names if plan.named else mark_in_columns
        mark(axes, shown, first, leaves)
        panels.append(axes)
    return panels


def draw_branches(axes: Axes, tree: Tree, first: int, shown: int) -> None:
    low = min(float(tree.branches[:, 1:3, 0].min()), 0.9)
    ends = tree.branches[:, [0, 1, 3, 2]].reshape(-1, 2, 2)  # from a leaf or merge up to the next merge
    stems = ends[:, 0, 0] == 0
    axes.add_collection(LineCollection(ends[stems], colors=STEM, linewidths=0.35, gid="stems"))
    rest = [*ends[~stems], *tree.branches[:, 1:3]]
    axes.add_collection(LineCollection(rest, colors=INK, linewidths=0.6, gid="branches"))
    axes.set_xlim(1.0 + 0.02 * (1 - low), low - 0.04)
    axes.set_ylim(first + shown - 0.5, first - 0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=3)
    axes.tick_params(labelsize=6)
    axes.set_xlabel("1 \N{MINUS SIGN} Jaccard", fontsize=6)


def mark_with_names(axes: Axes, shown: np.ndarray, first: int, leaves: Leaves) -> None:
    """The letter of each leaf's category on a patch of its colour, and the leaf's name."""
    width, _ = shared.axes_size(axes)
    along = axes.get_yaxis_transform()
    patches = []
    for line, concept in enumerate(shown, start=first):
        category = leaves.categories[concept]
        patches.append(Rectangle((1 + 0.6 / width, line - 0.5), 2.2 / width, 1.0))
        letter = {"fontsize": TYPE_SIZE - 0.4, "ha": "center", "va": "center_baseline", "gid": "letter"}
        axes.text(1 + 1.7 / width, line, leaves.letters[category], transform=along, **letter)
        name = {"fontsize": TYPE_SIZE, "va": "center_baseline", "gid": "leaf"}
        axes.text(1 + 3.4 / width, line, leaves.names[concept], transform=along, **name)
    add_patches(axes, patches, [colour_of(leaves, leaves.categories[concept]) for concept in shown])


def mark_in_columns(axes: Axes, shown: np.ndarray, first: int, leaves: Leaves) -> None:
    """A mark for each leaf in the column of its category, under the category's letter."""
    width, height = shared.axes_size(axes)
    pitch = raster_pitch(leaves)
    columns = {category: 1.0 + pitch * index for index, category in enumerate(leaves.letters)}
    patches = [
        Rectangle((1 + columns[leaves.categories[concept]] / width, line - 0.5), 0.9 * pitch / width, 1.0)
        for line, concept in enumerate(shown, start=first)
    ]
    add_patches(
        axes, patches, [colour_of(leaves, leaves.categories[concept], dark=True) for concept in shown]
    )
    for index, (category, left) in enumerate(columns.items()):
        x = 1 + (left + 0.45 * pitch) / width
        axes.plot([x, x], [0, 1], color="#e4e4e4", lw=0.3, transform=axes.transAxes, clip_on=False, zorder=0)
        rise = 0.5 + (2.1 if index % 2 and pitch < 2.0 else 0.0)
        letter = leaves.letters[category]
        axes.text(x, 1 + rise / height, letter, transform=axes.transAxes, fontsize=TYPE_SIZE, ha="center")


def add_patches(axes: Axes, patches: list[Rectangle], colours: list[str]) -> None:
    axes.add_collection(
        PatchCollection(
            patches,
            facecolors=colours,
            linewidths=0,
            transform=axes.get_yaxis_transform(),
            clip_on=False,
            gid="categories",
        ),
        autolim=False,
    )


def colour_of(leaves: Leaves, category: str, *, dark: bool = False) -> str:
    """A category's colour, light enough for a letter on it unless `dark`; letters tell equal ones apart."""
    colour = COLOURS[list(leaves.letters).index(category) % len(COLOURS)]
    if dark:
        return colour
    parts = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{(part + 2 * 255) // 3:02x}" for part in parts)


def head(axes: Axes, name: str, facts: pl.DataFrame, threshold: float, room: float, lift: float) -> None:
    """The model's name, and how well its tree and those of the controls agree with the lexicon's."""
    measured = facts.filter(control="measured").row(0, named=True)
    shared.heading(axes, name, rise=11.6 + lift, room=0.97 * room)
    empty = f", {measured['empty']:,} without experts" if measured["empty"] else ""
    texts = [
        f"AP ≥ {share(threshold)}; {counted(measured['concepts'], 'concept')}{empty}",
        tree_note(measured),
    ]
    others = [
        f"{SERIES[control].name} {share(facts.filter(control=control)['correlation'][0], 3)}"
        for control in controls(facts)
    ]
    texts.append("; ".join(others))
    _, height = shared.axes_size(axes)
    for rise, text in zip((8.8, 6.2, 3.6), texts, strict=True):
        size = min(6.0, 5.7 * room / max(text_width(text, 6.0), 1e-9))
        colour = FAINT if rise == 3.6 else INK
        axes.text(
            0,
            1 + (rise + lift) / height,
            text,
            transform=axes.transAxes,
            fontsize=size,
            color=colour,
            va="baseline",
        )


def tree_note(row: dict) -> str:
    """The correlation with the lexicon's tree, its test, and the clustering's own fidelity."""
    if row["correlation"] is None:
        return "all distances are equal: no tree to compare"
    holm = "" if row["p_holm"] is None else f" (Holm {p_value(row['p_holm']).removeprefix('p = ')})"
    found = f"r = {share(row['correlation'], 3)}, {p_value(row['p'])}{holm}"
    return f"with the lexicon's tree {found}; fidelity {share(row['fidelity'])}"


def key_lines(leaves: Leaves, room: float) -> list[list[tuple[str, str]]]:
    """Letters and categories in lines no wider than `room` mm."""
    lines: list[list[tuple[str, str]]] = [[]]
    for category, letter in leaves.letters.items():
        entry = (category, f"{letter}  {shorten(category, 30)}")
        if lines[-1] and sum(key_width(text) for _, text in [*lines[-1], entry]) > room:
            lines.append([])
        lines[-1].append(entry)
    return lines


def key_width(text: str) -> float:
    """Millimetres that an entry of the key takes, with the gap after it."""
    return text_width(text, 6.0) + 4.0


def draw_key(figure: Figure, lines: list[list[tuple[str, str]]]) -> None:
    """The categories' letters at the foot of the page."""
    width, height = (side * 25.4 for side in figure.get_size_inches())
    for index, line in enumerate(lines):
        left = LEFT_MM
        for _, text in line:
            y = (KEY_LINE_MM * (len(lines) - index - 1) + 1.5) / height
            figure.text(left / width, y, text, fontsize=6.0, color=INK, gid="category")
            left += key_width(text)
