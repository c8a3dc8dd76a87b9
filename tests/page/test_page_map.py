"""The map shows every unit where it is and in the colour that is true of it, and follows the training."""

import io
import re
from collections import Counter

import numpy as np
import pytest
from atlases import Atlas, settled, texts_of, turn_to
from PIL import Image
from playwright.sync_api import Page, expect
from truths import units_of

FRAME = "#map-frame"
DRAWN = "() => document.querySelector('.map-chart').data && document.querySelector('.map-chart .hm')"


@pytest.fixture
def at_map(page: Page, demo_atlas: Atlas) -> Page:
    """The map of the last checkpoint, drawn."""
    turn_to(page, demo_atlas.url("map"))
    page.wait_for_function(DRAWN)
    return page


def walk_to(page: Page, layer: int, unit: int) -> dict[str, float]:
    """Move the map's cursor to a unit by keys; return the place of its cell on the screen."""
    page.locator(FRAME).focus()
    page.keyboard.press("Home")
    for _ in range(9):
        page.keyboard.press("PageUp")
    for _ in range(layer):
        page.keyboard.press("PageDown")
    columns = columns_of(page)
    for _ in range(unit // columns):
        page.keyboard.press("ArrowDown")
    for _ in range(unit % columns):
        page.keyboard.press("ArrowRight")
    return page.locator(".map-cursor").bounding_box()


def columns_of(page: Page) -> int:
    """How many cells a row of the map has."""
    return page.evaluate("document.querySelector('.map-chart').data[0].z[0].length")


def drawn_values(page: Page, units: int) -> np.ndarray:
    """The numbers that the map colours, one for each row of the units."""
    heat = page.evaluate("document.querySelector('.map-chart').data[0].z.map((line) => Array.from(line))")
    cells = np.array([[np.nan if x is None else x for x in line] for line in heat], float)
    layers = np.split(cells, np.flatnonzero(np.isnan(cells).all(axis=1)))
    values = [layer[~np.isnan(layer)] for layer in layers]
    found = np.concatenate(values)
    assert len(found) == units
    return found


def middle(box: dict[str, float]) -> tuple[float, float]:
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_sentence_and_tables_count_experts(at_map: Page, demo_atlas: Atlas) -> None:
    """What is said above the map and below it is true of the study."""
    units = units_of(demo_atlas)
    experts = units.filter(units["concepts"] > 0)
    study = demo_atlas.study
    categories = [study.categories.index(study.category(study.concepts[best])) for best in experts["best"]]
    lead = at_map.locator(".lead").text_content()
    assert f"{len(experts)} of 256 units of made-up" in lead
    index, most = Counter(categories).most_common(1)[0]
    assert f"most often of category {study.categories[index]} ({most})" in lead
    legend = " ".join(texts_of(at_map, ".map-legend li"))
    for category, name in enumerate(study.categories):
        assert f"{name} ({categories.count(category)})" in legend
    by_layer = experts.group_by("layer").len().sort("layer")
    rows = texts_of(at_map, ".view-map h2 + div tbody tr")
    for layer, number in by_layer.iter_rows():
        assert rows[layer].startswith(f"{layer}{number} of 128")


@pytest.mark.parametrize("key", [False, True], ids=["mouse", "keys"])
def test_a_cell_opens_its_unit(at_map: Page, demo_atlas: Atlas, key: bool) -> None:
    """A click on a cell, or Enter on it, opens the unit that is there."""
    box = walk_to(at_map, 1, 37)
    if key:
        at_map.keyboard.press("Enter")
    else:
        at_map.mouse.move(*middle(box))
        expect(at_map.locator(".map-tip")).to_contain_text("1.37")
        at_map.mouse.click(*middle(box))
    expect(at_map.locator("h1")).to_have_text("Unit 1.37")
    expect(at_map).to_have_url(re.compile("#/unit/made-up/143000/mlp_post/1/37"))


def test_the_brush_selects_what_is_in_its_box(at_map: Page, demo_atlas: Atlas) -> None:
    """A box that is dragged selects exactly the units whose cells it covers; Escape lets them go."""
    columns = columns_of(at_map)
    first, last = (0, 3), (1, columns + 8)
    start, stop = walk_to(at_map, *first), walk_to(at_map, *last)
    at_map.mouse.move(*middle(start))
    at_map.mouse.down()
    at_map.mouse.move(*middle(stop), steps=4)
    at_map.mouse.up()
    expected = {
        f"{layer}.{unit}"
        for layer in (0, 1)
        for unit in range(128)
        if 3 <= unit % columns <= 8 and (layer == 0 or unit < 2 * columns)
    }
    names = at_map.locator(".map-list a[href*='#/unit/']")
    expect(at_map.locator(".map-list")).to_contain_text(f"{len(expected)} units")
    assert {name for name in names.all_text_contents() if re.fullmatch(r"\d+\.\d+", name)} <= expected
    seen = set(names.all_text_contents())
    while at_map.locator(".map-list").get_by_role("button", name="Next").count():
        button = at_map.locator(".map-list").get_by_role("button", name="Next")
        if not button.is_enabled():
            break
        button.click()
        seen |= set(names.all_text_contents())
    assert expected <= seen
    assert at_map.locator("h1").text_content() == "Map of made-up"
    at_map.locator(FRAME).focus()
    at_map.keyboard.press("Escape")
    expect(at_map.locator(".map-list a[href*='#/unit/']")).to_have_count(0)


def test_colours_are_true_of_the_units(at_map: Page, demo_atlas: Atlas) -> None:
    """What each cell is coloured by is what the study found of its unit; the address keeps the choice."""
    units = units_of(demo_atlas)
    study = demo_atlas.study
    own = [study.categories.index(study.category(study.concepts[best])) for best in units["best"]]
    categories = np.where(units["concepts"].to_numpy() > 0, own, -1)
    assert np.array_equal(drawn_values(at_map, 256), categories)
    for name in ("ap", "f1", "concepts"):
        at_map.get_by_label("Colour by").select_option(name)
        column = units[name].to_numpy().astype(float)
        scale = column.max() if name == "concepts" else 1
        expected = np.where(np.isnan(column), -1 / 9, column / scale)
        np.testing.assert_allclose(drawn_values(at_map, 256), expected, atol=1e-6)
        expect(at_map).to_have_url(re.compile(f"colour={name}"))
    turn_to(at_map, demo_atlas.url("map", "made-up", "512", colour="ap"))
    np.testing.assert_allclose(drawn_values(at_map, 256), units_of(demo_atlas, "512")["ap"], atol=1e-6)


def test_a_cell_has_the_colour_of_the_legend(at_map: Page, demo_atlas: Atlas) -> None:
    """The colour on the screen is that beside the category's name."""
    study = demo_atlas.study
    first = study.own["oak"][0]
    box = walk_to(at_map, first // 128, first % 128)
    at_map.locator("h1").evaluate("node => { node.tabIndex = -1; node.focus(); }")
    clip = {"x": middle(box)[0] - 2, "y": middle(box)[1] - 2, "width": 4, "height": 4}
    picture = Image.open(io.BytesIO(at_map.screenshot(clip=clip))).convert("RGB")
    swatch = at_map.locator(".map-legend li", has_text=study.category("oak")).locator(".swatch")
    colour = swatch.evaluate("node => getComputedStyle(node).backgroundColor")
    assert picture.getpixel((2, 2)) == tuple(map(int, re.findall(r"\d+", colour)[:3]))


def test_the_slider_runs_through_the_training(at_map: Page, demo_atlas: Atlas) -> None:
    """A step of the slider changes the map, the sentence and the address."""
    slider = at_map.get_by_role("slider", name="Checkpoint")
    slider.focus()
    for checkpoint, label in (("512", "step 512"), ("0", "step 0")):
        at_map.keyboard.press("ArrowLeft")
        units = units_of(demo_atlas, checkpoint)
        experts = units.filter(units["concepts"] > 0)
        expect(at_map.locator(".lead")).to_contain_text(f"At {label}, {len(experts)} of 256")
        expect(slider).to_have_attribute("aria-valuetext", label)
        expect(at_map).to_have_url(re.compile(f"#/map/made-up/{checkpoint}$"))
        values = drawn_values(at_map, 256)
        assert np.array_equal(values >= 0, units["concepts"].to_numpy() > 0)
    assert at_map.evaluate("document.activeElement.type") == "range"
    at_map.get_by_label("untrained twin").check()
    expect(at_map.locator(".lead")).to_contain_text("In the untrained twin, a control, 0 of 256 units")


def test_play_shows_every_checkpoint(page: Page, demo_atlas: Atlas) -> None:
    """The button runs through the training from its beginning, one checkpoint after the other, and stops."""
    page.emulate_media(reduced_motion="no-preference")
    turn_to(page, demo_atlas.url("map"))
    page.wait_for_function(DRAWN)
    page.evaluate("""() => {
      window.seen = [];
      const lead = document.querySelector(".lead");
      const note = () => window.seen.push(lead.textContent.match(/^At (step [\\d,]*\\d)/)[1]);
      new MutationObserver(note).observe(lead, { childList: true, characterData: true, subtree: true });
    }""")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => new Set(window.seen).size === 3 && window.seen.at(-1) === 'step 143,000'")
    seen = page.evaluate("window.seen")
    assert list(dict.fromkeys(seen)) == ["step 0", "step 512", "step 143,000"]
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_without_motion_play_makes_one_step(at_map: Page, demo_atlas: Atlas) -> None:
    """Who wants no motion steps through the training by hand."""
    at_map.get_by_role("button", name="Next checkpoint").click()
    expect(at_map.locator(".lead")).to_contain_text("At step 0,")
    at_map.wait_for_timeout(800)
    expect(at_map.locator(".lead")).to_contain_text("At step 0,")
    settled(at_map)
