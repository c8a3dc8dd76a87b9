// The page of one unit.

const SITES = {
  mlp_pre: "before the nonlinearity of the MLP", mlp_post: "after the nonlinearity of the MLP: neurons proper",
  mlp_out: "in the output of the MLP", attn_out: "in the output of the attention", qkv: "in the queries, keys and values",
  resid_post: "in the residual stream after the block",
};
const FEW_CHECKPOINTS = 14;

view("unit", { title: unitTitle, draw: drawUnit });

function unitTitle([model, checkpoint, site, layer, unit]) {
  const row = rowOf(model, site, layer, unit);
  return row < 0 ? "Unit" : `Unit ${unitName(model, row)} of ${model} at ${checkpointNamed(model, checkpoint).label}`;
}

async function drawUnit(main, [modelName, checkpointName, site, layer, unit], query) {
  const model = modelNamed(modelName);
  const checkpoint = checkpointNamed(model, checkpointName);
  const row = rowOf(model, site, layer, unit);
  if (row < 0) throw notFound(`The model ${model.name} has no unit ${unit} in layer ${layer} at ${site}.`);
  window.scrollTo(0, 0);
  const [units, graph, profile] = await Promise.all([
    loadUnits(model, checkpoint), loadGraph(model, checkpoint, row), loadProfile(model, checkpoint, row),
  ]);
  const here = { model, checkpoint, row, units, graph, profile };
  const parts = [graphPartOf(here, query), textsPartOf(here), conceptsPartOf(here), trainingPartOf(here), likenessPartOf(here), forcingPartOf(here)];
  const [graphs, texts] = parts;
  if (graph) graphs.join(texts);
  fill(main, unitHead(here), unitFacts(here), parts.map(({ element }) => element));
  const stops = parts.map((part) => part.start && part.start()).filter((stop) => typeof stop === "function");
  return () => stops.forEach((stop) => stop());
}

function unitSection(heading, ...content) {
  return el("section", { class: "unit-section" }, el("h2", {}, heading), content);
}

// Head ------------------------------------------------------------------------------------------------------------

function unitHead({ model, checkpoint, row, units, graph }) {
  return el("header", { class: "unit-head" }, el("h1", {}, `Unit ${unitName(model, row)}`),
    el("p", {}, checkpoint.untrained ? `The untrained twin of ${model.name}, a control: its weights are random. `
      : `${model.name} at ${checkpoint.label}. `, placeInWords(model, row)),
    el("div", { class: "unit-ways" }, waysOn(model, checkpoint, row, units, graph), copyPart()),
    checkpointLinks(model, checkpoint, row));
}

function placeInWords(model, row) {
  const { site, layer, unit } = unitAt(model, row);
  const band = bandsOf(model).find((each) => each.site === site && each.layer === layer);
  const last = model.layers - 1;
  const which = model.layers === 1 ? "the only one" : layer === 0 ? `the first of ${model.layers}` : layer === last
    ? `the last of ${model.layers}` : `counted from 0, of ${model.layers}`;
  const meaning = SITES[site] ? ` (${SITES[site]})` : "";
  return `Layer ${layer}, ${which}; unit ${count(unit)}, counted from 0, of ${count(band.width)} at ${site}${meaning}.`;
}

// To the units before and after it, and to those that have a graph.
function waysOn(model, checkpoint, row, units) {
  const ways = [["unit-previous", "← Previous unit", row - 1], ["unit-next", "Next unit →", row + 1]];
  if (checkpoint.graphs && checkpoint.graphs < model.units) {
    ways.push(["graph-previous", "← Previous with a graph", graphFrom(units, row, -1)]);
    ways.push(["graph-next", "Next with a graph →", graphFrom(units, row, 1)]);
  }
  return el("nav", { class: "row", "aria-label": "Other units" }, ways.filter(([, , to]) => to >= 0 && to < model.units).map(([id, text, to]) => {
    const way = unitLink(model, checkpoint, to, text);
    way.id = id;
    way.title = `Unit ${unitName(model, to)}`;
    return way;
  }));
}

function graphFrom(units, row, step) {
  for (let next = row + step; next >= 0 && next < units.graph.length; next += step) if (units.graph[next] !== NO_GRAPH) return next;
  return -1;
}

