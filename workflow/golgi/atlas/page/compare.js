// Two checkpoints, or two models, side by side.

view("compare", { title: () => "Compare", draw: drawCompare });

const SIDES = ["left", "right"];

async function drawCompare(page, _, query) {
  const places = placesOfStudy();
  fill(page, el("h1", {}, "Compare"));
  if (places.length < 2) {
    const alone = "The study holds one checkpoint of one model: there is nothing to compare it with.";
    page.append(el("p", {}, alone));
    return;
  }
  const [left, right] = sidesOf(query, places);
  page.append(sidesChooser(left, right, places));
  const sides = await Promise.all([left, right].map(loadSide));
  sides[0].style = { color: "warn", dash: "dot", pattern: "/", symbol: "square-open" };
  sides[1].style = { color: "accent", dash: "solid", pattern: "", symbol: "circle" };
  const same = left.model === right.model;
  page.append(compareSummary(sides, same));
  drawPolysemy(page, sides);
  drawDepths(page, sides, same);
  if (sameUnits(sides)) drawUnitChanges(page, sides);
  drawConceptChanges(page, sides, same);
  await drawOverlaps(page, sides);
}

/** Every model at every checkpoint: [{model, checkpoint, text, value}], the value as addresses name it. */
function placesOfStudy() {
  return study().models.flatMap((model) => model.checkpoints.map((checkpoint) => ({
    model, checkpoint, value: `${model.name}@${checkpoint.name}`,
    text: `${model.name}, ${placeLabel(checkpoint)}`,
  })));
}

function placeLabel(checkpoint) {
  return checkpoint.untrained ? "untrained twin" : checkpoint.label;
}

// Where the address names none: the first checkpoint of the first model beside its last; of models with one
// checkpoint each, the first two.
function sidesOf(query, places) {
  const named = (text) => {
    const found = places.find(({ value }) => value === text);
    if (text && !found) throw notFound(`This study has no model and checkpoint “${text}” to compare.`);
    return found;
  };
  const own = places.filter(({ model }) => model === study().models[0]);
  const last = own.filter(({ checkpoint }) => !checkpoint.untrained).pop() || own[0];
  const first = own[0] === last ? places.find((each) => each !== last) : own[0];
  return [named(query.left) || first, named(query.right) || last];
}

function sidesChooser(left, right, places) {
  const compare = (sides) => go(link("compare", [], { left: sides[0].value, right: sides[1].value }));
  const valued = (value) => places.find((each) => each.value === value);
  const side = (at, own) => chooser(`compare-${SIDES[at]}`, at ? "Right" : "Left", places, own.value,
    (value) => compare(at ? [left, valued(value)] : [valued(value), right]));
  return el("div", { class: "row picker" }, side(0, left),
    el("button", { id: "compare-swap", type: "button", on: { click: () => compare([right, left]) } },
      "Swap sides"),
    side(1, right));
}

// The twin has as many units, but weights of its own: nothing makes its tenth unit the trained model's tenth.
function sameUnits([left, right]) {
  return left.model === right.model && left.checkpoint.untrained === right.checkpoint.untrained;
}

async function loadSide({ model, checkpoint, text }) {
  const [units, chunk, overlap] = await Promise.all([
    loadUnits(model, checkpoint), loadChunk(chunkName("experts", model, checkpoint)),
    loadOverlap(model, checkpoint),
  ]);
  return { model, checkpoint, text, units, overlap, experts: expertsAt(chunk, study().threshold) };
}

function compareSummary(sides, same) {
  const rows = [
    ["layers", ({ model }) => count(model.layers)],
    ["units", ({ units }) => count(units.ap.length)],
    ["units that are experts", ({ units }) => shareOf(above(units.concepts, 0), units.ap.length)],
    ["of these, of more than one concept",
      ({ units }) => shareOf(above(units.concepts, 1), above(units.concepts, 0))],
    ["concepts with an expert", ({ experts }) => shareOf(above(experts.sizes, 0), experts.concepts)],
    ["median of the units’ highest AP", ({ units }) => share(medianOf(units.ap), 3)],
    ["median share of sentences at half of a unit’s maximum", ({ units }) => share(medianOf(units.rate), 3)],
    ["units with a graph", ({ checkpoint }) => count(checkpoint.graphs)],
    ["median F1 of the graphs", ({ units }) => share(medianOf(units.f1 || []), 2)],
  ].filter(([name]) => study().has.graphs || !name.includes("graph"));
  return el("section", {}, el("h2", {}, "In numbers"),
    el("p", { class: "quiet" }, compareSaid(sides, same)),
    tableOf([{ head: "measure", cell: ([name]) => name }, ...sides.map((side) => ({
      head: side.text, number: true, cell: ([, value]) => value(side),
    }))], rows, { label: `${sides[0].text} and ${sides[1].text} in numbers` }));
}

function above(numbers, limit) {
  return numbers.reduce((all, n) => all + (n > limit ? 1 : 0), 0);
}

function compareSaid(sides, same) {
  const kind = `Experts are units with an AP of ${share(study().threshold)} or more.`;
  if (sides[0].checkpoint === sides[1].checkpoint) return `${kind} Both sides are the same.`;
  if (sameUnits(sides)) return `${kind} Both sides have the same units.`;
  if (!same) {
    return `${kind} Each side has units of its own: only shares, depths and concepts can be compared.`;
  }
  return `${kind} The untrained twin is a control with as many units, but weights of its own: layers and `
    + "concepts can be compared, single units cannot.";
}

function shareOf(part, whole) {
  return whole ? `${count(part)} (${(100 * part / whole).toFixed(1)} %)` : "–";
}

