// A concept's page: its experts through layers and training, its sentences, and the concepts near to it.

view("concept", {
  title: (params) => `${params[2]}: ${placeTitle(params)}`,
  draw: drawConcept,
});

async function drawConcept(page, [modelName, checkpointName, name]) {
  const model = modelNamed(modelName);
  const checkpoint = checkpointNamed(model, checkpointName);
  const index = conceptIndex(name);
  const here = { model, checkpoint, index, concept: study().concepts[index] };
  fill(page, conceptHead(here), conceptPicker(here));
  const layers = el("section", {}, el("h2", {}, "Experts by layer and checkpoint"));
  const there = checkpoint.untrained ? "in the untrained twin" : `at ${checkpoint.label}`;
  const experts = el("section", {}, el("h2", {}, `Experts ${there}`));
  const sentences = el("section", {}, el("h2", {}, "Sentences"));
  const nearest = el("section", {}, el("h2", {}, "Nearest concepts"));
  page.append(layers, experts, sentences, nearest);
  // Each part comes when its numbers do; one whose file is missing says so, and the others stay.
  await Promise.all([
    drawnPart(layers, drawConceptLayers, here), drawnPart(experts, drawExperts, here),
    drawnPart(sentences, drawSentences, here), drawnPart(nearest, drawNearest, here),
  ]);
}

async function drawnPart(section, draw, here) {
  try {
    await draw(section, here);
  } catch (error) {
    section.append(el("p", { class: "quiet" }, error.message));
  }
}

function conceptHead({ concept }) {
  const positives = plural(concept.positives, "sentence");
  return [
    el("h1", {}, concept.name), concept.gloss ? el("p", { class: "gloss" }, concept.gloss) : null,
    el("p", { class: "quiet" }, categoryChip(concept.category),
      ` ${positives} with it, ${count(concept.negatives)} `
      + `without: a unit that tells nothing has an AP of ${share(concept.chance)}.`),
  ];
}

function conceptPicker({ model, checkpoint, index, concept }) {
  const turn = ({ model: m, checkpoint: c }) => go(link("concept", [m, c, concept.name]));
  const other = (chosen) => go(link("concept", [model.name, checkpoint.name, study().concepts[chosen].name]));
  return el("div", { class: "row place-row" }, conceptChooser("concept-name", "Concept", index, other),
    placePicker({ model: model.name, checkpoint: checkpoint.name }, turn, { slider: true }));
}

async function drawConceptLayers(section, here) {
  const { model, index } = here;
  const bands = bandsOf(model);
  const columns = await Promise.all(model.checkpoints.map(async (checkpoint) => {
    const chunk = await loadChunk(chunkName("experts", model, checkpoint));
    const rows = expertsAt(chunk, study().threshold).rows(index);
    return { checkpoint, total: rows.length, counts: countByBand(bands, rows) };
  }));
  const most = columns.reduce((high, { counts }) => Math.max(high, ...counts), 0);
  const twin = columns.some(({ checkpoint }) => checkpoint.untrained);
  const told = `Units with an AP of ${share(study().threshold)} or more for ${here.concept.name}`
    + (twin ? "; the untrained twin, apart at the right, is the control." : ".");
  section.append(el("p", { class: "quiet" }, most ? told : `${told} There is none at any checkpoint.`),
    layersTable(here, bands, columns, most));
}

function layersTable(here, bands, columns, most) {
  const { model, checkpoint, concept } = here;
  const sites = model.sites.length > 1;
  const kind = (each) => (each.untrained ? "apart" : "") + (each === checkpoint ? " now" : "");
  const head = (each) => el("th", { scope: "col", class: `number ${kind(each)}` }, el("a", {
    href: link("concept", [model.name, each.name, concept.name]),
    "aria-current": each === checkpoint ? "true" : null,
  }, each.untrained ? "untrained twin" : each.label));
  const rows = bands.map((band, at) => el("tr", {},
    el("th", { scope: "row" }, sites ? `${band.site} ${band.layer}` : `layer ${band.layer}`),
    columns.map((column) => heatCell(column.counts[at], most, kind(column.checkpoint)))));
  const totals = el("tr", { class: "totals" }, el("th", { scope: "row" }, "all"),
    columns.map(({ checkpoint: each, total }) => el("td", { class: `number ${kind(each)}` }, count(total))));
  const name = `Experts of ${concept.name} by layer and checkpoint`;
  return el("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": name },
    el("table", { class: "heat" }, el("caption", { class: "visually-hidden" }, name),
      el("thead", {}, el("tr", {}, el("td", {}), columns.map((column) => head(column.checkpoint)))),
      el("tbody", {}, rows), el("tfoot", {}, totals)));
}

