"""A study of two models with two sites, and nothing but units and experts: pages do with what there is."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
from atlases import Atlas, texts_of, turn_to
from playwright.sync_api import Page, expect

from golgi.atlas.chunks import Chunks
from golgi.atlas.writing import write_page

SITES = ("attn_out", "mlp_post")
WIDTHS = {"first": (8, 20), "second.b": (16, 40)}  # of a layer at each site
LAYERS = 2
CONCEPTS = ("dog", "oak", "car")
RESULTS = "main .listing tbody td:first-child"


@dataclass(frozen=True)
class Bare:
    """An atlas, and what is true of its models' units: site, layer and number, and average precision."""

    atlas: Atlas
    units: dict[str, list[tuple[str, int, int]]]
    ap: dict[str, np.ndarray]  # [concept, row]

    def names(self, model: str, chosen: np.ndarray) -> set[str]:
        return {"{} {}.{}".format(*self.units[model][row]) for row in np.flatnonzero(chosen).tolist()}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """The atlas of two models at the checkpoints `final`, the second one with one site more units."""
    folder = tmp_path_factory.mktemp("bare")
    rng = np.random.default_rng(0)
    chunks = Chunks(folder / "data")
    units, precision, models = {}, {}, []
    for model, widths in WIDTHS.items():
        units[model] = [
            (site, layer, unit)
            for site, width in zip(SITES, widths, strict=True)
            for layer in range(LAYERS)
            for unit in range(width)
        ]
        precision[model] = ap = rng.random((len(CONCEPTS), len(units[model]))).astype(np.float32)
        add_model(chunks, model, ap)
        models.append(model_head(model, widths, len(units[model])))
    chunks.add("study", head_of(models))
    write_page(folder, chunks, study="bare", title="Two models")
    return Bare(Atlas(folder, None), units, precision)


def add_model(chunks: Chunks, model: str, ap: np.ndarray) -> None:
    """Add the units and the experts of a model."""
    nothing = np.full(ap.shape[1], np.nan, np.float32)
    columns = {
        "best": ap.argmax(axis=0).astype(np.uint16),
        "ap": ap.max(axis=0),
        "concepts": (ap >= 0.5).sum(axis=0).astype(np.uint16),
        "rate": np.full(ap.shape[1], 0.25, np.float32),
        "f1": nothing,
        "firing": nothing,
        "graph": np.full(ap.shape[1], 65535, np.uint16),
    }
    chunks.add(f"units/{model}/final", {}, columns)
    concept, row = np.nonzero(ap >= 0.5)
    order = np.lexsort((row, -ap[concept, row], concept))
    starts = np.concatenate([[0], np.cumsum(np.bincount(concept, minlength=len(ap)))])
    experts = {
        "row": row[order].astype(np.int32),
        "ap": ap[concept, row][order],
        "start": starts.astype(np.uint32),
    }
    chunks.add(f"experts/{model}/final", {"lowest": 0.5}, experts)
    none = {"best": [], "worst": [], "confused": [], "units": 0}
    chunks.add(f"sentences/{model}/final", {"concepts": [none for _ in CONCEPTS]})


def model_head(model: str, widths: tuple[int, ...], units: int) -> dict:
    """What the pages know of a model."""
    checkpoint = {
        **{
            "name": "final",
            "step": None,
            "untrained": False,
            "label": "final",
            "overlap": False,
            "graphs": 0,
        },
        **{"tokens": None, "profiles": None, "profile_rows": 0, "units": units},
    }
    sites = [
        {"name": site, "layers": list(range(LAYERS)), "widths": [width] * LAYERS}
        for site, width in zip(SITES, widths, strict=True)
    ]
    return {
        **{"name": model, "family": "GPT2LMHeadModel", "layers": LAYERS, "parameters": 1000, "sites": sites},
        **{"units": units, "checkpoints": [checkpoint]},
    }


