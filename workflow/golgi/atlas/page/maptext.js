// The map in words and tables: what is seen, what the colours mean, the units selected, the layers.

function whenOf(checkpoint) {
  if (checkpoint.untrained) return "In the untrained twin, a control";
  return checkpoint.step === null ? `At checkpoint ${checkpoint.label}` : `At ${checkpoint.label}`;
}

// "At step 1,500, 465 of 768 units of mini are experts (AP ≥ .50) of some concept, …": where there are many
// concepts many units are by chance, so what the untrained twin has stands beside it.
function leadOf(map) {
  const { experts, total, byCategory } = countExperts(map);
  const { categories, threshold } = study();
  const when = whenOf(checkpointNamed(map.model, map.checkpoint));
  const where = modelNamed(map.model).sites.length > 1 ? ` at ${map.site}` : "";
  const most = byCategory.indexOf(Math.max(...byCategory));
  return [
    `${when}, `, el("strong", {}, `${count(experts)} of ${plural(total, "unit")}`),
    ` of ${map.model}${where} `,
    `${experts === 1 ? "is an expert" : "are experts"} (AP ≥ ${share(threshold)}) of some concept`,
    experts ? `, most often of category ${categories[most]} (${count(byCategory[most])}). ` : ". ",
    twinTold(map),
    map.colouring.column ? medianTold(map) : "",
  ];
}

function twinTold({ bands, twin, units }) {
  if (!twin || twin === units) return "";
  const { experts, total } = countExperts({ bands, units: twin });
  return `In the untrained twin, the control, ${count(experts)} of ${count(total)} are. `;
}

const MEDIANS = {
  ap: (x) => `The median unit's highest AP is ${share(x)}.`,
  concepts: (x) => `The median expert is one of ${plural(x, "concept")}.`,
  rate: (x) => `The median unit reaches half of its maximum on ${asPercent(x)} of sentences.`,
  f1: (x, n) => `The median F1 of ${plural(n, "graph")} is ${share(x)}.`,
  firing: (x, n) => `The median of ${plural(n, "unit")} with a graph fires on ${asPercent(x)} of tokens.`,
};

function medianTold({ bands, units, colouring }) {
  const column = units[colouring.column];
  const parts = bands.map(({ start, width }) => column.subarray(start, start + width));
  const known = Float32Array.from(parts.flatMap((part) => Array.from(part)))
    .filter((x) => !Number.isNaN(x) && (!colouring.whole || x > 0)).sort();
  if (!known.length) return colouring.graphs ? "No unit has a graph at this checkpoint." : "";
  const middle = (known[(known.length - 1) >> 1] + known[known.length >> 1]) / 2;
  return MEDIANS[colouring.name](middle, known.length);
}

function countExperts({ bands, units }) {
  const byCategory = study().categories.map(() => 0);
  let experts = 0;
  let total = 0;
  for (const { start, width } of bands) {
    total += width;
    for (let row = start; row < start + width; row++) {
      const category = categoryOfUnit(units, row);
      if (category < 0) continue;
      experts += 1;
      byCategory[category] += 1;
    }
  }
  return { experts, total, byCategory };
}

function mapLegend(map) {
  const { experts, total, byCategory } = countExperts(map);
  const { categories, threshold } = study();
  const own = categories.map((_, index) => index).filter((index) => categoryPlace(index) >= 0);
  const others = categories.map((_, index) => index).filter((index) => categoryPlace(index) < 0);
  const items = own.map((index) => ({
    colour: categoryColour(index), text: `${categories[index]} (${count(byCategory[index])})`,
  }));
  if (others.length) {
    const sum = others.reduce((all, index) => all + byCategory[index], 0);
    const text = `${plural(others.length, "other category", "other categories")} (${count(sum)})`;
    items.push({ colour: themeColour("other"), text });
  }
  const none = `no expert, AP < ${share(threshold)} (${count(total - experts)})`;
  items.push({ colour: themeColour("none"), text: none });
  return [legend(items), others.length ? othersTold(others) : null];
}

