"""The report is for everyone too: read aloud, by keys alone, in the dark, on a phone, and on paper."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Page
from synthetic_results import case
from test_report import results, written
from watching import watch

from golgi.figures import FIGURES

MM = 96 / 25.4
# A4 without the margins that the page's style sets.
PAPER = {"width": round(178 * MM), "height": round(261 * MM)}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a made-up study with every figure, claims that do not hold, and a warning."""
    arguments = results(tmp_path_factory.mktemp("report"), case("small"), tuple(FIGURES))
    written(arguments, warnings=["Something to know first."])
    return arguments["report"]


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")], ids=str)
def opened(
    request: pytest.FixtureRequest, report: Path, browser: Browser, complaints: list[str]
) -> Iterator[Page]:
    """The report at a width, in a theme."""
    width, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    watch(context, complaints)
    page = context.new_page()
    page.goto(report.as_uri())
    yield page
    context.close()
    assert not complaints, "\n".join(complaints)


def test_axe_finds_nothing_and_nothing_scrolls_sideways(opened: Page) -> None:
    opened.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    found = opened.evaluate("() => axe.run({ resultTypes: ['violations'] })")["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found] == []
    assert opened.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")


def test_it_is_read_by_keys_alone(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    targets = page.eval_on_selector_all("nav a", "links => links.map(link => link.getAttribute('href'))")
    reached = []
    while len(reached) < len(targets):
        page.keyboard.press("Tab")
        href = page.evaluate("document.activeElement.getAttribute('href')")
        reached += [href] if page.evaluate("document.activeElement.closest('nav') !== null") else []
    assert reached == targets
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == targets[-1]
    assert page.evaluate(
        "hash => document.querySelector(hash).getBoundingClientRect().top < 900", targets[-1]
    )


def test_on_paper_no_figure_is_cut_and_nothing_is_folded_away(page: Page, report: Path) -> None:
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    page.goto(report.as_uri())
    sizes = page.eval_on_selector_all("figure img", "all => all.map(one => [one.width, one.height])")
    assert len(sizes) == len(FIGURES)
    assert all(width <= PAPER["width"] and height <= PAPER["height"] for width, height in sizes)
    assert not page.is_visible("nav")
    assert page.is_visible("details table")
    assert page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")
    assert len(page.pdf(prefer_css_page_size=True)) > 100_000
