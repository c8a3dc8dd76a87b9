"""Atlases of made-up studies, and ways to open and to read their pages."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page
from synthetic_study import SITES, Study, make

from golgi.atlas.contents import rows_of
from golgi.atlas.writing import write_atlas

LARGE = {
    "layers": 10,
    "width": 2000,
    "checkpoints": ("0", "512", "8000", "143000", "untrained"),
    "concepts": 100,
    "graph_units": 6000,
}


@dataclass(frozen=True)
class Atlas:
    """Where an atlas is, and what was put into it."""

    folder: Path
    study: Study

    def url(self, *parts: object, **query: object) -> str:
        """The address of a page of it: url("unit", "made-up", 512, ...) or url("find", fires=" dog")."""
        path = "/".join(quote(str(part), safe="") for part in parts)
        asked = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in query.items())
        return f"{(self.folder / 'index.html').as_uri()}#/{path}{'?' + asked if asked else ''}"

    def unit_url(self, row: int, checkpoint: str | None = None) -> str:
        """The address of a unit's page."""
        return self.url("unit", self.study.model, checkpoint or self.last, *place_of(self.study, row))

    @property
    def last(self) -> str:
        """The last checkpoint of the training."""
        return [one for one in self.study.checkpoints if one != "untrained"][-1]


def place_of(study: Study, row: int) -> tuple[str, int, int]:
    """Site, layer and number of the unit in a row."""
    rows = rows_of(study.places()[0].expertise, list(SITES))
    (site, layer), start = max(
        ((place, start) for place, start in rows.starts.items() if start <= row), key=lambda one: one[1]
    )
    return site, layer, row - start


def write_demo(folder: Path, *, study: Study | None = None, single_file: bool = False) -> Atlas:
    """Write the atlas of a small study, which is made unless there is one."""
    study = study or make(folder / "results" / "made")
    write_atlas(**study.options(), single_file=single_file, folder=folder / "atlas")
    return Atlas(folder / "atlas", study)


def write_large(folder: Path) -> Atlas:
    """Write the atlas of a study of 20,000 units at five checkpoints."""
    study = make(folder / "results" / "large", **LARGE)
    write_atlas(**study.options(), single_file=False, folder=folder / "atlas")
    return Atlas(folder / "atlas", study)


def pages_of(atlas: Atlas) -> dict[str, str]:
    """An address of every kind of page, the empty and the failed ones too."""
    study, last = atlas.study, atlas.last
    bare = next(row for row in range(study.units) if row not in set(study.graphs.rows.tolist()))
    return {
        "map": atlas.url("map", study.model, last),
        "map by F1": atlas.url("map", study.model, last, colour="f1"),
        "find": atlas.url("find"),
        "find with results": atlas.url("find", fires="dog", needs="word7", concept="dog", sort="f1"),
        "find without": atlas.url("find", fires="dogg", ap_from=0.9),
        "unit": atlas.unit_url(int(study.graphs.rows[1])) + "?node=2",
        "unit with a large graph": atlas.unit_url(int(study.graphs.rows[0])),
        "unit without a graph": atlas.unit_url(bare),
        "concepts": atlas.url("concepts", study.model, last),
        "concept": atlas.url("concept", study.model, last, "dog"),
        "overlap": atlas.url("overlap", study.model, last, a="dog", b="cat"),
        "compare": atlas.url("compare", left=f"{study.model}@512", right=f"{study.model}@{last}"),
        "nothing": atlas.url("nowhere"),
    }


def open_page(page: Page, address: str) -> None:
    """Open an address as someone who was sent it does, and wait until the page is drawn."""
    page.goto("about:blank")
    page.goto(address)
    settled(page)


def turn_to(page: Page, address: str) -> None:
    """Go to a page as the atlas's own links do, if it is open, and wait until it is drawn."""
    file, _, hash = address.partition("#")
    if not page.url.startswith(f"{file}#"):
        open_page(page, address)
        return
    if page.url == address:
        turn_to(page, f"{file}#/nowhere")
    page.evaluate(
        """(hash) => {
          document.querySelector("main > *").dataset.left = "";
          window.location.hash = hash;
        }""",
        hash,
    )
    page.locator("main > :not([data-left]) h1").first.wait_for()
    settled(page)


def settled(page: Page) -> None:
    """Wait until the page has a heading, and what it reads is there."""
    page.locator("main h1").first.wait_for()
    page.wait_for_function("() => !document.querySelector('.waiting')")


def texts_of(page: Page, selector: str) -> list[str]:
    """The texts of all elements, as they are in the page."""
    return page.locator(selector).evaluate_all("nodes => nodes.map((node) => node.textContent)")


def numbers_in(text: str) -> list[float]:
    """All numbers in a text: 1,234 and .5 and −.25."""
    found = re.findall(r"[−-]?(?:\d[\d,]*\.?\d*|\.\d+)", text)
    return [float(one.replace(",", "").replace("−", "-")) for one in found]
