"""No text of a figure touches another or leaves the page; helpers of the axes."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.text import Text
from synthetic_results import CASES, case

from golgi.figures import FIGURES, draw_figure
from golgi.figures.axes import roomy_ticks, spread, step_axis, step_positions
from golgi.figures.page import blank, fit_title, place, text_width
from golgi.figures.rows import compact, p_value, share, shorten
from golgi.figures.style import checkpoint_colours

OPTIONS = {"threshold": 0.5, "thresholds": [0.5, 0.6, 0.7, 0.8, 0.9]}
TOUCH = 0.6  # pixels at 100 dpi by which boxes may meet: a box is taller than its letters


def visible_texts(figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def drawn_boxes(figure) -> list[tuple[str, object]]:
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    undrawn = undrawn_tick_labels(figure)
    inside = [text for text in visible_texts(figure) if text not in undrawn]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in inside]


def undrawn_tick_labels(figure) -> set[Text]:
    """Ticks outside an axis's limits keep their label but are not drawn."""
    every, shown = set(), set()
    for axes in figure.findobj(Axes):
        for axis in (axes.xaxis, axes.yaxis):
            shown |= {tick.label1 for tick in axis._update_ticks()}
            every |= {tick.label1 for tick in axis.get_major_ticks() + axis.get_minor_ticks()}
    return every - shown


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("kind", CASES)
@pytest.mark.filterwarnings("error")
def test_draws_without_warnings_and_no_text_overlaps_or_leaves_the_page(name, kind):
    figure = draw_figure(name, case(kind), OPTIONS)
    boxes = drawn_boxes(figure)
    for (first, one), (second, other) in combinations(boxes, 2):
        wide = min(one.x1, other.x1) - max(one.x0, other.x0)
        high = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert wide <= TOUCH or high <= TOUCH, (
            f"{first!r} and {second!r} overlap by {wide:.1f} x {high:.1f} pixels"
        )
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in boxes:
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= width + 1, text
        assert box.y1 <= height + 1, text


@given(st.lists(st.floats(-2, 3), min_size=1, max_size=30), st.floats(0.001, 0.03))
def test_spread_keeps_order_distance_and_bounds(targets, distance):
    places = spread(targets, distance, 0.0, 1.0)
    ordered = np.array(places)[np.argsort(targets, kind="stable")]
    assert (np.diff(ordered) >= distance - 1e-9).all()
    assert min(places) >= -1e-9
    assert max(places) <= 1 + 1e-9


def test_spread_leaves_what_is_apart_where_it_is():
    assert spread([0.9, 0.1, 0.5], 0.1, 0, 1) == pytest.approx([0.9, 0.1, 0.5])


def axes_of(width: float):
    return place(blank(width + 20, 40), 10, 10, width, 20)


def test_step_axis_labels_the_ends_and_marks_every_checkpoint():
    axes = axes_of(55)
    steps = ["0", "1", "512", "1000", "4000", "36000", "72000", "143000"]
    step_axis(axes, steps)
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[0] == "0"
    assert labels[-1] == "143k"
    assert {"1", "512", "4k"} <= set(labels)
    assert len(axes.get_xticks()) + len(axes.get_xticks(minor=True)) == len(steps)


def test_final_stands_after_every_step():
    places = step_positions(["0", "143000", "final"])
    assert places["final"] > places["143000"]


def test_roomy_ticks_keep_all_where_there_is_room():
    axes = axes_of(200)
    axes.set_xlim(0, 3)
    assert list(roomy_ticks(axes, dict.fromkeys(range(4), "12"))) == [0, 1, 2, 3]


def test_early_checkpoints_differ_and_go_from_light_to_dark():
    colours = checkpoint_colours(["0", "1", "512", "1000", "4000", "36000", "72000", "143000"])
    brightness = [
        sum(int(colour[place : place + 2], 16) for place in (1, 3, 5)) for colour in colours.values()
    ]
    assert all(before - after > 15 for before, after in pairwise(brightness))


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (1, "1"), (512, "512"), (1000, "1k"), (143000, "143k"), (1_500_000, "1.5M")],
)
def test_steps_are_compact(number, text):
    assert compact(number) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, ".50"), (-0.314, "−.31"), (1.0, "1.00"), (0.0, ".00"), (-0.001, ".00"), (None, "undefined")],
)
def test_shares_are_in_journal_style(value, text):
    assert share(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0001, "p < .001"), (0.012, "p = .012"), (1.0, "p = 1.000"), (None, "p undefined")]
)
def test_p_values_are_in_journal_style(value, text):
    assert p_value(value) == text


def test_long_names_are_cut_in_their_middle():
    assert shorten("abcdefghij", 5) == "ab…ij"
    assert text_width(fit_title("a very long title " * 9, 40), 7.5) <= 40
