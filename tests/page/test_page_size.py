"""An atlas of 20,000 units at five checkpoints: what it takes in time, which is only told, and in memory."""

import re
import string
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from atlases import Atlas, open_page, turn_to
from playwright.sync_api import Browser, Page, expect
from truths import units_of

from golgi.atlas.chunks import Chunks

UNITS, TOKENS, ROWS = 20_000, 50_000, 1_000_000
MOST_HEAP = 300e6
Tell = Callable[[str], None]
# From a key, or a change, to the first moment after the picture that follows from it.
WATCH = """(kind) => {
  window.took = [];
  window.addEventListener(kind, ({ timeStamp }) => requestAnimationFrame(() =>
    setTimeout(() => window.took.push(performance.now() - timeStamp))), true);
}"""


@pytest.fixture(scope="module")
def index(large_atlas: Atlas) -> dict[str, np.ndarray]:
    """A million rows of made-up tokens in place of those of the large atlas, a few of them of many units."""
    rng = np.random.default_rng(0)
    letters = np.array(list(string.ascii_lowercase))
    words = ["".join(letters[rng.integers(0, 26, size)]) for size in rng.integers(2, 8, TOKENS)]
    texts = [("␣" if token % 2 else "") + word for token, word in enumerate(words)]
    token = np.minimum(rng.pareto(0.7, ROWS) * 20, TOKENS - 1).astype(np.int64)
    key = np.unique((token * UNITS + rng.integers(0, UNITS, ROWS)) * 2 + rng.integers(0, 2, ROWS))
    columns = {
        "token": (key // (2 * UNITS)).astype(np.int32),
        "row": (key // 2 % UNITS).astype(np.int32),
        "role": (key % 2).astype(np.uint8),
        "strength": rng.random(len(key), np.float32),
    }
    chunks = Chunks(large_atlas.folder / "data")
    chunks.add(f"search/made-up/{large_atlas.last}", {}, columns)
    chunks.add(f"tokens/made-up/{large_atlas.last}", {"texts": texts})
    return columns | {"texts": np.array(texts)}


def units_with(index: dict[str, np.ndarray], word: str, role: int) -> set[int]:
    forms = np.flatnonzero(np.isin(index["texts"], [word, f"␣{word}"]))
    return set(index["row"][np.isin(index["token"], forms) & (index["role"] == role)].tolist())


def took(name: str, times: list[float]) -> str:
    if len(times) == 1:
        return f"{name}: {times[0]:.0f} ms"
    return f"{name}: median {np.median(times):.0f} ms, longest {max(times):.0f} ms of {len(times)}"


def heap_of(page: Page, browser: Browser, tell: Tell) -> float:
    """Tell the memory of the page's heap and of its process; return the former, in bytes."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    heap = metrics["JSHeapUsedSize"]
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    sizes = [resident(process["id"]) for process in processes if process["type"] == "renderer"]
    tell(f"heap {heap / 1e6:.0f} MB, in a process of {max(sizes) / 1e6:.0f} MB")
    return heap


def resident(process: int) -> int:
    """Bytes of a process that it shares with no other, and its part of those it shares."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8")
    return 1024 * int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])


def test_opens_and_steps_through_the_training(
    page: Page, large_atlas: Atlas, browser: Browser, tell: Tell
) -> None:
    """The map opens from the disk, counts 20,000 units right and follows the slider."""
    experts = {
        one: int((units_of(large_atlas, one)["concepts"] > 0).sum()) for one in large_atlas.study.checkpoints
    }
    for _ in range(2):
        open_page(page, large_atlas.url("map"))
        page.wait_for_function("() => document.querySelector('.map-chart .hm image')")
        tell(took("opening, to the map drawn", [page.evaluate("performance.now()")]))
    expect(page.locator(".lead")).to_contain_text(f"{experts[large_atlas.last]:,} of 20,000 units")
    page.wait_for_timeout(500)  # the other checkpoints are read meanwhile
    page.evaluate(WATCH, "input")
    page.get_by_role("slider", name="Checkpoint").focus()
    for checkpoint in ("8000", "512", "0"):
        page.keyboard.press("ArrowLeft")
        expect(page.locator(".lead")).to_contain_text(f"{experts[checkpoint]:,} of 20,000 units")
    tell(took("a step of the slider", page.evaluate("window.took")))
    assert heap_of(page, browser, tell) < MOST_HEAP


def test_finds_at_every_key(
    page: Page, large_atlas: Atlas, index: dict[str, np.ndarray], browser: Browser, tell: Tell
) -> None:
    """Twenty thousand units and a million tokens are searched at every key, and what is found is right."""
    common, other = (text.removeprefix("␣") for text in index["texts"][[1, 4]])
    turn_to(page, large_atlas.url("find"))
    page.evaluate(WATCH, "input")
    for name, text in (
        ("fires", common),
        ("fires", "zzqxv"),
        ("needs", other),
        ("ap_from", "0.25"),
        ("f1_to", "0.9"),
    ):
        page.locator(f"#find-{name}").fill("")
        page.locator(f"#find-{name}").press_sequentially(text, delay=30)
        if name == "fires":
            number = len(units_with(index, text, 0))
            told = f"{number:,} units" if number else "No unit"
            expect(page.locator(".find-count strong")).to_have_text(f"{told} of 20,000")
    page.locator("#find-fires").fill(common)
    both = units_with(index, common, 0) & units_with(index, other, 1)
    page.locator("#find-ap_from").fill("")
    page.locator("#find-f1_to").fill("")
    expect(page.locator(".find-count strong")).to_have_text(f"{len(both):,} units of 20,000")
    assert len(both) > 100
    page.wait_for_timeout(200)
    tell(took("a key of a search", page.evaluate("window.took")))
    assert heap_of(page, browser, tell) < MOST_HEAP


def test_memory_stays_while_pages_are_turned(
    page: Page, large_atlas: Atlas, browser: Browser, tell: Tell
) -> None:
    """After a walk through thirty pages of all kinds the heap is no larger than is promised."""
    study, last = large_atlas.study, large_atlas.last
    turn_to(page, large_atlas.url("map"))
    for row in study.graphs.rows[::400].tolist():
        turn_to(page, large_atlas.unit_url(row))
    for checkpoint in study.checkpoints:
        turn_to(page, large_atlas.url("concept", study.model, checkpoint, "dog"))
        turn_to(page, large_atlas.url("overlap", study.model, checkpoint))
        turn_to(
            page,
            large_atlas.url("compare", left=f"{study.model}@{checkpoint}", right=f"{study.model}@{last}"),
        )
    turn_to(page, large_atlas.url("find", concept="dog"))
    assert heap_of(page, browser, tell) < MOST_HEAP
