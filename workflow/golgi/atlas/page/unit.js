// The page of one unit.

const SITES = {
  mlp_pre: "before the nonlinearity of the MLP",
  mlp_post: "after the nonlinearity of the MLP: neurons proper",
  mlp_out: "in the output of the MLP",
  attn_out: "in the output of the attention",
  qkv: "in the queries, keys and values",
  resid_post: "in the residual stream after the block",
};
const FEW_CHECKPOINTS = 14;

view("unit", { title: unitTitle, draw: drawUnit });

function unitTitle([model, checkpoint, site, layer, unit]) {
  const row = rowOf(model, site, layer, unit);
  if (row < 0) return "Unit";
  return `Unit ${unitName(model, row)} of ${model} at ${checkpointNamed(model, checkpoint).label}`;
}

async function drawUnit(main, [modelName, checkpointName, site, layer, unit], query) {
  const model = modelNamed(modelName);
  const checkpoint = checkpointNamed(model, checkpointName);
  const row = rowOf(model, site, layer, unit);
  if (row < 0) throw notFound(`The model ${model.name} has no unit ${unit} in layer ${layer} at ${site}.`);
  window.scrollTo(0, 0);
  const failed = {}; // what could not be read is told in its place, and the rest is shown
  const kept = (name, reading) => reading.catch((error) => {
    failed[name] = error;
    return null;
  });
  const [units, graph, profile] = await Promise.all([
    loadUnits(model, checkpoint), kept("graph", loadGraph(model, checkpoint, row)),
    kept("profile", loadProfile(model, checkpoint, row)),
  ]);
  const here = { model, checkpoint, row, units, graph, profile, failed };
  const parts = [...graphParts(here, query), conceptsPartOf(here), trainingPartOf(here), likenessPartOf(here),
    forcingPartOf(here)];
  fill(main, unitHead(here), unitFacts(here), parts.map(({ element }) => element));
  const stops = parts.map(({ start }) => start && start()).filter((stop) => typeof stop === "function");
  return () => stops.forEach((stop) => stop());
}

// Head

function unitHead({ model, checkpoint, row, units }) {
  const where = checkpoint.untrained ? `The untrained twin of ${model.name}, a control with random weights. `
    : `${model.name} at ${checkpoint.label}. `;
  return el("header", { class: "unit-head" }, el("h1", {}, `Unit ${unitName(model, row)}`),
    el("p", {}, where, placeInWords(model, row)),
    el("div", { class: "unit-ways" }, waysOn(model, checkpoint, row, units), copyPart()),
    checkpointLinks(model, checkpoint, row));
}

function placeInWords(model, row) {
  const { site, layer, unit } = unitAt(model, row);
  const { width } = bandsOf(model).find((each) => each.site === site && each.layer === layer);
  const meaning = SITES[site] ? ` (${SITES[site]})` : "";
  return `Layer ${layer}, ${standingOf(layer, model.layers)}; unit ${count(unit)}, counted from 0, of `
    + `${count(width)} at ${site}${meaning}.`;
}

function standingOf(layer, layers) {
  if (layers === 1) return "the only one";
  if (layer === 0) return `the first of ${layers}`;
  return layer === layers - 1 ? `the last of ${layers}` : `counted from 0, of ${layers}`;
}

// To the units before and after it, and to those that have a graph.
function waysOn(model, checkpoint, row, units) {
  const ways = [["unit-previous", "← Previous unit", row - 1], ["unit-next", "Next unit →", row + 1]];
  if (checkpoint.graphs && checkpoint.graphs < model.units) {
    ways.push(["graph-previous", "← Previous with a graph", graphFrom(units, row, -1)]);
    ways.push(["graph-next", "Next with a graph →", graphFrom(units, row, 1)]);
  }
  const there = ways.filter(([, , to]) => to >= 0 && to < model.units);
  return el("nav", { class: "row", "aria-label": "Other units" }, there.map(([id, text, to]) => {
    const way = unitLink(model, checkpoint, to, text);
    way.id = id; // so that it keeps the focus on the next page
    way.title = `Unit ${unitName(model, to)}`;
    return way;
  }));
}

function graphFrom(units, row, step) {
  let next = row + step;
  while (next >= 0 && next < units.graph.length && units.graph[next] === NO_GRAPH) next += step;
  return next;
}

function checkpointLinks(model, checkpoint, row) {
  const number = model.checkpoints.length;
  if (number < 2) return null;
  const list = el("ul", { class: "checkpoint-links" }, model.checkpoints.map((each) => {
    const to = unitLink(model, each, row, each.untrained ? "untrained twin" : each.label);
    if (each.untrained) to.title = "The unit of this number in the control, whose weights are others";
    if (each === checkpoint) to.setAttribute("aria-current", "true");
    return el("li", {}, to, each.graphs ? el("span", { class: "quiet small" }, " graphs") : null);
  }));
  return el("nav", { "aria-label": "This unit at other checkpoints" }, number <= FEW_CHECKPOINTS ? list
    : el("details", {}, el("summary", {}, `At another of ${count(number)} checkpoints`), list));
}

// Pages from a folder may have no clipboard: then the address is there to be copied by hand.
function copyPart() {
  const field = el("input", {
    type: "text", readonly: true, hidden: true, "aria-label": "Link to this page", class: "copy-field",
  });
  const button = el("button", { type: "button", id: "unit-copy" }, "Copy link");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(window.location.href);
      fill(button, "Copied");
      announce("The link is copied.");
      setTimeout(() => fill(button, "Copy link"), 2000);
    } catch (error) {
      showLink(field);
    }
  });
  return el("div", { class: "row tight copy" }, button, field);
}

function showLink(field) {
  field.hidden = false;
  field.value = window.location.href;
  field.focus();
  field.select();
  announce("The link is selected: copy it.");
}

// Facts

function unitFacts({ model, checkpoint, row, units, graph }) {
  const { threshold, fires, concepts } = study();
  const best = units.best[row];
  const known = best !== NO_CONCEPT;
  const ap = known ? el("span", { class: "quiet" }, ` AP ${share(units.ap[row])}`) : null;
  const facts = [
    ["Best concept", [conceptOrNone(model, checkpoint, best), ap],
      known ? `chance ${share(concepts[best].chance)}` : "it separates none"],
    ["Expert of", plural(units.concepts[row], "concept"), `AP of ${share(threshold)} or more`],
    ["Strong in sentences", percent(units.rate[row]), "of the study’s reach half of its maximum"],
  ];
  if (graph) {
    const maximum = Number(graph.maximum.toPrecision(3)).toLocaleString("en-GB");
    const firing = `of random tokens: ${share(fires)} of its maximum or more`;
    facts.push(["Fires on", percent(units.firing[row]), firing]);
    facts.push(["Maximum", maximum, "the largest activation met"]);
  }
  return el("dl", { class: "unit-facts" }, facts.map(unitFact));
}

function unitFact([name, value, told]) {
  return el("div", {}, el("dt", {}, name),
    el("dd", {}, el("span", { class: "fact" }, value), el("span", { class: "quiet small" }, told)));
}

function percent(x) {
  return Number.isNaN(x) ? "–" : `${Number((100 * x).toPrecision(2)).toLocaleString("en-GB")} %`;
}