function othersTold(others) {
  return el("details", { class: "small quiet" },
    el("summary", {}, `Which ${plural(others.length, "other category", "other categories")}?`),
    el("p", {}, `There are ${CATEGORY_COLOURS} colours. The categories with the most experts in `,
      `${study().models[0].name} have one each; these share one: `,
      others.map((index) => study().categories[index]).join(", ") + "."));
}

function scaleOf({ colouring, units, bands }, high) {
  const colours = palette().sequential.map(([at, colour]) => `${colour} ${100 * at}%`);
  const column = units[colouring.column];
  let missing = 0;
  for (const { start, width } of bands) {
    for (let row = start; row < start + width; row++) if (Number.isNaN(column[row])) missing += 1;
  }
  const ticks = scaleTicks(colouring, high);
  const bar = el("div", { class: "scale" },
    el("div", {
      class: "scale-bar", role: "img", "aria-label": `Colours from ${ticks[0]} to ${ticks[ticks.length - 1]}`,
      style: { background: `linear-gradient(to right, ${colours.join(", ")})` },
    }),
    el("div", { class: "scale-ticks small", "aria-hidden": "true" }, ticks.map((tick, place) => {
      const at = `${(100 * place) / (ticks.length - 1 || 1)}%`;
      return el("span", { style: { left: at, transform: `translateX(-${at})` } }, tick);
    })));
  const none = { colour: themeColour("none"), text: `${colouring.missing} (${count(missing)})` };
  return el("div", { class: "row scale-row" }, bar, missing ? legend([none]) : null);
}

const READINGS = {
  category: "The colour is the category of the concept with the unit's highest AP.",
  ap: "The colour is the unit's highest average precision over all concepts.",
  concepts: "The colour is the number of concepts that the unit is an expert of.",
  rate: "The colour is the share of sentences on which the unit reaches half of its maximum (log scale).",
  f1: "The colour is how well the unit's graph foretells where it fires, on random windows of held-out text.",
  firing: "The colour is the share of tokens on which the unit fires, where it has a graph (log scale).",
};

function readingOf({ colouring, grid }) {
  const wraps = grid.bands.some((band) => band.width > grid.columns);
  const rows = wraps ? `, in its order, ${count(grid.columns)} to a row` : "";
  return `Each cell is a unit of the layer named at the left${rows}. ${READINGS[colouring.name]}`;
}

function selectedRows(map) {
  if (!map.box) return [];
  const { ap } = map.units;
  const strength = (row) => (Number.isNaN(ap[row]) ? -1 : ap[row]);
  return rowsInBox(map.grid, map.box).sort((a, b) => strength(b) - strength(a) || a - b);
}

function selectionTold(map) {
  const rows = selectedRows(map);
  const experts = rows.filter((row) => isExpert(map.units, row)).length;
  return `${plural(rows.length, "unit")} selected, ${plural(experts, "expert")}`;
}

function drawSelection(map) {
  const { list } = map.nodes;
  if (!map.box) return fill(list);
  const rows = selectedRows(map);
  const letGo = () => {
    select(map, null);
    map.nodes.frame.focus();
  };
  return fill(list, el("h2", {}, selectionTold(map)), topConcepts(map, rows),
    el("p", { class: "row" }, el("a", { href: findHref(map, rows) }, "See them in Find"),
      el("button", { type: "button", on: { click: letGo } }, "Let go")),
    selectionTable(map, rows));
}

// Find takes rows as ranges, ends included, which keeps the address of a box short.
function findHref({ model, checkpoint }, rows) {
  const ranges = [];
  for (const row of [...rows].sort((a, b) => a - b)) {
    const last = ranges[ranges.length - 1];
    if (last && last[1] === row - 1) last[1] = row;
    else ranges.push([row, row]);
  }
  const text = ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(",");
  return link("find", [], { model, checkpoint, rows: text });
}

function topConcepts({ units, model, checkpoint }, rows) {
  const counts = new Map();
  for (const row of rows) {
    if (isExpert(units, row)) counts.set(units.best[row], (counts.get(units.best[row]) || 0) + 1);
  }
  const top = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 8);
  if (!top.length) return el("p", {}, "None of them is an expert of a concept.");
  return el("p", {}, "Best concepts of most of them: ", top.map(([concept, n], place) =>
    [place ? ", " : "", conceptLink(model, checkpoint, concept), ` (${count(n)})`]),
  counts.size > top.length ? ` and ${plural(counts.size - top.length, "concept")} more.` : ".");
}