function heatCell(value, most, kind) {
  const strength = value ? `${Math.round(8 + 42 * (value / most))}%` : "0%";
  return el("td", { class: `number ${kind}${value ? "" : " none"}`, style: { "--heat": strength } },
    count(value));
}

async function drawExperts(section, { model, checkpoint, index, concept }) {
  const [chunk, units] = await Promise.all([
    loadChunk(chunkName("experts", model, checkpoint)), loadUnits(model, checkpoint),
  ]);
  const experts = expertsAt(chunk, study().threshold);
  const aps = experts.aps(index);
  const rows = Array.from(experts.rows(index),
    (row, at) => ({ row, ap: aps[at], place: unitAt(model, row) }));
  const of = `${plural(rows.length, "expert")} of ${plural(units.ap.length, "unit")}`;
  section.append(el("p", { class: "quiet" }, `${of}. An expert of more than one concept is polysemous.`));
  section.append(listing([
    { head: "unit", by: ({ row }) => row, cell: ({ row }) => unitLink(model, checkpoint, row) },
    numberColumn("AP", ({ ap }) => ap, toThousandth),
    { head: "layer", number: true, by: ({ place }) => place.layer, cell: ({ place }) => String(place.layer) },
    numberColumn("concepts", ({ row }) => units.concepts[row], count),
    { head: "its best concept", by: ({ row }) => conceptName(units.best[row]),
      cell: ({ row }) => bestConcept(model, checkpoint, units.best[row], index) },
  ], rows, {
    caption: `Experts of ${concept.name}`, noun: "expert", size: 15, rowHead: true,
    sort: { column: 1, falling: true },
    empty: `No unit of ${model.name} reaches an AP of ${share(study().threshold)} for ${concept.name} here.`,
  }));
}

function conceptName(index) {
  return index === NO_CONCEPT ? "" : study().concepts[index].name;
}

function bestConcept(model, checkpoint, best, own) {
  if (best === own) return "this one";
  return best === NO_CONCEPT ? "–" : conceptLink(model, checkpoint, best);
}

async function drawSentences(section, { model, checkpoint, index, concept }) {
  const { head } = await loadChunk(chunkName("sentences", model, checkpoint));
  const { best, worst, confused, units } = head.concepts[index];
  const readers = units > 1 ? `mean over its ${count(units)} best experts` : units ? "of its one expert"
    : "of the best unit, for it has no expert here";
  section.append(el("p", { class: "quiet" },
    "The separation of a sentence is the share of the sentences of the other "
    + "kind from which it is told: to which a unit responds less than to it, if it is one of those with "
    + `${concept.name}, and more, if it is not (${readers}). 1.00 is told from all, .50 is chance. `
    + "These sentences are also those by which the experts were found."));
  section.append(el("div", { class: "sentence-columns" },
    sentenceList(`Told best, of those with ${concept.name}`, best),
    sentenceList(`Told worst, of those with ${concept.name}`, worst),
    sentenceList(`Told worst, of those without ${concept.name}`, confused)));
}

function sentenceList(title, sentences) {
  return el("div", { class: "card" }, el("h3", {}, title), sentences.length
    ? el("ul", { class: "sentences" }, sentences.map(([text, kind, separation]) => el("li", {},
      el("span", {}, text),
      el("span", { class: "quiet small" }, ` ${kind}, separation ${share(separation)}`))))
    : el("p", { class: "quiet" }, "There is none."));
}