def head_of(models: list[dict]) -> dict:
    """What the pages know of the study."""
    concepts = [
        {"name": name, "category": place, "gloss": "", "chance": 0.2, "positives": 4, "negatives": 16}
        for place, name in enumerate(CONCEPTS)
    ]
    return {
        **{"study": "bare", "title": "Two models", "seed": 1, "threshold": 0.5},
        **{
            "thresholds": [0.5],
            "overlap_threshold": 0.5,
            "fires": None,
            "notes": [],
            "report": "../report.html",
        },
        **{"categories": ["animal", "plant", "vehicle"], "concepts": concepts, "models": models},
        "window_kinds": ["strongest", "firing", "mistake", "random"],
        "has": dict.fromkeys(("graphs", "overlap", "ratings", "interventions"), False),
    }


def test_units_are_found_at_a_site(page: Page, bare: Bare) -> None:
    """The site is a condition like the others, and each model has its own units."""
    turn_to(page, bare.atlas.url("find"))
    expect(page.locator("main")).to_contain_text("This study has no neuron graphs")
    assert set(texts_of(page, RESULTS)) <= bare.names("first", np.ones(56, bool))
    page.get_by_label("Model").select_option("second.b")
    expect(page.locator(".find-count strong")).to_have_text("All 112 units")
    page.get_by_label("Site").select_option("attn_out")
    page.get_by_role("group", name="Layer").get_by_label("from").fill("1")
    page.get_by_label("Expert of", exact=True).select_option("oak")
    page.locator(".find-count", has_text="expert of").wait_for()
    places = bare.units["second.b"]
    chosen = (bare.ap["second.b"][1] >= 0.5) & [
        site == "attn_out" and layer == 1 for site, layer, _ in places
    ]
    assert set(texts_of(page, RESULTS)) == bare.names("second.b", chosen) != set()
    expect(page).to_have_url(re.compile("site=attn_out"))
    page.get_by_label("Model").select_option("first")
    expect(page.locator(".find-count")).to_contain_text("at attn_out; layer from 1")


def test_every_page_does_with_what_there_is(page: Page, bare: Bare) -> None:
    """Without graphs, overlap, ratings and profiles no page fails, and none speaks of what is not there."""
    turn_to(page, bare.atlas.url("map", "second.b", "final", site="mlp_post"))
    expect(page.locator(".lead")).to_contain_text("of 80 units of second.b at mlp_post")
    page.get_by_label("Site").select_option("attn_out")
    experts = int((bare.ap["second.b"][:, :32].max(axis=0) >= 0.5).sum())
    expect(page.locator(".lead")).to_contain_text(f"{experts} of 32 units of second.b at attn_out")
    expect(page.get_by_label("Colour by").locator("option", has_text="F1")).to_have_count(0)
    turn_to(page, bare.atlas.url("unit", "second.b", "final", "mlp_post", 1, 39))
    expect(page.locator("h1")).to_have_text("Unit mlp_post 1.39")
    expect(page.locator("main")).to_contain_text("No graphs were grown at this checkpoint")
    turn_to(page, bare.atlas.url("concept", "first", "final", "dog"))
    expect(page.locator("main")).to_contain_text(
        f"{int((bare.ap['first'][0] >= 0.5).sum())} experts of 56 units"
    )
    turn_to(page, bare.atlas.url("overlap", "first", "final", a="dog", b="car"))
    both = int((bare.ap["first"][[0, 2]] >= 0.5).all(axis=0).sum())
    expect(page.locator(".pair-panel .said")).to_contain_text(f"{both} shared expert")
    turn_to(page, bare.atlas.url("concepts", "second.b", "final"))
    assert "could not" not in page.locator("main").text_content()


def test_two_models_side_by_side(page: Page, bare: Bare) -> None:
    """Models are compared by shares and depths, never unit by unit."""
    turn_to(page, bare.atlas.url("compare"))
    sides = [page.get_by_label(side, exact=True).input_value() for side in ("Left", "Right")]
    assert sorted(sides) == ["first@final", "second.b@final"]
    expect(page.get_by_role("heading", name="Experts by relative depth")).to_be_visible()
    expect(page.get_by_role("heading", name="Units that changed")).to_have_count(0)
    row = page.locator("tr", has_text="units that are experts").first
    for place, side in enumerate(sides):
        experts = int((bare.ap[side.removesuffix("@final")].max(axis=0) >= 0.5).sum())
        expect(row.locator(f"td:nth-child({place + 2})")).to_contain_text(f"{experts} (")
