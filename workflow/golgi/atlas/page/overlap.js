// Concepts against concepts: how many of their experts two concepts share, and which.

view("overlap", {
  title: (params) => `Overlap of concepts: ${placeTitle(params)}`,
  draw: drawOverlap,
});

function placeTitle(params) {
  const { model, checkpoint } = placeOfParams(params);
  return `${model.name} ${checkpoint.untrained ? "(untrained twin)" : `at ${checkpoint.label}`}`;
}

async function drawOverlap(page, params, query) {
  const { model, checkpoint } = placeOfParams(params);
  const pair = { a: chosenConcept(query.a), b: chosenConcept(query.b) };
  const turn = ({ model: m, checkpoint: c }) => go(link("overlap", [m, c], pairQuery(pair)));
  fill(page, el("h1", {}, "Overlap of concepts"), overlapExplained(),
    placePicker({ model: model.name, checkpoint: checkpoint.name }, turn, { slider: true }));
  const [overlap, chunk] = await Promise.all([
    loadOverlap(model, checkpoint), loadChunk(chunkName("experts", model, checkpoint)),
  ]);
  const experts = expertsAt(chunk, study().overlap_threshold);
  const panel = el("section", { class: "card pair-panel", "aria-label": "The chosen pair" });
  const chosen = pairChooser(pair, choose);
  const holder = el("div", {});

  function choose(part) {
    Object.assign(pair, part);
    setQuery(pairQuery(pair));
    chosen.set(pair);
    drawPair(panel, { model, checkpoint, experts, pair });
    drawOverlapMatrix(holder, overlap, matrixOptions);
    if (pair.a >= 0 && pair.b >= 0) announce(panel.querySelector(".said").textContent);
  }

  const matrixOptions = {
    label: `Overlap of every two concepts in ${model.name} at ${checkpoint.label}, by category.`,
    pair, onPair: (a, b) => choose({ a, b }),
  };
  page.append(el("p", {}, overlapSummary(overlap, checkpoint)));
  if (overlap.n < 2) return;
  page.append(chosen, el("div", { class: "overlap-layout" }, holder, panel), overlapLegend(),
    pairsTable(model, checkpoint, overlap));
  drawPair(panel, { model, checkpoint, experts, pair });
  drawOverlapMatrix(holder, overlap, matrixOptions);
}

function overlapExplained() {
  return el("p", { class: "quiet" }, "Overlap is the share of units that are experts of both concepts, "
    + "among those that are experts of one or both (the Jaccard index; experts are units with an AP of "
    + `${share(study().overlap_threshold)} or more). Choose a cell, or two concepts, to see the units they `
    + "share.");
}

/** {model, n, jaccard, shared} of a checkpoint: read, or counted here where the study did not write it. */
async function loadOverlap(model, checkpoint) {
  const n = study().concepts.length;
  if (checkpoint.overlap) {
    const { columns } = await loadChunk(chunkName("overlap", model, checkpoint));
    return { model, n, jaccard: columns.jaccard, shared: columns.shared };
  }
  const chunk = await loadChunk(chunkName("experts", model, checkpoint));
  const shared = sharedCounts(expertsAt(chunk, study().overlap_threshold));
  return { model, n, shared, jaccard: jaccardOf(shared, n) };
}

function overlapSummary({ n, jaccard, shared }, checkpoint) {
  const pairs = upperTriangle(shared, n);
  if (!pairs.length) return "The study has one concept: there is no pair.";
  const none = pairs.filter((each) => each === 0).length;
  const control = checkpoint.untrained ? " This is the untrained twin, a control." : "";
  if (none === pairs.length) return `No two of the ${plural(n, "concept")} share an expert here.${control}`;
  return `Of ${plural(pairs.length, "pair")}, ${count(pairs.length - none)} share at least one expert; `
    + `${kinshipSaid(jaccard)}.${control}`;
}

/** Mean overlap within and between categories, in words; a study may have pairs of one kind only. */
function kinshipSaid(jaccard) {
  const means = meansByKinship(jaccard, study().concepts);
  const told = [["within", "within categories"], ["between", "between categories"]]
    .filter(([kind]) => !Number.isNaN(means[kind])).map(([kind, text]) => `${share(means[kind], 3)} ${text}`);
  return `mean overlap ${told.join(", ")}`;
}

function conceptIndex(name) {
  const index = study().concepts.findIndex((concept) => concept.name === name);
  if (index < 0) throw notFound(`This study has no concept “${name}”.`);
  return index;
}

function chosenConcept(name) {
  return name ? conceptIndex(name) : -1;
}

function pairQuery({ a, b }) {
  const name = (index) => (index >= 0 ? study().concepts[index].name : null);
  return { a: name(a), b: name(b) };
}

/** Indices of the concepts, those of a category together. */
function conceptsByCategory() {
  const { concepts } = study();
  return concepts.map((_, index) => index)
    .sort((a, b) => concepts[a].category - concepts[b].category || a - b);
}