function checkpointLinks(model, checkpoint, row) {
  if (model.checkpoints.length < 2) return null;
  const list = el("ul", { class: "checkpoint-links" }, model.checkpoints.map((each) => {
    const to = unitLink(model, each, row, each.label);
    if (each === checkpoint) to.setAttribute("aria-current", "true");
    return el("li", {}, to, each.graphs ? el("span", { class: "quiet small" }, " graphs") : null);
  }));
  const nav = el("nav", { "aria-label": "This unit at other checkpoints" });
  if (model.checkpoints.length <= FEW_CHECKPOINTS) return fill(nav, list);
  return fill(nav, el("details", {}, el("summary", {}, `At another of ${count(model.checkpoints.length)} checkpoints`), list));
}

// Pages from a folder may have no clipboard: then the address is there to be copied by hand.
function copyPart() {
  const field = el("input", { type: "text", readonly: true, hidden: true, "aria-label": "Link to this page", class: "copy-field" });
  const byHand = () => {
    field.hidden = false;
    field.value = window.location.href;
    field.focus();
    field.select();
    announce("The link is selected: copy it.");
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(window.location.href);
      fill(button, "Copied");
      announce("The link is copied.");
      setTimeout(() => fill(button, "Copy link"), 2000);
    } catch (error) {
      byHand(); // refused, or there is no clipboard
    }
  };
  const button = el("button", { type: "button", id: "unit-copy", on: { click: copy } }, "Copy link");
  return el("div", { class: "row tight copy" }, button, field);
}

// Facts -----------------------------------------------------------------------------------------------------------

function unitFacts({ model, checkpoint, row, units, graph }) {
  const { threshold, fires, concepts } = study();
  const best = units.best[row];
  const bestFact = best === NO_CONCEPT ? "none" : [conceptLink(model, checkpoint, best), el("span", { class: "quiet" }, ` AP ${share(units.ap[row])}`)];
  const facts = [
    ["Best concept", bestFact, best === NO_CONCEPT ? "" : `chance ${share(concepts[best].chance)}`],
    ["Expert of", plural(units.concepts[row], "concept"), `AP of ${share(threshold)} or more`],
    ["Strong in sentences", percent(units.rate[row]), "of the study’s reach half of its maximum"],
  ];
  if (graph) {
    facts.push(["Fires on", percent(units.firing[row]), `of random tokens, from ${share(fires)} of its maximum on`]);
    facts.push(["Maximum", Number(graph.maximum.toPrecision(3)).toLocaleString("en-GB"), "the largest activation met"]);
  }
  return el("dl", { class: "unit-facts" }, facts.map(([name, value, told]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, el("span", { class: "fact" }, value), el("span", { class: "quiet small" }, told)))));
}

function percent(x) {
  return Number.isNaN(x) ? "–" : `${Number((100 * x).toPrecision(2)).toLocaleString("en-GB")} %`;
}

// How well the graph foretells firing, beside simpler ways to do it.
function graphScores({ scores }) {
  const bars = [
    ["graph", scores.f1, "graph"], ["token alone", scores.f1_token], ["bigram", scores.f1_bigram], ["trigram", scores.f1_trigram],
    ["graph, other source", scores.f1_shifted, "graph"],
  ];
  return el("div", { class: "graph-scores" }, el("h3", {}, "How well it foretells firing (F1)"),
    el("ul", { class: "score-bars" }, bars.map(([name, value, kind]) => el("li", {},
      el("span", {}, name), el("span", { class: "score-bar", "aria-hidden": "true" },
        el("span", { class: kind || "", style: { width: `${100 * (value || 0)}%` } })), el("span", { class: "number" }, share(value))))),
    el("p", { class: "quiet small" }, `In random windows of held-out text: precision ${share(scores.precision)}, recall ${share(scores.recall)}; `
      + `rank correlation of expected and true activation ${share(scores.rank_correlation)}. `
      + (Number.isNaN(scores.f1) ? "F1 is undefined where the unit never fires there. " : "")
      + "A token, bigram or trigram expects what that ending did on the text the graph was grown from."));
}

// Sections --------------------------------------------------------------------------------------------------------

