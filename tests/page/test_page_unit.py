"""A unit's page tells what was planted: its graph, texts and concepts, what is like it, what forcing did."""

import math
import re

import numpy as np
import pytest
from atlases import Atlas, numbers_in, open_page, place_of, texts_of, turn_to
from playwright.sync_api import Page, expect
from truths import graph_table, nodes_of, profiles_of, share, texts_matching, units_of, windows_of

NODE = ".graph-node"
ROWS = "tbody tr"


@pytest.fixture
def row(demo_atlas: Atlas) -> int:
    """A unit with a graph that is drawn whole."""
    return int(demo_atlas.study.graphs.rows[1])


def test_the_link_of_a_unit_opens_it(page: Page, demo_atlas: Atlas, row: int) -> None:
    """A unit's address opens its page, and a part of its graph if it names one; the page gives it away."""
    open_page(page, demo_atlas.unit_url(row) + "?node=2")
    _, layer, unit = place_of(demo_atlas.study, row)
    expect(page.locator("h1")).to_have_text(f"Unit {layer}.{unit}")
    expect(page.locator(f"{NODE}[aria-selected=true]")).to_have_attribute("data-node", "2")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#live")).to_contain_text("link is")
    page.locator(f"{NODE}[data-node='1']").click()
    expect(page).to_have_url(re.compile(r"\?node=1$"))
    page.locator("#unit-next").click()
    _, layer, unit = place_of(demo_atlas.study, row + 1)
    expect(page.locator("h1")).to_have_text(f"Unit {layer}.{unit}")


def test_pointing_at_a_node_shows_its_texts(page: Page, demo_atlas: Atlas, row: int) -> None:
    """Each node says its numbers, and in which of the texts its path stands."""
    nodes, windows = nodes_of(demo_atlas, row), windows_of(demo_atlas, row)
    turn_to(page, demo_atlas.unit_url(row))
    expect(page.locator(NODE)).to_have_count(len(nodes))
    numbers = []
    for place, node in enumerate(nodes):
        page.locator(f"{NODE}[data-node='{place}']").hover(force=True)
        panel = page.locator(".node-panel")
        number = texts_matching(nodes, place, windows)
        among = f"of the {len(windows)} texts below"
        expect(panel).to_contain_text(f"matches in {number or 'none'} {among}")
        expect(panel.locator(".node-facts")).to_contain_text(f"Activation{share(node['activation'])}")
        if node["value"] is not None:
            expect(panel.locator(".node-facts")).to_contain_text(f"Expected{share(node['value'])}")
        expect(page.locator(".window.has-match")).to_have_count(number)
        numbers.append(number)
    assert 0 in numbers
    assert max(numbers) > 1


def test_the_graph_is_walked_by_keys(page: Page, demo_atlas: Atlas, row: int) -> None:
    """Tab reaches the graph once; arrows go to the context and back, and say what is there."""
    nodes = nodes_of(demo_atlas, row)
    turn_to(page, demo_atlas.unit_url(row))
    expect(page.locator(f"{NODE}[tabindex='0']")).to_have_count(1)
    page.locator(f"{NODE}[tabindex='0']").focus()
    seen = set()
    for _ in nodes:
        seen.add(page.evaluate("Number(document.activeElement.dataset.node)"))
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    for _ in range(4):
        here = page.evaluate("Number(document.activeElement.dataset.node)")
        seen.add(here)
        page.keyboard.press("ArrowLeft")
        after = page.evaluate("Number(document.activeElement.dataset.node)")
        assert after == here or nodes[after]["parent"] == here
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert "activation" in label
    assert seen <= set(range(len(nodes)))
    size = page.get_by_role("tree").bounding_box()["width"]
    page.keyboard.press("+")
    assert page.get_by_role("tree").bounding_box()["width"] > size
    page.keyboard.press("0")
    page.keyboard.press("Escape")
    expect(page.locator(f"{NODE}[aria-selected=true]")).to_have_count(0)