/** A <select> of all concepts, grouped by category. */
function conceptChooser(id, label, value, onChange, none) {
  const { concepts, categories } = study();
  const groups = categories.map((name, category) => el("optgroup", { label: name },
    concepts.map((concept, index) => (concept.category === category
      ? el("option", { value: index }, concept.name) : null))));
  const select = el("select", {
    id, value: String(value), on: { change: (event) => onChange(Number(event.target.value)) },
  }, none ? el("option", { value: "-1" }, none) : null, groups);
  return el("div", { class: "field" }, el("label", { for: id }, label), select);
}

function pairChooser(pair, choose) {
  const a = conceptChooser("pair-a", "Concept A", pair.a, (index) => choose({ a: index }), "choose …");
  const b = conceptChooser("pair-b", "Concept B", pair.b, (index) => choose({ b: index }), "choose …");
  const element = el("div", { class: "row picker" }, a, b);
  element.set = (chosen) => {
    a.querySelector("select").value = String(chosen.a);
    b.querySelector("select").value = String(chosen.b);
  };
  return element;
}

function drawPair(panel, { model, checkpoint, experts, pair: { a, b } }) {
  const { concepts } = study();
  if (a < 0 || b < 0) {
    const chosen = a < 0 ? b : a;
    fill(panel, el("p", { class: "said quiet" }, chosen < 0 ? "No pair is chosen yet."
      : `${concepts[chosen].name}: choose the concept to hold it against.`));
    return;
  }
  const units = sharedUnits(experts, a, b);
  const union = experts.sizes[a] + experts.sizes[b] - units.length;
  const jaccard = union ? units.length / union : 0;
  const sizes = [a, b].map((concept) => count(experts.sizes[concept]));
  const said = a === b ? `${plural(experts.sizes[a], "expert")}.`
    : `${plural(units.length, "shared expert")} of ${sizes.join(" and ")}; `
      + `overlap ${share(jaccard, 3)}${union ? "" : ", for neither concept has an expert here"}.`;
  const heading = a === b ? [conceptLink(model, checkpoint, a)]
    : [conceptLink(model, checkpoint, a), " and ", conceptLink(model, checkpoint, b)];
  fill(panel, el("h2", {}, heading), el("p", { class: "said" }, said),
    units.length ? sharedListing(units, { model, checkpoint, names: [concepts[a].name, concepts[b].name] })
      : null);
}

function sharedListing(units, { model, checkpoint, names }) {
  return listing([
    { head: "unit", cell: ({ row }) => unitLink(model, checkpoint, row), by: ({ row }) => row },
    numberColumn(`AP, ${names[0]}`, ({ a }) => a, toThousandth),
    ...(names[0] === names[1] ? [] : [numberColumn(`AP, ${names[1]}`, ({ b }) => b, toThousandth)]),
  ], units, { caption: "Units that are experts of both", noun: "unit", size: 12, rowHead: true });
}

function overlapLegend() {
  const { categories } = study();
  const named = categories.map((text, index) => ({ text, colour: categoryFill(index), index }));
  const rest = named.filter(({ index }) => categoryPlace(index) < 0);
  const others = { colour: "var(--other)", text: `others: ${rest.map(({ text }) => text).join(", ")}` };
  return legend([...named.filter((each) => !rest.includes(each)), ...(rest.length ? [others] : [])]);
}

/** Pairs that share experts, in a table: what the matrix shows, for those who cannot see it. */
function pairsTable(model, checkpoint, { n, jaccard, shared }) {
  const { concepts, categories } = study();
  const pairs = [];
  for (let a = 0; a < n; a += 1) {
    for (let b = a + 1; b < n; b += 1) {
      const at = a * n + b;
      if (shared[at]) pairs.push({ a, b, shared: shared[at], jaccard: jaccard[at] });
    }
  }
  const kin = ({ a, b }) => {
    const [one, other] = [concepts[a].category, concepts[b].category];
    return one === other ? categories[one] : "two";
  };
  const columns = [
    { head: "pair", cell: (pair) => pairLink(model, checkpoint, pair), by: ({ a }) => concepts[a].name },
    { head: "category", cell: kin, by: kin },
    numberColumn("shared", (pair) => pair.shared, count),
    numberColumn("overlap", (pair) => pair.jaccard, toThousandth),
  ];
  const options = {
    caption: "Pairs by overlap; those that are not listed share no expert", noun: "pair", rowHead: true,
    sort: { column: 3, falling: true }, empty: "No two concepts share an expert here.",
  };
  return lateDetails(`${plural(pairs.length, "pair")} that share experts, as a table`,
    () => listing(columns, pairs, options));
}

/** <details> whose contents are made when they are first opened. */
function lateDetails(summary, make) {
  const details = el("details", {}, el("summary", {}, summary));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(make());
  });
  return details;
}

function pairLink(model, checkpoint, { a, b }, text) {
  const { concepts } = study();
  const query = pairQuery({ a, b });
  return el("a", { href: link("overlap", [model.name, checkpoint.name], query) },
    text || `${concepts[a].name} and ${concepts[b].name}`);
}
