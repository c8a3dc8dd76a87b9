"""Texts of strangers stand on every page as texts: nothing of them runs, and nothing is asked of others."""

import pytest
from atlases import Atlas, pages_of, texts_of, turn_to
from playwright.sync_api import Page
from synthetic_graph_files import HOSTILE

from golgi.graphs.texts import readable

HARMLESS = """() => window.pwned === undefined
  && !document.querySelector("main script, main img, main iframe, main a[href^=javascript]")"""


def all_text(page: Page) -> str:
    return page.evaluate("document.querySelector('main').textContent")


def test_nothing_of_a_text_runs(page: Page, demo_atlas: Atlas) -> None:
    """On no page a string of a corpus becomes a part of the page, whatever is pressed and pointed at."""
    for name, address in pages_of(demo_atlas).items():
        turn_to(page, address)
        for summary in page.locator("main summary").all():
            if summary.is_visible():
                summary.click()
        for region in page.locator("main .chart:visible").all()[:3]:
            region.hover(force=True)
        assert page.evaluate(HARMLESS), name


def test_hostile_tokens_are_shown_as_they_are(page: Page, demo_atlas: Atlas) -> None:
    """The tokens of graphs and windows stand there literally, those that cannot be seen by their number."""
    shown = ""
    for row in demo_atlas.study.graphs.rows.tolist()[5:9]:
        turn_to(page, demo_atlas.unit_url(row))
        shown += "".join(texts_of(page, ".window .token, .graph-node text"))
        for node in page.locator(".graph-node").all():
            node.hover(force=True)
        shown += all_text(page)
        assert page.evaluate(HARMLESS)
    missing = [token for token in HOSTILE if readable(token).removeprefix("␣") not in shown]
    assert not missing
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    "token",
    ["<script>window.pwned=1</script>", "<img src=x onerror=window.pwned=1>", " gnp\u202e.exe", "\u2028"],
)
def test_hostile_tokens_are_found(page: Page, demo_atlas: Atlas, token: str) -> None:
    """What is typed comes back as text: in the sentence, the table, the address and the fields."""
    asked = readable(token)
    turn_to(page, demo_atlas.url("find", fires=asked, needs="<b>x</b>"))
    assert f"fires on “{asked}”; needs “<b>x</b>”" in page.locator(".find-count").text_content()
    page.locator("#find-needs").fill("")
    assert asked in texts_of(page, ".listing tbody bdi")
    assert page.evaluate(HARMLESS)


@pytest.mark.parametrize(
    "part",
    ["<img src=x onerror=window.pwned=1>", "javascript:window.pwned=1", "data:text/html,x", "__proto__"],
)
def test_hostile_addresses_are_told_as_text(page: Page, demo_atlas: Atlas, part: str) -> None:
    """An address that someone was sent cannot do more than name what is not there."""
    turn_to(page, demo_atlas.url("map"))
    places = [
        (part,),
        ("map", part, part),
        ("unit", "made-up", "143000", part, part, part),
        ("concept", "made-up", "143000", part),
    ]
    for place in places:
        turn_to(page, demo_atlas.url(*place))
        assert part in page.get_by_role("alert").text_content()
    names = ("fires", "needs", "concept", "site", "ap_from", "sort", "page", "colour", "a", "node", "q")
    asked = dict.fromkeys(names, part)
    turn_to(page, demo_atlas.url("find", **asked))
    assert part in all_text(page)
    unit = ("unit", "made-up", "143000", "mlp_post", "0", "9")
    for place in (("map",), unit, ("concepts", "made-up", "143000")):
        turn_to(page, demo_atlas.url(*place, **asked))
    assert page.evaluate(HARMLESS)