def test_a_large_graph_is_cut_and_says_so(page: Page, demo_atlas: Atlas) -> None:
    """Of a graph with hundreds of nodes the strongest paths are drawn, and the page says of how many."""
    large = int(demo_atlas.study.graphs.rows[0])
    nodes = nodes_of(demo_atlas, large)
    paths = sum(node["value"] is not None for node in nodes)
    assert len(nodes) > 300
    turn_to(page, demo_atlas.unit_url(large))
    drawn = page.locator(NODE).count()
    assert 100 < drawn <= 150
    told = page.locator(".graph-part > p").text_content()
    assert {paths, drawn, len(nodes)} <= set(numbers_in(told)), told


def test_texts_are_coloured_by_what_was_measured(page: Page, demo_atlas: Atlas, row: int) -> None:
    """A token's ground and band are the steps of its true and expected activation; firing ones are marked."""
    windows = windows_of(demo_atlas, row)
    turn_to(page, demo_atlas.unit_url(row))
    drawn = page.locator(".window").evaluate_all("""lines => lines.map((line) =>
      Array.from(line.querySelectorAll(".token"), (token) =>
        [Number(token.dataset.heat), Number(token.dataset.band), token.classList.contains("fires"),
          token.textContent]))""")
    assert len(drawn) == len(windows)
    readable = demo_atlas.study.graphs.readable
    for line, window in zip(drawn, windows, strict=True):
        expected = [
            [step(true), step(predicted), true >= 0.5, readable[token].removeprefix("␣") or "␣"]
            for token, true, predicted in window.select("token", "activation", "predicted").iter_rows()
        ]
        assert line == expected
    grounds = [ground_of(page, f".window .token[data-heat='{heat}']") for heat in (0, 6, 10)]
    assert len(set(grounds)) == 3
    weights = page.locator(".window .fires").first.evaluate(
        "(node) => [getComputedStyle(node).fontWeight, getComputedStyle(node).textDecorationLine]"
    )
    assert int(weights[0]) >= 600
    assert "underline" in weights[1]
    expect(page.locator(".heat-scale").last).to_contain_text("from .50 on it fires")


def step(activation: float) -> int:
    return math.floor(10 * min(max(float(np.float32(activation)), 0), 1) + 0.5)


def ground_of(page: Page, selector: str) -> str:
    return page.locator(selector).first.evaluate("(node) => getComputedStyle(node).backgroundColor")


def test_texts_have_their_numbers(page: Page, demo_atlas: Atlas, row: int) -> None:
    """The numbers behind the colours are a press away, and are those that were measured."""
    windows = windows_of(demo_atlas, row)
    turn_to(page, demo_atlas.unit_url(row))
    page.get_by_role("button", name="Numbers").click()
    for table, window in zip(page.locator(".token-numbers").all(), windows, strict=True):
        true, expected = (
            texts[1:]
            for texts in table.locator(ROWS).evaluate_all(
                "rows => rows.map((row) => Array.from(row.children, (cell) => cell.textContent))"
            )
        )
        assert true == [share(x) for x in window["activation"]]
        assert expected == [share(x) for x in window["predicted"]]
    line = page.locator(".window").first
    line.focus()
    page.keyboard.press("End")
    last = windows[0].row(-1, named=True)
    expect(line.locator("xpath=following-sibling::p")).to_contain_text(
        f"true {share(last['activation'])}, expected {share(last['predicted'])}"
    )