const MOST_CONCEPTS = 10; // bins of the histogram: none, 1, 2, ... and this many or more

function drawPolysemy(page, sides) {
  const bins = Array.from({ length: MOST_CONCEPTS + 1 }, (_, n) => n);
  const named = (n) => (n === MOST_CONCEPTS ? `${n} or more` : String(n));
  const counts = sides.map(({ units }) => {
    const found = new Uint32Array(bins.length);
    for (const n of units.concepts) found[Math.min(n, MOST_CONCEPTS)] += 1;
    return found;
  });
  const holder = el("div", {});
  page.append(el("section", {}, el("h2", {}, "Concepts per unit"), sidesLegend(sides), holder,
    el("details", {}, el("summary", {}, "Concepts per unit as a table"), tableOf([
      { head: "concepts", cell: named },
      ...sides.map(({ text, units }, at) => ({
        head: text, number: true, cell: (n) => shareOf(counts[at][n], units.ap.length),
      })),
    ], bins, { label: "Units by their number of concepts" }))));
  drawnChart(holder, () => sides.map((side, at) => polysemyTrace(side, counts[at], bins.slice(1), named)), {
    xaxis: { title: "concepts that the unit is an expert of", type: "category" }, bargap: 0.25,
    yaxis: { title: "units (%)", rangemode: "tozero" },
  }, {
    label: "Bar chart: share of units by their number of concepts, left and right. The table below says the "
      + "same.",
    height: 280,
  });
}

function polysemyTrace({ text, style, units }, counts, bins, named) {
  const colours = palette();
  return {
    type: "bar", name: plotText(text), x: bins.map(named),
    y: bins.map((n) => 100 * counts[n] / units.ap.length),
    marker: {
      color: colours[style.color],
      pattern: { shape: style.pattern, fillmode: "overlay", fgcolor: colours.page, solidity: 0.3 },
    },
    hovertemplate: `${plotText(text)}<br>%{x} concepts: %{y:.2f} % of units<extra></extra>`,
  };
}

function sidesLegend(sides) {
  return legend(sides.map(({ text, style }, at) => ({
    colour: `var(--${style.color})`, text: `${SIDES[at]}: ${text} (${at ? "solid" : "dotted, hatched"})`,
  })));
}

function drawDepths(page, sides, same) {
  const depths = sides.flatMap((side) => bandsOf(side.model).map((band) => {
    const own = side.units.concepts.subarray(band.start, band.start + band.width);
    return { side, band, experts: above(own, 0), depth: relativeDepth(side.model, band.layer) };
  }));
  const holder = el("div", {});
  const told = "Share of each layer’s units that are experts of a concept."
    + (same ? "" : " Depth is 0 at a model’s first layer, 1 at its last.");
  page.append(el("section", {}, el("h2", {}, same ? "Experts by layer" : "Experts by relative depth"),
    el("p", { class: "quiet" }, told), sidesLegend(sides), holder,
    el("details", {}, el("summary", {}, "Experts by layer as a table"), same
      ? layersOfOne(sides, depths) : layersOfTwo(depths))));
  drawnChart(holder, () => depthTraces(sides, depths, same), {
    xaxis: same ? { title: "layer", dtick: sides[0].model.layers > 16 ? 4 : 1 } : { title: "relative depth" },
    yaxis: { title: "experts (% of units)", rangemode: "tozero" },
  }, {
    label: "Lines: share of units that are experts, by layer, left and right. The table below says the same.",
    height: 300,
  });
}

function depthTraces(sides, depths, same) {
  return sides.flatMap((side) => side.model.sites.map((site, at) => {
    const own = depths.filter((each) => each.side === side && each.band.site === site.name);
    const name = side.model.sites.length > 1 ? `${side.text}, ${site.name}` : side.text;
    const color = palette()[side.style.color];
    return {
      type: "scatter", mode: "lines+markers", name: plotText(name),
      x: own.map(({ depth, band }) => (same ? band.layer : depth)),
      y: own.map(({ experts, band }) => 100 * experts / band.width),
      line: { color, dash: side.style.dash, width: 2 },
      marker: { color, symbol: side.style.symbol, size: 7 + 2 * at, line: { color, width: 1.5 } },
      text: own.map(({ experts, band }) => `layer ${band.layer}: ${count(experts)} of `
        + `${plural(band.width, "unit")}`),
      hovertemplate: `${plotText(name)}<br>%{text}, %{y:.2f} %<extra></extra>`,
    };
  }));
}

function layersOfOne(sides, depths) {
  const sites = sides[0].model.sites.length > 1;
  const bands = bandsOf(sides[0].model);
  const experts = (at, place) => depths[at * bands.length + place];
  return tableOf([
    { head: "layer", cell: ({ band }) => (sites ? `${band.site} ${band.layer}` : String(band.layer)) },
    ...sides.map(({ text }, at) => ({
      head: text, number: true, cell: ({ band, place }) => shareOf(experts(at, place).experts, band.width),
    })),
  ], bands.map((band, place) => ({ band, place })), { label: "Experts by layer" });
}

function layersOfTwo(depths) {
  return tableOf([
    { head: "side", cell: ({ side }) => side.text },
    { head: "layer", cell: ({ band }) => `${band.site} ${band.layer}` },
    { head: "depth", number: true, cell: ({ depth }) => share(depth) },
    { head: "experts", number: true, cell: ({ experts, band }) => shareOf(experts, band.width) },
  ], depths.slice().sort((a, b) => a.depth - b.depth), { label: "Experts by relative depth" });
}
