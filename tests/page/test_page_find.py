"""What is found is what a search through all units by hand finds."""

import math
import re
from collections.abc import Callable

import numpy as np
import polars as pl
from atlases import Atlas, open_page, settled, texts_of, turn_to
from playwright.sync_api import Page, expect
from truths import graph_table, names_of, profiles_of, units_of

from golgi.graphs.search import fires_on, needs_context, tokens_of
from golgi.graphs.texts import readable

RESULTS = "main .listing tbody td:first-child"
THROUGH_ALL_PAGES = """(results) => {
  const names = [];
  for (let page = 0; page < 1000; page++) {
    names.push(...Array.from(document.querySelectorAll(results), (cell) => cell.textContent));
    const next = document.getElementById("find-after");
    if (!next || next.disabled) return names;
    next.click();
  }
}"""


def ask(page: Page, **fields: str | bool) -> None:
    """Set conditions by the names of their controls."""
    for name, value in fields.items():
        control = page.locator(f"#find-{name}")
        if isinstance(value, bool):
            control.set_checked(value)
        elif control.evaluate("node => node.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)
    if fields.get("concept"):
        page.locator(
            ".find-count", has_text="expert of"
        ).wait_for()  # its file is read when it is first asked for


def found(page: Page) -> list[str]:
    """The names of all units found, through all pages of the table."""
    return page.evaluate(THROUGH_ALL_PAGES, RESULTS)


def with_token(search: Callable, text: str) -> Callable[[Atlas, pl.DataFrame], pl.Series]:
    def holds(atlas: Atlas, units: pl.DataFrame) -> pl.Series:
        return units["name"].is_in(names_of(search(graph_table(atlas, "graph_nodes"), text)))

    return holds


def expert_of(concept: str, least: float) -> Callable[[Atlas, pl.DataFrame], pl.Series]:
    def holds(atlas: Atlas, units: pl.DataFrame) -> pl.Series:
        return pl.Series(profiles_of(atlas)[atlas.study.concepts.index(concept)] >= np.float32(least))

    return holds


def between(column: str, low: float, high: float) -> Callable[[Atlas, pl.DataFrame], pl.Series]:
    def holds(_: Atlas, units: pl.DataFrame) -> pl.Series:
        values = units[column].to_numpy()
        return pl.Series((values >= np.float32(low)) & (values <= np.float32(high)))

    return holds


CONDITIONS = {
    "a token as it is": ({"fires": " dog"}, with_token(fires_on, " dog")),
    "a token but for its space": ({"fires": "dog"}, with_token(fires_on, "dog")),
    "a token but for capitals": ({"fires": "DOG"}, with_token(fires_on, "DOG")),
    "a hostile token": ({"fires": "</script>"}, with_token(fires_on, "</script>")),
    "an empty line": ({"fires": "⏎"}, with_token(fires_on, "\n")),
    "a token in context": ({"needs": "word7"}, with_token(needs_context, "word7")),
    "a hostile token in context": ({"needs": "\\"}, with_token(needs_context, "\\")),
    "a concept": ({"concept": "cat"}, expert_of("cat", 0.5)),
    "a concept from an AP on": ({"concept": "cat", "least": "0.91"}, expert_of("cat", 0.91)),
    "a layer": ({"layer_from": "1"}, between("layer", 1, math.inf)),
    "one layer": ({"layer_from": "0", "layer_to": "0"}, between("layer", 0, 0)),
    "the best AP": ({"ap_from": "0.25", "ap_to": "0.93"}, between("ap", 0.25, 0.93)),
    "an AP that is reached": ({"ap_from": "0.95"}, between("ap", 0.95, math.inf)),
    "F1": ({"f1_from": "0.5", "f1_to": "0.9"}, between("f1", 0.5, 0.9)),
    "any F1": ({"f1_from": "0"}, between("f1", 0, math.inf)),
    "several concepts": ({"concepts_from": "2"}, between("concepts", 2, math.inf)),
    "no concept": ({"concepts_to": "0"}, between("concepts", 0, 0)),
    "a graph": ({"graph": True}, lambda _, units: units["graph"]),
}
TOGETHER = {
    "token and concept": ("a token but for its space", "several concepts", "a graph"),
    "token, F1 and layer": ("a hostile token", "F1", "one layer"),
    "concept, AP and layer": ("a concept", "the best AP", "a layer"),
    "both tokens": ("a hostile token", "a hostile token in context"),
    "graph and no concept": ("a graph", "no concept", "any F1", "a layer"),
}


def test_each_condition_and_several_together(page: Page, demo_atlas: Atlas) -> None:
    """Every condition finds the units that a look at each one finds, and several find those that meet all."""
    turn_to(page, demo_atlas.url("find"))
    units = units_of(demo_atlas)
    sizes = {}
    for name, parts in ({one: (one,) for one in CONDITIONS} | TOGETHER).items():
        page.get_by_role("button", name="Clear all conditions").click()
        holds = pl.Series(np.ones(len(units), bool))
        for part in parts:
            fields, condition = CONDITIONS[part]
            ask(page, **fields)
            holds &= condition(demo_atlas, units).fill_null(False)
        expected = set(units.filter(holds)["name"])
        assert set(found(page)) == expected, name
        told = page.locator(".find-count strong").text_content()
        assert told.startswith(f"{len(expected)} unit" if expected else "No unit"), name
        sizes[name] = len(expected)
    assert min(sizes[name] for name in CONDITIONS) > 0
    assert max(sizes[name] for name in TOGETHER) > 0


def test_the_nearest_token_comes_first(page: Page, demo_atlas: Atlas) -> None:
    """Units are sorted as `golgi search` sorts them, and tell the tokens on which they fire."""
    nodes = graph_table(demo_atlas, "graph_nodes")
    expected = fires_on(nodes, "<img src=x onerror=window.pwned=1>")
    turn_to(page, demo_atlas.url("find", fires="<img src=x onerror=window.pwned=1>"))
    strengths = dict(zip(names_of(expected), expected["activation"], strict=True))
    assert [strengths[name] for name in found(page)] == sorted(strengths.values(), reverse=True)
    fires = {
        (layer, unit): texts
        for layer, unit, texts in tokens_of(nodes).select("layer", "unit", "activating").iter_rows()
    }
    for row in page.locator("main .listing tbody tr").all():
        layer, unit = row.locator("td").first.text_content().split(".")
        chips = row.locator("td").last.locator("bdi").all_text_contents()
        assert set(chips) <= set(fires[int(layer), int(unit)])
        assert "<img␣src=x␣onerror=window.pwned=1>" in chips


def test_an_address_restores_what_was_asked(page: Page, demo_atlas: Atlas) -> None:
    """The address follows the conditions, and who is sent it sees the same."""
    turn_to(page, demo_atlas.url("find"))
    ask(page, fires="${window.pwned=1}", f1_from="0.1", ap_to="0.99", graph=True)
    page.get_by_role("button", name="F1").click()
    before = page.locator(".find-count").text_content(), found(page)
    expect(page).to_have_url(re.compile("f1_from=0.1.*sort=-f1"))
    address = page.url
    open_page(page, address)
    assert (page.locator(".find-count").text_content(), found(page)) == before
    assert page.locator("#find-fires").input_value() == "${window.pwned=1}"
    assert page.locator("#find-ap_to").input_value() == "0.99"
    assert page.locator("#find-graph").is_checked()
    page.locator(RESULTS).get_by_role("link").first.click()
    settled(page)
    page.go_back()
    expect(page.locator(".find-count strong")).to_have_text(before[0].split(":")[0])


def test_every_column_sorts_both_ways(page: Page, demo_atlas: Atlas) -> None:
    """A press on a head sorts by its column and says so, the next turns it; what has no value comes last."""
    turn_to(page, demo_atlas.url("find"))
    names = dict(enumerate(demo_atlas.study.concepts))
    units = units_of(demo_atlas).with_columns(pl.col("best").replace_strict(names), unit="row")
    for key in ("unit", "best", "concepts", "f1", "ap"):
        head = page.locator("th", has=page.locator(f"#find-sort-{key}"))
        for falling in (key not in ("unit", "best"), key in ("unit", "best")):
            page.locator(f"#find-sort-{key}").click()
            expect(head).to_have_attribute("aria-sort", "descending" if falling else "ascending")
            expect(page.locator("th[aria-sort]:not([aria-sort=none])")).to_have_count(1)
            assert page.evaluate("document.activeElement.id") == f"find-sort-{key}"
            expected = units.sort([key, "row"], descending=[falling, False], nulls_last=True)
            assert found(page) == expected["name"].to_list(), (key, falling)


def test_units_chosen_on_the_map_are_found(page: Page, demo_atlas: Atlas) -> None:
    """Rows in the address are a condition among others, and go with the rest when all are cleared."""
    units = units_of(demo_atlas)
    turn_to(page, demo_atlas.url("find", rows="3-7,20"))
    assert set(found(page)) == set(units["name"][[3, 4, 5, 6, 7, 20]])
    ask(page, ap_from="0.5")
    assert set(found(page)) == set(units[[3, 4, 5, 6, 7, 20]].filter(pl.col("ap") >= 0.5)["name"])
    page.get_by_role("button", name="Clear all conditions").click()
    expect(page.locator(".find-count strong")).to_have_text(f"All {len(units)} units")


def test_nothing_found_says_what_is_near(page: Page, demo_atlas: Atlas) -> None:
    """Without a result the page offers tokens that are there, and how many units miss but one condition."""
    turn_to(page, demo_atlas.url("find", fires="dogg"))
    expect(page.locator(".find-count strong")).to_have_text("No unit of 256")
    page.get_by_role("button", name="␣dog", exact=True).click()
    assert set(found(page)) == set(names_of(fires_on(graph_table(demo_atlas, "graph_nodes"), "dog")))
    units = units_of(demo_atlas)
    few = units.filter(pl.col("f1") >= np.float32(0.9), pl.col("concepts") == 0)
    turn_to(page, demo_atlas.url("find", f1_from=0.9, concepts_to=0, ap_from=0.99))
    near = page.locator(".find-near li", has_text="best AP")
    assert near.text_content().endswith(
        f": {len(few)} unit, the nearest at {few['ap'].max():.2f}".replace("0.", ".")
    )
    near.get_by_role("button").click()
    assert set(found(page)) == set(few["name"])
    assert page.evaluate("document.activeElement.id") == "find-ap_from"


def test_a_reader_is_told_once(page: Page, demo_atlas: Atlas) -> None:
    """The number found is announced when typing pauses, and not at every key."""
    turn_to(page, demo_atlas.url("find"))
    page.evaluate("""() => {
      window.told = [];
      const live = document.getElementById("live");
      new MutationObserver(() => live.textContent && window.told.push(live.textContent))
        .observe(live, { childList: true, characterData: true, subtree: true });
    }""")
    page.locator("#find-fires").press_sequentially("horse", delay=20)
    page.wait_for_function("() => window.told.length")
    page.wait_for_timeout(300)
    assert page.evaluate("window.told") == [page.locator(".find-count").text_content()]


def test_tokens_are_completed(page: Page, demo_atlas: Atlas) -> None:
    """The field offers the tokens that begin with what is typed, of its own role."""
    turn_to(page, demo_atlas.url("find"))
    nodes = tokens_of(graph_table(demo_atlas, "graph_nodes"))
    for field, role in {"fires": "activating", "needs": "context"}.items():
        page.locator(f"#find-{field}").fill("Word1")
        offered = page.locator(f"#find-{field}-known option").evaluate_all(
            "all => all.map((one) => one.value)"
        )
        begun = {text for texts in nodes[role] for text in texts if text.startswith("␣word1")}
        assert set(offered) <= begun
        assert len(offered) == min(len(begun), 12)
        page.locator(f"#find-{field}").fill("")
    assert readable(" word1").startswith("␣")


def test_a_checkpoint_without_graphs_says_so(page: Page, demo_atlas: Atlas) -> None:
    """Tokens cannot be asked for where there are no graphs; all else can, and the conditions are kept."""
    turn_to(page, demo_atlas.url("find", fires="dog", ap_from=0.5))
    page.get_by_label("Checkpoint").select_option("512")
    expect(page.locator("main")).to_contain_text("No graphs were built of made-up at step 512")
    expect(page.locator("#find-fires")).to_be_disabled()
    expect(page.locator(".find-count strong")).to_have_text("No unit of 256")
    page.locator(".find-near").get_by_role("button", name="fires on").click()
    units = units_of(demo_atlas, "512").filter(pl.col("ap") >= 0.5)
    assert set(found(page)) == set(units["name"])
    expect(page).to_have_url(re.compile("checkpoint=512"))


def test_what_an_address_cannot_ask_is_told(page: Page, demo_atlas: Atlas) -> None:
    """A concept or number that is none is named and left out."""
    turn_to(page, demo_atlas.url("find", concept="<b>unicorn</b>", ap_from="high", layer_from=1, page="x"))
    expect(page.locator("main [role=alert]")).to_contain_text("expert of “<b>unicorn</b>”, best AP “high”")
    assert set(found(page)) == set(units_of(demo_atlas).filter(layer=1)["name"])


def test_examples_lead_to_units(page: Page, demo_atlas: Atlas) -> None:
    """Where nothing is asked the page offers examples, and each finds something."""
    turn_to(page, demo_atlas.url("find"))
    examples = page.locator(".find-examples a").evaluate_all("all => all.map((one) => one.href)")
    assert len(examples) == 4
    for address in examples:
        turn_to(page, address)
        assert texts_of(page, RESULTS)
