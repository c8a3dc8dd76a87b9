"""Every page is for everyone: by keys alone, read aloud, in the dark, on a phone."""

from collections.abc import Iterator

import pytest
from atlases import Atlas, pages_of, settled, turn_to
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Page, expect
from truths import nodes_of
from watching import watch

MOST_TABS = 60
WIDTHS = {"wide": 1280, "narrow": 360}
# One page of each kind; all their states are looked at in the light, on a wide screen.
KINDS = ("map", "find with results", "unit", "concepts", "concept", "overlap", "compare", "nothing")
DARK = "matchMedia('(prefers-color-scheme: dark)').matches"


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=WIDTHS)
def sized(
    request: pytest.FixtureRequest, theme: str, browser: Browser, complaints: list[str]
) -> Iterator[Page]:
    """A watched page of some width in a theme."""
    size = {"width": WIDTHS[request.param], "height": 900}
    context = browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")
    watch(context, complaints)
    yield context.new_page()
    context.close()
    assert not complaints, "\n".join(complaints)


def test_axe_finds_nothing(sized: Page, demo_atlas: Atlas) -> None:
    """Of axe-core's rules, among them the contrast of text, no page breaks one; nothing scrolls sideways."""
    whole = sized.viewport_size["width"] == WIDTHS["wide"] and not sized.evaluate(DARK)
    turn_to(sized, demo_atlas.url("find"))
    sized.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    found = []
    pages = pages_of(demo_atlas)
    for name in pages if whole else KINDS:
        turn_to(sized, pages[name])
        scroll_through(sized)
        result = sized.evaluate("() => axe.run({ resultTypes: ['violations'] })")
        for violation in result["violations"]:
            for node in violation["nodes"]:
                found.append(f"{name}: {violation['id']}: {node['target']}: {node['failureSummary']}")
        wide = sized.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
        if wide > 0:
            found.append(f"{name}: {wide} pixels wider than the screen")
    assert not found, "\n".join(found)


def scroll_through(page: Page) -> None:
    """Look at the whole page, of which parts wait to be seen before they read what they need."""
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_function("() => !document.querySelector('main').textContent.includes('Reading …')")
    page.evaluate("window.scrollTo(0, 0)")


def tab_to(page: Page, selector: str) -> int:
    """Press Tab until what has the focus is of some kind; return how often that took."""
    for presses in range(1, MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return presses
    raise AssertionError(f"{MOST_TABS} times Tab do not lead to {selector}")


def test_from_the_first_tab_to_a_graph_and_back(page: Page, demo_atlas: Atlas) -> None:
    """By keys alone: past the header, over the map to a unit, into its graph, and back to the map."""
    row = int(demo_atlas.study.graphs.rows[1])
    turn_to(page, demo_atlas.url("map"))
    page.wait_for_function("() => document.querySelector('.map-chart .hm')")
    assert tab_to(page, "#skip") == 1
    expect(page.locator("#skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tab_to(page, "#map-frame")
    for _ in range(row):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#live")).to_contain_text(f"Unit 0.{row}:")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(f"Unit 0.{row}")
    expect(page.locator("h1")).to_be_focused()
    tab_to(page, ".graph-node")
    page.keyboard.press("ArrowLeft")
    node = page.evaluate("Number(document.activeElement.dataset.node)")
    expect(page.locator(".node-panel")).to_contain_text(
        demo_atlas.study.graphs.readable[nodes_of(demo_atlas, row)[node]["token"]]
    )
    outline = page.evaluate(
        "getComputedStyle(document.querySelector('.graph-node:focus .frame')).strokeWidth"
    )
    assert outline != "0px"
    page.go_back()
    settled(page)
    expect(page.locator("h1")).to_have_text("Map of made-up")


def test_from_the_first_tab_to_a_unit_that_was_found(page: Page, demo_atlas: Atlas) -> None:
    """By keys alone: to the search, a token typed, and from the results to the unit."""
    turn_to(page, demo_atlas.url("map"))
    tab_to(page, "#skip")
    tab_to(page, "#nav a[href^='#/find']")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Find units")
    tab_to(page, "#find-fires")
    page.keyboard.type("horse")
    expect(page.locator(".find-count")).to_contain_text("fires on “horse”")
    name = page.locator(".listing tbody a").first.text_content()
    tab_to(page, ".listing tbody a")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(f"Unit {name}")


def test_every_control_has_a_name_and_a_visible_focus(page: Page, demo_atlas: Atlas) -> None:
    """Whatever Tab reaches has a name that can be read aloud, and shows that it is reached."""
    for name in KINDS:
        turn_to(page, pages_of(demo_atlas)[name])
        page.evaluate("document.getElementById('skip').focus()")
        for _ in range(25):
            page.keyboard.press("Tab")
            said = page.evaluate("""() => {
              const node = document.activeElement;
              const style = getComputedStyle(node);
              const labels = Array.from(node.labels || [], (label) => label.textContent);
              const text = [node.getAttribute("aria-label"), ...labels, node.textContent, node.title];
              const nowhere = node === document.body;
              return [nowhere || text.join("").trim() !== "", node.tagName,
                nowhere || node.closest("svg") !== null || style.outlineStyle !== "none"];
            }""")
            assert said[0], f"{name}: a {said[1]} has no name"
            assert said[2], f"{name}: a {said[1]} does not show the focus"
