"""The pages of concepts, of their overlap, and of two checkpoints beside each other say what was planted."""

import re
from itertools import combinations

import numpy as np
from atlases import Atlas, numbers_in, open_page, place_of, texts_of, turn_to
from playwright.sync_api import Locator, Page, expect
from truths import profiles_of, share, units_of

from golgi.tables import read_table

CONCEPT = "dog"


def cells_of(table: Locator) -> list[list[str]]:
    """The texts of a table, row by row."""
    return table.locator("tbody tr").evaluate_all(
        "rows => rows.map((row) => Array.from(row.children, (cell) => cell.textContent.trim()))"
    )


def all_cells(region: Locator) -> list[list[str]]:
    """The texts of a table that is leafed through, all pages of it."""
    region.locator("tbody tr").first.wait_for()
    cells = cells_of(region)
    pager = region.locator("xpath=..").get_by_role("button", name="Next")
    while pager.is_visible() and pager.is_enabled():
        pager.click()
        cells += cells_of(region)
    return cells


def experts_of(atlas: Atlas, checkpoint: str, concept: str, least: float = 0.5) -> dict[int, float]:
    """Row and average precision of a concept's experts, by a look at every unit."""
    ap = profiles_of(atlas, checkpoint)[atlas.study.concepts.index(concept)]
    return {row: float(ap[row]) for row in np.flatnonzero(ap >= np.float32(least)).tolist()}


def name_of(atlas: Atlas, row: int) -> str:
    _, layer, unit = place_of(atlas.study, row)
    return f"{layer}.{unit}"


def jaccard(atlas: Atlas, first: str, second: str) -> tuple[float, set[int]]:
    one, other = (set(experts_of(atlas, atlas.last, concept)) for concept in (first, second))
    return len(one & other) / len(one | other), one & other


def test_experts_by_layer_and_checkpoint(page: Page, demo_atlas: Atlas) -> None:
    """The table of layers and checkpoints counts the experts that were planted, the twin apart."""
    study = demo_atlas.study
    turn_to(page, demo_atlas.url("concept", study.model, demo_atlas.last, CONCEPT))
    told = cells_of(page.get_by_role("region", name=f"Experts of {CONCEPT} by layer and checkpoint"))
    for place, checkpoint in enumerate(study.checkpoints):
        experts = [place_of(study, row)[1] for row in experts_of(demo_atlas, checkpoint, CONCEPT)]
        assert set(experts_of(demo_atlas, checkpoint, CONCEPT)) == set(study.experts(checkpoint, CONCEPT))
        assert [int(row[1 + place]) for row in told] == [experts.count(layer) for layer in (0, 1)]
    page.get_by_role("link", name="step 512", exact=True).first.click()
    expect(page).to_have_url(re.compile(f"/512/{CONCEPT}"))


def test_experts_of_a_concept(page: Page, demo_atlas: Atlas) -> None:
    """The experts are listed with the precision that was planted, the best first, and link to their pages."""
    turn_to(page, demo_atlas.url("concept", "made-up", demo_atlas.last, CONCEPT))
    listed = all_cells(page.get_by_role("region", name=f"Experts of {CONCEPT}", exact=True))
    experts = experts_of(demo_atlas, demo_atlas.last, CONCEPT)
    concepts = units_of(demo_atlas)["concepts"]
    expected = {name_of(demo_atlas, row): (share(ap, 3), concepts[row]) for row, ap in experts.items()}
    assert {cells[0]: (cells[1], int(cells[3])) for cells in listed} == expected
    assert [float(cells[1]) for cells in listed] == sorted(
        (float(cells[1]) for cells in listed), reverse=True
    )
    page.get_by_role("region", name=f"Experts of {CONCEPT}", exact=True).get_by_role("link").first.click()
    expect(page.locator("h1")).to_contain_text("Unit ")


def test_sentences_of_a_concept(page: Page, demo_atlas: Atlas) -> None:
    """The sentences told best and worst are the study's with their numbers, hostile strings and all."""
    turn_to(page, demo_atlas.url("concept", "made-up", demo_atlas.last, CONCEPT))
    table = read_table(demo_atlas.study.place(demo_atlas.last).sentences, schema="atlas_sentences")
    own = table.filter(concept=CONCEPT).sort("rank")
    for card, standing in enumerate(("best", "worst", "confused")):
        texts = texts_of(page, f".sentence-columns > :nth-child({card + 1}) li")
        rows = own.filter(standing=standing).select("text", "kind", "separation").iter_rows()
        assert texts == [f"{text} {kind}, separation {share(separation)}" for text, kind, separation in rows]


def test_nearest_concepts_beside_ratings(page: Page, demo_atlas: Atlas) -> None:
    """Every other concept has its overlap by brute force, and what people and the lexicon say of the pair."""
    study = demo_atlas.study
    turn_to(page, demo_atlas.url("concept", "made-up", demo_atlas.last, CONCEPT))
    listed = all_cells(page.get_by_role("region", name=f"Concepts by their overlap with {CONCEPT}"))
    assert {cells[0] for cells in listed} == set(study.concepts) - {CONCEPT}
    for concept, category, shared, overlap, people, taxonomy in listed:
        expected, both = jaccard(demo_atlas, CONCEPT, concept)
        same = study.category(concept) == study.category(CONCEPT)
        assert category == study.category(concept)
        assert int(numbers_in(shared)[0]) == len(both)
        assert overlap == share(expected, 3)
        assert (float(people), float(taxonomy)) == ((40, 1) if same else (10, 0))


