"""A unit's graph is drawn whole, tidy and legible, or says what it leaves out."""

import json
import warnings
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text
from synthetic_graphs import WORDS, graph_nodes

from golgi.errors import GolgiError
from golgi.figures.graph_marks import activation_colour, luminance, type_colour
from golgi.figures.layout import LARGE, SMALL, lay_out
from golgi.figures.page import blank, place
from golgi.figures.saving import save_figure
from golgi.figures.style import style_context
from golgi.figures.unit_graph import draw_graph, draw_unit

UNIT = {"model": "mini", "checkpoint": "400", "site": "mlp_post", "layer": 1, "unit": 17, "maximum": 3.2145}
ODD = (
    "␣\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}",
    "\N{ARABIC LETTER SEEN}\N{ARABIC LETTER LAM}",
    "\N{CJK UNIFIED IDEOGRAPH-732B}",
    "\N{GRINNING FACE}",
    "<0xF0><0x9F>",
    "\x07",
    "a\nb",
    "$x^$",
    "x" * 200,
    "",
)


def nodes_of(number: int, *, seed: int = 0, words: tuple[str, ...] = WORDS) -> list[dict]:
    return graph_nodes(np.random.default_rng(seed), number, words)


def drawn(nodes: list[dict], **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_unit(nodes, UNIT | options)
        with style_context():
            figure.canvas.draw()
    return figure


def named(figure, gid: str) -> list:
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def texts(figure, gid: str) -> list[str]:
    return [text.get_text() for text in named(figure, gid) if isinstance(text, Text)]


def chain(length: int) -> list[dict]:
    """One path, as long as the longest context that is looked at."""
    start = {"token": 1, "text": "␣word", "importance": 0.9, "activation": 0.8, "count": 1}
    return [
        start | {"parent": place - 1 if place else None, "distance": place, "value": 0.8 if place else None}
        for place in range(length)
    ]


@pytest.mark.parametrize("number", [1, 3, 25, 60])
def test_every_node_is_drawn(number):
    nodes = nodes_of(number)
    figure = drawn(nodes)
    wildcards = sum(node["token"] is None for node in nodes)
    keys = 1 if wildcards else 0
    assert len(texts(figure, "token")) == number - wildcards
    assert len(named(figure, "wildcard")) == wildcards + keys
    assert len(named(figure, "link")) == sum(node["parent"] is not None for node in nodes)
    assert len(named(figure, "end")) == sum(node["value"] is not None for node in nodes) + 1
    assert not texts(figure, "note")


@pytest.mark.parametrize("number", [70, 200])
def test_of_more_nodes_the_strongest_paths_are_drawn_and_the_others_counted(number):
    nodes = nodes_of(number)
    layout = lay_out(nodes, 170)
    ends = {place for place, node in enumerate(nodes) if node["value"] is not None}
    shown = {box.node for box in layout.boxes if box.end}
    strength = {end: nodes[end]["count"] * nodes[end]["value"] for end in ends}
    assert len(layout.boxes) <= 60
    assert max(strength, key=strength.get) in shown
    assert layout.paths_left == len(ends - shown) > 0
    assert texts(drawn(nodes), "note") == [f"and {len(ends - shown)} more paths"]


def test_heading_and_facts_say_which_unit_it_is():
    figure = drawn(nodes_of(3), f1=0.713)
    assert texts(figure, "heading") == ["mini@400, mlp_post 1.17"]
    assert texts(figure, "facts")[0].startswith("maximum 3.21; F1 .71; ")
    assert "F1 undefined" in texts(drawn(nodes_of(3), f1=None), "facts")[0]


def test_a_unit_without_a_graph_says_so():
    figure = drawn([])
    assert "No path of this unit was found." in [text.get_text() for text in figure.findobj(Text)]
    assert "0 paths, 0 activating tokens" in texts(figure, "facts")[0]


@pytest.mark.parametrize("width", [60, 88, 180])
@pytest.mark.parametrize("number", [1, 3, 60, 200])
@pytest.mark.parametrize("words", [WORDS, ODD])
def test_no_text_leaves_the_page_or_its_box(width, number, words):
    figure = drawn(nodes_of(number, words=words), width_mm=width)
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(width)
    renderer = figure.canvas.get_renderer()
    right, top = figure.get_size_inches() * figure.dpi
    with style_context():
        for text in figure.findobj(Text):
            box = text.get_window_extent(renderer)
            if text.get_text():
                assert -1 <= box.x0 <= box.x1 <= right + 1, text
                assert -1 <= box.y0 <= box.y1 <= top + 1, text
        frames = {(round(p.get_x() + p.get_width() / 2, 3)): p.get_width() for p in frames_of(figure)}
        for text in named(figure, "token"):
            wide = text.get_window_extent(renderer).width / figure.dpi * 25.4
            assert wide <= frames[round(text.get_position()[0], 3)] + 0.3, text


def frames_of(figure) -> list:
    return [*named(figure, "end"), *named(figure, "node")]


def test_a_page_too_narrow_to_read_is_an_error():
    with pytest.raises(GolgiError, match="width_mm of 30 leaves no room"):
        draw_unit(nodes_of(3), UNIT | {"width_mm": 30})


def test_a_path_longer_than_the_page_says_how_far_it_is_drawn():
    figure = drawn(chain(32), width_mm=88)
    shown = len(texts(figure, "token"))
    assert shown < 32
    assert f"context is drawn up to {shown - 1} tokens back" in texts(figure, "note")


@st.composite
def graphs(draw) -> list[dict]:
    return nodes_of(draw(st.integers(0, 70)), seed=draw(st.integers(0, 99)))


@given(graphs(), st.sampled_from([55.0, 82.0, 174.0]), st.sampled_from([LARGE, SMALL]), st.integers(40, 200))
def test_layouts_are_tidy(nodes, width, metrics, height):
    layout = lay_out(nodes, width, metrics=metrics, height=height)
    boxes = {box.node: box for box in layout.boxes}
    assert layout.width <= width + 1e-6
    for box in layout.boxes:
        assert box.right - box.width >= -1e-6
        assert box.right <= layout.width + 1e-6
        assert box.middle - metrics.row / 2 >= -1e-6
        assert box.middle + metrics.row / 2 <= layout.height + 1e-6
        below = [boxes[other.node].middle for other in layout.boxes if other.parent == box.node]
        if below:
            assert box.middle == pytest.approx((min(below) + max(below)) / 2)
        if box.parent is not None:
            assert box.right <= boxes[box.parent].right - boxes[box.parent].width
    for one, other in combinations(layout.boxes, 2):
        apart = min(one.right, other.right) - max(one.right - one.width, other.right - other.width)
        assert apart <= 1e-6 or abs(one.middle - other.middle) >= metrics.row * 0.5 - 1e-6


def test_trees_stand_side_by_side_where_one_below_the_other_would_be_too_high():
    lone = [chain(1)[0] | {"value": 0.5, "text": "␣dog"} for _ in range(60)]
    layout = lay_out(lone, 174, height=120)
    assert layout.height <= 120
    assert len({round(box.right, 3) for box in layout.boxes}) > 1


def test_red_is_what_the_graph_expects_where_a_match_may_end_and_else_the_mean():
    nodes = chain(3)
    nodes[1] |= {"value": None, "activation": 0.3}
    nodes[2] |= {"value": 0.1, "activation": 0.9}
    figure = drawn(nodes)
    fills = [mpl.colors.to_hex(frame.get_facecolor()) for frame in frames_of(figure)]
    assert {activation_colour(value) for value in (0.1, 0.3, 0.8)} <= set(fills)
    assert activation_colour(0.9) not in fills


def test_blue_bands_are_as_long_as_the_context_is_important():
    nodes = chain(3)
    nodes[1]["importance"], nodes[2]["importance"] = 0.5, 1.0
    figure = drawn(nodes)
    grounds = [patch.get_width() for patch in named(figure, "ground")]
    lengths = [patch.get_width() for patch in named(figure, "importance")]
    shares = sorted(length / ground for length, ground in zip(lengths, grounds, strict=True))
    assert shares == pytest.approx([0.5, 1.0])


@given(st.floats(-0.5, 1.5))
def test_type_on_red_has_contrast(activation):
    fill = activation_colour(activation)
    dark, light = sorted([luminance(fill), luminance(type_colour(fill))])
    assert (light + 0.05) / (dark + 0.05) >= 4


def test_red_deepens_with_activation():
    shades = [luminance(activation_colour(share)) for share in np.linspace(0, 1, 11)]
    assert (np.diff(shades) < 0).all()


@pytest.mark.parametrize(("width", "height"), [(50, 12), (60, 40), (82, 100)])
def test_a_graph_is_drawn_into_given_axes_and_keeps_to_them(width, height):
    axes = place(blank(200, 200), 5, 5, width, height)
    with style_context():
        layout = draw_graph(axes, nodes_of(60))
    assert layout.boxes
    assert layout.height <= height + 1e-6
    assert layout.paths_left == layout.paths - sum(box.end for box in layout.boxes)
    assert not axes.get_xticks().size


def test_the_same_graph_gives_the_same_bytes(tmp_path):
    nodes = nodes_of(60, words=ODD)
    for folder in ("one", "two"):
        paths = [tmp_path / folder / f"unit.{kind}" for kind in ("pdf", "svg", "png")]
        save_figure(draw_unit(json.loads(json.dumps(nodes)), UNIT), paths, {"study": "demo"}, dpi=100)
    for path in paths:
        assert path.read_bytes() == (tmp_path / "one" / path.name).read_bytes()
