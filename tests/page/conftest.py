"""A browser, and atlases of made-up studies for it to open."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from atlases import Atlas, write_demo, write_large
from playwright.sync_api import Browser, Page, sync_playwright
from watching import watch


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for the tests of a module; they are skipped where there is none.

    It ends with the module: while it is there, no other test of the process can run an event loop.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium: pages are tested where Debian's package chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--enable-precise-memory-info"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def heard() -> list[str]:
    """What the pages of a module complain of."""
    return []


@pytest.fixture(scope="module")
def window(browser: Browser, heard: list[str]) -> Iterator[Page]:
    """A watched page, 1280 pixels wide, for all tests of a module: to read the scripts takes a second."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    watch(context, heard)
    yield context.new_page()
    context.close()


@pytest.fixture
def complaints(heard: list[str]) -> Iterator[list[str]]:
    """What the pages of a test complain of, which fails it. One that expects a complaint takes it out."""
    yield heard
    found = heard.copy()
    heard.clear()
    assert not found, "\n".join(found)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tells what was measured, at the end of all tests; no test fails by it."""
    return lambda text: record_property("measured", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests have measured."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties if report.when == "call" else ():
            if name == "measured":
                terminalreporter.write_line(f"{report.location[2]}: {text}")


@pytest.fixture
def page(window: Page, complaints: list[str]) -> Page:
    """A page that is watched: what it complains of, or asks others for, fails the test."""
    window.mouse.move(0, 0)
    window.emulate_media(color_scheme="light", reduced_motion="reduce")
    return window


@pytest.fixture(scope="session")
def demo_atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The atlas of a study of 256 units."""
    return write_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def single_atlas(demo_atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The same as one file, with nothing beside it."""
    return write_demo(tmp_path_factory.mktemp("single"), study=demo_atlas.study, single_file=True)


@pytest.fixture(scope="session")
def large_atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The atlas of a study of 20,000 units at five checkpoints."""
    return write_large(tmp_path_factory.mktemp("large"))


@pytest.fixture
def damaged(demo_atlas: Atlas, tmp_path: Path) -> Atlas:
    """A copy of the small atlas, for a test to damage."""
    folder = tmp_path / "atlas"
    shutil.copytree(demo_atlas.folder, folder)
    return Atlas(folder, demo_atlas.study)