def test_a_cell_of_the_overlap_lists_shared_units(page: Page, demo_atlas: Atlas) -> None:
    """A press on a cell lists exactly the units that are experts of both; so do the link and the choosers."""
    study = demo_atlas.study
    turn_to(page, demo_atlas.url("overlap", "made-up", demo_atlas.last))
    page.locator(".matrix .hm").first.wait_for()
    for first, second in ((0, 3), (2, 8)):
        box = page.locator(".matrix .nsewdrag").bounding_box()
        cell = box["width"] / len(study.concepts)
        page.mouse.move(box["x"] + (second + 0.5) * cell, box["y"] + (first + 0.5) * cell)
        expect(page.locator(".matrix .hoverlayer")).to_contain_text(study.concepts[second])
        page.mouse.down()
        page.mouse.up()
        one, other = study.concepts[first], study.concepts[second]
        expected, both = jaccard(demo_atlas, one, other)
        panel = page.locator(".pair-panel")
        expect(panel.locator(".said")).to_contain_text(f"{len(both)} shared expert")
        expect(panel.locator(".said")).to_contain_text(f"overlap {share(expected, 3)}")
        expect(page).to_have_url(re.compile(f"a={one}&b={other}"))
        if both:
            region = panel.get_by_role("region", name="Units that are experts of both")
            assert {cells[0] for cells in all_cells(region)} == {name_of(demo_atlas, row) for row in both}
    page.get_by_label("Concept A").select_option(label="oak")
    page.get_by_label("Concept B").select_option(label="moss")
    _, both = jaccard(demo_atlas, "oak", "moss")
    expect(page.locator(".pair-panel .said")).to_contain_text(f"{len(both)} shared expert")
    address = page.url
    open_page(page, address)
    expect(page.locator(".pair-panel .said")).to_contain_text(f"{len(both)} shared expert")


def test_the_table_of_overlaps_is_whole(page: Page, demo_atlas: Atlas) -> None:
    """Every pair that shares an expert is in the table, and the sentence counts them."""
    study = demo_atlas.study
    truth = {pair: jaccard(demo_atlas, *pair) for pair in combinations(study.concepts, 2)}
    sharing = {f"{one} and {other}": value for (one, other), value in truth.items() if value[1]}
    turn_to(page, demo_atlas.url("overlap", "made-up", demo_atlas.last))
    expect(page.locator("main")).to_contain_text(
        f"Of {len(truth)} pairs, {len(sharing)} share at least one expert"
    )
    page.locator("summary", has_text="pairs that share experts").click()
    listed = all_cells(page.get_by_role("region", name="Pairs by overlap"))
    assert {cells[0]: (int(cells[2]), cells[3]) for cells in listed} == {
        name: (len(both), share(value, 3)) for name, (value, both) in sharing.items()
    }


def test_the_list_of_concepts(page: Page, demo_atlas: Atlas) -> None:
    """All concepts are listed with their experts, and the list narrows to letters."""
    study = demo_atlas.study
    turn_to(page, demo_atlas.url("concepts", "made-up", demo_atlas.last))
    region = page.get_by_role("region", name="Concepts in made-up")
    names = region.locator("tbody tr th a").all_text_contents()
    assert set(names) == set(study.concepts)
    for concept, cells in zip(names, cells_of(region), strict=True):
        assert str(len(experts_of(demo_atlas, demo_atlas.last, concept))) in cells
    page.get_by_label("Filter by name").fill("PLANT")
    expect(region.locator("tbody tr")).to_have_count(6)


def test_two_checkpoints_side_by_side(page: Page, demo_atlas: Atlas) -> None:
    """Both sides are counted right, and the units that became experts are those that did."""
    turn_to(page, demo_atlas.url("compare", left="made-up@512", right="made-up@143000"))
    units = [units_of(demo_atlas, side) for side in ("512", "143000")]
    rows = {cells[0]: cells[1:] for cells in cells_of(page.get_by_role("region", name="in numbers"))}
    for name, least in (("units that are experts", 0), ("of these, of more than one concept", 1)):
        counts = [int(numbers_in(cell)[0]) for cell in rows[name]]
        assert counts == [int((frame["concepts"] > least).sum()) for frame in units]
    page.get_by_label("Units", exact=True).select_option(label="experts on the right side only")
    gained = int(((units[0]["concepts"] == 0) & (units[1]["concepts"] > 0)).sum())
    expect(page.locator("main")).to_contain_text(f"{gained} units.")
    page.get_by_role("button", name="Swap sides").click()
    expect(page).to_have_url(re.compile("left=made-up%40143000&right=made-up%40512"))
    twin = demo_atlas.url("compare", left="made-up@143000", right="made-up@untrained")
    turn_to(page, twin)
    expect(page.locator("main")).to_contain_text("single units cannot")
    expect(page.get_by_role("heading", name="Units that changed")).to_have_count(0)
    medians = [units_of(demo_atlas, side)["ap"].median() for side in ("143000", "untrained")]
    rows = {cells[0]: cells[1:] for cells in cells_of(page.get_by_role("region", name="in numbers"))}
    assert rows["median of the units’ highest AP"] == [share(median, 3) for median in medians]