def test_every_concept_has_its_precision(page: Page, demo_atlas: Atlas, row: int) -> None:
    """The page has the unit's AP for every concept, with the chance line in the drawing."""
    study = demo_atlas.study
    ap = profiles_of(demo_atlas)[:, row]
    turn_to(page, demo_atlas.unit_url(row))
    page.get_by_text("All concepts as a table").click()
    rows = page.get_by_role("region", name="Average precision of all concepts").locator(ROWS)
    rows.first.wait_for()
    told = rows.evaluate_all(
        "rows => rows.map((row) => Array.from(row.children, (cell) => cell.textContent))"
    )
    assert {cells[1] for cells in told} == set(study.concepts)
    values = [float(cells[3]) for cells in told]
    assert values == sorted(values, reverse=True)
    for _, concept, category, value, chance, expert in told:
        place = study.concepts.index(concept)
        assert abs(float(value) - ap[place]) <= 0.00051
        assert (category, chance, expert == "yes") == (study.category(concept), ".200", ap[place] >= 0.5)
    expect(page.locator(".chart", has_text="average precision").first).to_contain_text("chance .20")


def test_facts_scores_and_likeness(page: Page, demo_atlas: Atlas, row: int) -> None:
    """What is said of the unit, of how well its graph does, and of the units like it, is what was planted."""
    study = demo_atlas.study
    facts = units_of(demo_atlas).row(row, named=True)
    _, layer, unit = place_of(study, row)
    scores = graph_table(demo_atlas, "graph_units").filter(layer=layer, unit=unit).row(0, named=True)
    turn_to(page, demo_atlas.unit_url(row))
    told = page.locator(".unit-facts")
    expect(told).to_contain_text(f"{study.concepts[facts['best']]} AP {share(facts['ap'])}")
    expect(told).to_contain_text(f"Expert of{facts['concepts']} concept")
    bars = [re.sub(r"\s", "", text) for text in texts_of(page, ".score-bars li")]
    assert bars[0] == f"graph{share(scores['f1'])}"
    assert bars[1] == f"tokenalone{share(scores['f1_token'])}"
    like = (
        page.get_by_role("region", name="Units like this one")
        .locator("tbody td:first-child")
        .all_text_contents()
    )
    assert set(like) == {
        f"{place[1]}.{place[2]}" for place in (place_of(study, each) for each in study.nearest(row))
    }
    likeness = [
        float(x)
        for x in page.get_by_role("region", name="Units like this one")
        .locator("tbody td:nth-child(2)")
        .all_text_contents()
    ]
    assert likeness == sorted(likeness, reverse=True)


def test_what_forcing_did_is_told(page: Page, demo_atlas: Atlas) -> None:
    """A unit that was among those forced tells what became of the text, and another that it was not."""
    study = demo_atlas.study
    first = max(study.experts(demo_atlas.last, "dog").items(), key=lambda one: one[1])[0]
    turn_to(page, demo_atlas.unit_url(first))
    page.get_by_role("heading", name="Forced and zeroed").scroll_into_view_if_needed()
    table = page.get_by_role("region", name="Effects on dog")
    effect = 0.5 * math.log(2)
    expect(table.locator(ROWS).first).to_contain_text(f"+{share(effect)} (+{share(0.1 * effect, 3)})")
    twin = demo_atlas.unit_url(first, "untrained")
    turn_to(page, twin)
    page.get_by_role("heading", name="Forced and zeroed").scroll_into_view_if_needed()
    expect(page.locator("main")).to_contain_text("that was done at step 143,000")


def test_a_unit_without_a_graph_says_so(page: Page, demo_atlas: Atlas) -> None:
    """Where there is no graph the page says why, and keeps the rest."""
    study = demo_atlas.study
    bare = next(row for row in range(study.units) if row not in set(study.graphs.rows.tolist()))
    turn_to(page, demo_atlas.unit_url(bare))
    expect(page.locator("main")).to_contain_text("No graph was grown for this unit: 40 of 256 units")
    dead = int(study.graphs.rows[4])
    turn_to(page, demo_atlas.unit_url(dead))
    expect(page.locator("main")).to_contain_text("The graph has no path")
    turn_to(page, demo_atlas.unit_url(int(study.graphs.rows[1]), "512"))
    expect(page.locator("main")).to_contain_text("This unit has one at step 143,000")
