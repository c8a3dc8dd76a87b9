"""An atlas opens from a folder or one file, and says what it does not have."""

import re
import shutil
from pathlib import Path

import pytest
from atlases import Atlas, open_page, settled, texts_of, turn_to
from playwright.sync_api import Page, expect
from truths import units_of

PAGES = Path(__file__).parents[2] / "workflow" / "golgi" / "atlas" / "page"
TOP_LEVEL = re.compile(r"^(?:async )?(?:function|const|let|class)\s+(\w+)", re.MULTILINE)
DRAWS_TEXT_AS_PAGE = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|Timeout\(\s*[\"'`]"
)


def test_opens_at_the_map_of_the_last_checkpoint(page: Page, demo_atlas: Atlas) -> None:
    """Without an address the atlas shows the first model as it was last trained, and says so in its own."""
    page.goto((demo_atlas.folder / "index.html").as_uri())
    expect(page.locator("h1")).to_have_text("Map of made-up")
    expect(page).to_have_url(re.compile("#/map/made-up/143000$"))
    expect(page).to_have_title("Map of made-up · Made-up neurons <b>& more</b>")
    for name in ("Map", "Find", "Concepts", "Overlap", "Compare", "Report"):
        expect(page.get_by_role("navigation", name="Atlas").get_by_role("link", name=name)).to_be_visible()


WRONG = (
    "nowhere",
    "map/nobody",
    "map/made-up/99",
    "unit/made-up/143000/mlp_post/0/99999",
    "unit/made-up/143000/mlp_post/0/-1",
    "unit/made-up/143000/mlp_post/0/1.5",
    "unit/made-up/143000/mlp_post/0/",
    "unit/made-up/143000/elsewhere/0/1",
    "unit/made-up",
    "concept/made-up/143000/unicorn",
    "concept/made-up/143000/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
    "overlap/made-up/143000?a=unicorn&b=dog",
    "compare?left=nobody@1",
    "find?model=nobody",
    "%E0%A4%A",
)


def test_wrong_addresses_say_so(page: Page, demo_atlas: Atlas) -> None:
    """An address of nothing gets a page that says what is missing, and leads on to what there is."""
    turn_to(page, demo_atlas.url("map"))
    for wrong in WRONG:
        page.evaluate("(address) => { window.location.hash = address; }", f"#/{wrong}")
        expect(page.locator("h1"), wrong).to_have_text("There is no such page")
        assert page.locator("[role=alert]").text_content(), wrong
        assert page.title().startswith("There is no such page"), wrong
    page.locator("main").get_by_role("link", name="step 512").click()
    expect(page.locator("h1")).to_have_text("Map of made-up")


MISSING = {
    "units/made-up/143000": ("map", "made-up", "143000"),
    "search/made-up/143000": ("find",),
    "experts/made-up/143000": ("concepts", "made-up", "143000"),
    "sentences/made-up/143000": ("concept", "made-up", "143000", "dog"),
    "overlap/made-up/143000": ("overlap", "made-up", "143000"),
}


def test_a_missing_file_is_named(page: Page, damaged: Atlas, complaints: list[str]) -> None:
    """Where a file is missing or cut the page says which, and the rest of the atlas still works."""
    for name, parts in MISSING.items():
        file = damaged.folder / "data" / f"{name}.js"
        whole = file.read_bytes()
        file.unlink()
        open_page(page, damaged.url(*parts))
        expect(page.locator("main"), name).to_contain_text(
            f"The file data/{name}.js of this atlas is missing"
        )
        file.write_bytes(whole[: len(whole) // 2])
        open_page(page, damaged.url(*parts))
        expect(page.locator("main"), name).to_contain_text(f"data/{name}.js")
        file.write_bytes(whole)
    open_page(page, damaged.url("map"))
    expect(page.locator("h1")).to_have_text("Map of made-up")
    assert complaints
    unexpected = [
        one
        for one in complaints
        if not re.search("missing or damaged|ERR_FILE_NOT_FOUND|uncaught: Invalid or unexpected token", one)
    ]
    complaints[:] = unexpected


def test_an_atlas_without_its_study_says_so(page: Page, damaged: Atlas, complaints: list[str]) -> None:
    """Where not even the list of contents can be read, the page says that and why."""
    (damaged.folder / "data" / "study.js").unlink()
    page.goto(damaged.url("map"))
    expect(page.locator("h1")).to_have_text("This atlas could not be opened")
    expect(page.get_by_role("alert")).to_contain_text("data/study.js")
    complaints[:] = [one for one in complaints if "ERR_FILE_NOT_FOUND" not in one]


def test_one_file_is_enough(page: Page, single_atlas: Atlas, tmp_path: Path) -> None:
    """In the form of one file the page needs nothing beside it."""
    assert [path.name for path in single_atlas.folder.iterdir()] == ["index.html"]
    alone = Atlas(tmp_path / "alone", single_atlas.study)
    alone.folder.mkdir()
    shutil.copy(single_atlas.folder / "index.html", alone.folder)
    row = int(alone.study.graphs.rows[0])
    open_page(page, alone.url("map"))
    experts = units_of(alone).filter(units_of(alone)["concepts"] > 0)
    expect(page.locator("main strong").first).to_contain_text(f"{len(experts)} of 256 units")
    page.locator(".map-chart canvas, .map-chart image").first.wait_for(state="attached")
    turn_to(page, alone.unit_url(row))
    page.locator(".graph-node").first.wait_for()
    for parts in (("concept", "made-up", "143000", "dog"), ("overlap", "made-up", "143000"), ("compare",)):
        turn_to(page, alone.url(*parts))
        assert "could not" not in page.locator("main").text_content()
    turn_to(page, alone.url("find", fires="dog"))
    assert texts_of(page, ".listing tbody tr")
    assert (alone.folder / "index.html").stat().st_size > 5e6


def test_back_and_forth(page: Page, demo_atlas: Atlas) -> None:
    """The browser's own way back leads to the page before, with its heading and title."""
    turn_to(page, demo_atlas.url("concepts", "made-up", "143000"))
    page.locator("main").get_by_role("link", name="dog", exact=True).click()
    expect(page.locator("h1")).to_have_text("dog")
    expect(page.locator("h1")).to_be_focused()
    page.go_back()
    settled(page)
    expect(page.locator("h1")).to_have_text("Concepts")
    page.go_forward()
    expect(page.locator("h1")).to_have_text("dog")


def test_the_theme_is_chosen_and_kept(page: Page, demo_atlas: Atlas) -> None:
    """The page is light or dark as the system is, unless its reader chose otherwise."""
    page.emulate_media(color_scheme="dark")
    open_page(page, demo_atlas.url("find"))
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_label("Theme").select_option("light")
    assert page.evaluate(ground) == "rgb(255, 255, 255)" != dark
    open_page(page, demo_atlas.url("concepts"))
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert page.get_by_label("Theme").input_value() == "light"
    page.get_by_label("Theme").select_option("auto")
    assert page.evaluate(ground) == dark


@pytest.mark.parametrize("file", sorted(PAGES.glob("*.js")), ids=lambda file: file.stem)
def test_scripts_write_text_only_as_text(file: Path) -> None:
    """No script of the pages can turn a text into a page or a program."""
    assert not DRAWS_TEXT_AS_PAGE.findall(file.read_text(encoding="utf-8"))


def test_names_are_unique_over_all_scripts() -> None:
    """All scripts run in one scope, where a second function of one name would silently replace the first."""
    names = [
        name for file in PAGES.glob("*.js") for name in TOP_LEVEL.findall(file.read_text(encoding="utf-8"))
    ]
    assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})
