// All concepts in a list: how many experts each has, and its best unit.

view("concepts", {
  title: (params) => `Concepts: ${placeTitle(params)}`,
  draw: drawConcepts,
});

const CONCEPT_SORTS = ["concept", "category", "experts", "ap", "chance"]; // by column, as addresses name them

async function drawConcepts(page, params, query) {
  const { model, checkpoint } = placeOfParams(params);
  const turn = ({ model: m, checkpoint: c }) => go(link("concepts", [m, c], readAddress().query));
  fill(page, el("h1", {}, "Concepts"), el("p", { class: "quiet" }, conceptsExplained()),
    placePicker({ model: model.name, checkpoint: checkpoint.name }, turn, { slider: true }));
  const chunk = await loadChunk(chunkName("experts", model, checkpoint));
  const rows = conceptRows(chunk);
  const list = listing(conceptColumns(model, checkpoint), rows, {
    caption: `Concepts in ${model.name} at ${checkpoint.label}`, noun: "concept", size: 60, rowHead: true,
    sort: conceptSort(query.sort), empty: "No concept has these letters in its name, category or gloss.",
    onSort: (sort) => setQuery({ sort: conceptSortText(sort) }),
  });
  const said = el("p", { class: "quiet small", role: "status" });
  const filter = el("input", {
    id: "concept-filter", type: "search", value: query.q || "", autocomplete: "off", spellcheck: "false",
    on: { input: () => { setQuery({ q: filter.value }); narrow(); } },
  });

  function narrow() {
    const found = rows.filter((row) => row.words.includes(filter.value.trim().toLowerCase()));
    list.set(found);
    said.textContent = `${count(found.length)} of ${plural(rows.length, "concept")}; `
      + `${count(found.filter((row) => row.experts).length)} of these have an expert`;
  }

  page.append(el("div", { class: "row" }, el("div", { class: "field" },
    el("label", { for: "concept-filter" }, "Filter by name, category or gloss"), filter), said), list);
  narrow();
}

function conceptsExplained() {
  return `An expert is a unit with an average precision (AP) of ${share(study().threshold)} or more in `
    + "telling a concept’s sentences from others. Chance is the AP of a unit that tells nothing.";
}

function conceptRows(chunk) {
  const { concepts, categories, threshold } = study();
  const experts = expertsAt(chunk, threshold);
  const { start, row, ap } = chunk.columns;
  return concepts.map((concept, index) => ({
    index, concept, category: categories[concept.category], experts: experts.sizes[index],
    best: start[index] < start[index + 1] ? row[start[index]] : -1,
    ap: start[index] < start[index + 1] ? ap[start[index]] : NaN,
    words: [concept.name, categories[concept.category], concept.gloss].join(" ").toLowerCase(),
  }));
}

const conceptSortPlaces = [0, 1, 2, 4, 5]; // columns that CONCEPT_SORTS name

function conceptSort(text) {
  const falling = Boolean(text) && text.endsWith("-");
  const named = CONCEPT_SORTS.indexOf(String(text || "").replace(/-$/, ""));
  return { column: conceptSortPlaces[named < 0 ? 1 : named], falling };
}

function conceptSortText({ column, falling }) {
  return CONCEPT_SORTS[conceptSortPlaces.indexOf(column)] + (falling ? "-" : "");
}

function conceptColumns(model, checkpoint) {
  const lowest = share(Math.min(...study().thresholds));
  const none = () => el("span", { class: "quiet" }, `below ${lowest}`);
  return [
    { head: "concept", by: ({ concept }) => concept.name, cell: ({ index, concept }) => [
      conceptLink(model, checkpoint, index),
      concept.gloss ? el("div", { class: "gloss quiet small" }, concept.gloss) : null,
    ] },
    { head: "category", by: ({ category }) => category,
      cell: ({ concept }) => categoryChip(concept.category) },
    numberColumn("experts", ({ experts }) => experts, count),
    { head: "best unit", cell: ({ best }) => (best < 0 ? none() : unitLink(model, checkpoint, best)) },
    numberColumn("its AP", ({ ap }) => ap, toThousandth),
    numberColumn("chance", ({ concept }) => concept.chance, (chance) => share(chance)),
  ];
}

function categoryChip(category) {
  const background = categoryFill(category);
  const mark = el("span", { class: "swatch", "aria-hidden": "true", style: { background } });
  return el("span", { class: "chip" }, mark, " ", study().categories[category]);
}

// As a variable the colour follows the theme by itself.
function categoryFill(category) {
  const at = categoryPlace(category);
  return at < 0 ? "var(--other)" : `var(--category-${at})`;
}