function selectionTable(map, rows) {
  const first = map.page * PER_PAGE;
  const shown = rows.slice(first, first + PER_PAGE);
  const part = `${count(first + 1)} to ${count(first + shown.length)} of ${count(rows.length)}`;
  const caption = rows.length > PER_PAGE ? `${part}, the strongest first` : "The strongest first";
  const turn = (by) => {
    map.page += by;
    drawSelection(map);
    map.nodes.list.querySelector(`button[data-turn="${by}"]:not(:disabled), .scroll`).focus();
  };
  const button = (text, by, disabled) => el("button", {
    type: "button", disabled, data: { turn: String(by) }, on: { click: () => turn(by) },
  }, text);
  return [
    tableOf(unitColumns(map), shown, { caption, label: "Selected units" }),
    rows.length > PER_PAGE ? el("p", { class: "row" }, button("Previous", -1, !map.page),
      button("Next", 1, first + PER_PAGE >= rows.length)) : null,
  ];
}

function unitColumns({ model, checkpoint, units }) {
  const { categories, concepts } = study();
  const ofBest = (told) => (row) => (units.best[row] === NO_CONCEPT ? "–" : told(units.best[row]));
  const columns = [
    { head: "unit", cell: (row) => unitLink(model, checkpoint, row) },
    { head: "best concept", cell: ofBest((concept) => conceptLink(model, checkpoint, concept)) },
    { head: "category", cell: ofBest((concept) => categories[concepts[concept].category]) },
    { head: "AP", number: true, cell: (row) => share(units.ap[row]) },
    { head: "expert of", number: true, cell: (row) => count(units.concepts[row]) },
    { head: "sentences", number: true, cell: (row) => asPercent(units.rate[row]) },
  ];
  if (study().has.graphs) columns.push({ head: "F1", number: true, cell: (row) => share(units.f1[row]) });
  return columns;
}

const STRONGEST = 3;

function drawLayers(map) {
  const { units, model, checkpoint } = map;
  const rows = map.bands.map((band) => layerFacts(units, band));
  const { categories } = study();
  const strongest = ({ top }) => top.map((row) => el("div", {}, unitLink(model, checkpoint, row), " ",
    conceptLink(model, checkpoint, units.best[row]), ` ${share(units.ap[row])}`));
  const mostTold = ({ category, most }) => (category < 0 ? "–" : `${categories[category]} (${count(most)})`);
  fill(map.nodes.table, tableOf([
    { head: "layer", number: true, cell: ({ band }) => String(band.layer) },
    { head: "experts", number: true,
      cell: ({ band, experts }) => `${count(experts)} of ${count(band.width)}` },
    { head: "strongest units, best concept, AP", cell: (row) => el("div", {}, strongest(row)) },
    { head: "most experts of", cell: mostTold },
  ], rows, {
    label: `Layers of ${model}`,
    caption: `Experts have an AP of ${share(study().threshold)} or more for some concept.`,
  }));
}

function layerFacts(units, band) {
  const byCategory = study().categories.map(() => 0);
  const top = [];
  let experts = 0;
  for (let row = band.start; row < band.start + band.width; row++) {
    const category = categoryOfUnit(units, row);
    if (category >= 0) {
      experts += 1;
      byCategory[category] += 1;
    }
    if (units.best[row] !== NO_CONCEPT) keepStrongest(top, row, units.ap);
  }
  const most = Math.max(...byCategory);
  return { band, experts, top, most, category: most ? byCategory.indexOf(most) : -1 };
}

function keepStrongest(top, row, ap) {
  let place = top.length;
  while (place > 0 && ap[top[place - 1]] < ap[row]) place -= 1;
  if (place >= STRONGEST) return;
  top.splice(place, 0, row);
  top.length = Math.min(top.length, STRONGEST);
}
