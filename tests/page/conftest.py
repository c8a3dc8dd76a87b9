"""A browser, and atlases of made-up studies for it to open."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from atlases import Atlas, write_demo, write_large
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

LOCAL = ("file:", "data:", "blob:")
# What a page is refused by its own policy is an error like any other.
TELL_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error("refused by the policy:", event.violatedDirective, event.blockedURI));"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for all tests of a process; they are skipped where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium: pages are tested where Debian's package chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--enable-precise-memory-info"]
        )
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the pages of a test complained of. One that expects a complaint takes it out."""
    return []


@pytest.fixture
def context(browser: Browser, complaints: list[str]) -> Iterator[BrowserContext]:
    """Windows of the browser that are watched: what they complain of, or ask others for, fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    watch(context, complaints)
    yield context
    context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A watched page, 1280 pixels wide."""
    return context.new_page()


def watch(context: BrowserContext, complaints: list[str]) -> None:
    """Write down all errors, dialogs and requests to others of a context's pages."""

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text}")

    def dialog(dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    context.set_default_timeout(20_000)
    context.add_init_script(TELL_VIOLATIONS)
    context.route(lambda address: not address.startswith(LOCAL), lambda route: route.abort())
    context.on("console", console)
    context.on("weberror", lambda error: complaints.append(f"uncaught: {error.error}"))
    context.on("dialog", dialog)
    context.on(
        "request",
        lambda request: None if request.url.startswith(LOCAL) else complaints.append(f"asked for {request.url}"),
    )


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