function graphPartOf({ model, checkpoint, row, graph }, query) {
  if (!graph) return { element: unitSection("Neuron graph", graphElsewhere(model, checkpoint, row)) };
  const content = el("div", {});
  const part = { element: unitSection("Neuron graph", graphScores(graph), content) };
  const node = query.node === undefined ? -1 : Number(query.node);
  part.join = ({ texts }) => {
    part.section = graphSection(graph, {
      label: `Neuron graph of unit ${unitName(model, row)}`, fires: study().fires, texts, node,
      onChoose: (chosen) => setQuery({ node: chosen < 0 ? null : chosen }),
    });
    fill(content, graph.nodes.length ? part.section.element : el("p", {}, "The graph has no path: nothing fired the unit strongly enough."));
  };
  part.start = () => {
    if (!graph.nodes.length) return null;
    part.section.start();
    return part.section.stop;
  };
  return part;
}

// Where there is no graph the page says so, and where there is one.
function graphElsewhere(model, checkpoint, row) {
  const message = el("p", {}, checkpoint.graphs ? `No graph was grown for this unit: ${count(checkpoint.graphs)} of ${plural(model.units, "unit")} have one at this checkpoint.`
    : "No graphs were grown at this checkpoint.");
  const others = model.checkpoints.filter((each) => each.graphs && each !== checkpoint);
  Promise.all(others.map((each) => loadUnits(model, each))).then((all) => {
    const places = others.filter((_, place) => all[place].graph[row] !== NO_GRAPH);
    if (places.length) message.append(" This unit has one at ", ...places.flatMap((each, place) => [place ? ", " : "", unitLink(model, each, row, each.label)]), ".");
  }, () => {}); // without the other checkpoint's file the sentence stays as it is
  return message;
}

function textsPartOf({ graph }) {
  if (!graph) return { element: null };
  const texts = windowsPart(graph.windows, study().fires);
  return { texts, element: unitSection("Texts", graph.windows.length ? texts.element : el("p", {}, "No text is kept for this unit.")) };
}

function conceptsPartOf({ model, checkpoint, row, units, profile }) {
  const heading = "Concepts";
  if (profile) {
    const part = apPart(model, checkpoint, profile);
    return { element: unitSection(heading, part.element), start: () => drawnOrTold(part.element, part.start()) };
  }
  const best = units.best[row];
  return { element: unitSection(heading, el("p", {}, `What this unit makes of every concept is not in this atlas, only of the ${plural(checkpoint.profile_rows || 0, "unit")} with the highest AP. `,
    best === NO_CONCEPT ? "" : ["Its best concept is ", conceptLink(model, checkpoint, best), ` (AP ${share(units.ap[row])}, chance ${share(study().concepts[best].chance)}).`])) };
}

function trainingPartOf({ model, checkpoint, row, units, profile }) {
  if (model.checkpoints.length < 2) return { element: null };
  const best = units.best[row] === NO_CONCEPT ? [] : [units.best[row]];
  const concepts = profile ? conceptsByAp(profile.ap).slice(0, LINES).map(({ concept }) => concept) : best;
  if (!concepts.length) return { element: null };
  const part = trainingPart(model.name, checkpoint.name, row, concepts);
  return { element: unitSection("Through training", part.element), start: () => whenSeen(part.element, () => drawnOrTold(part.element, part.start())) };
}

function likenessPartOf({ model, checkpoint, units, profile }) {
  if (!profile) return { element: null };
  return { element: unitSection("Units like it", similarPart(model, checkpoint, units, profile)) };
}

function forcingPartOf({ model, checkpoint, row }) {
  const content = el("div", {}, el("p", { class: "quiet" }, "Reading …"));
  const start = () => whenSeen(content, () => drawnOrTold(content,
    forcingPart(model.name, checkpoint.name, row).then((parts) => fill(content, ...[parts].flat()))));
  return { element: unitSection("Forced and zeroed", content), start };
}

// A part that cannot be drawn says so, and the others stay.
function drawnOrTold(element, drawing) {
  Promise.resolve(drawing).catch((error) => element.append(el("p", { role: "alert" }, `This part could not be drawn: ${error.message}`)));
}

// What is far down and needs more files waits until it is near.
function whenSeen(element, draw) {
  if (!window.IntersectionObserver) return draw();
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    draw();
  }, { rootMargin: "400px" });
  observer.observe(element);
  return () => observer.disconnect();
}
