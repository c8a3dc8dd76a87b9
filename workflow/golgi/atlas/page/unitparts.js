// The sections of a unit's page: {element, start()}; start() when it is in the page, and may return a stop().

function unitSection(heading, ...content) {
  return el("section", { class: "unit-section" }, el("h2", {}, heading), content);
}

// The graph and its texts, which are marked where a node of it matches.
function graphParts({ model, checkpoint, row, graph, failed }, query) {
  if (failed.graph) return [{ element: unitSection("Neuron graph", failureOf(failed.graph)) }];
  if (!graph) return [{ element: unitSection("Neuron graph", graphElsewhere(model, checkpoint, row)) }];
  const { fires } = study();
  const texts = windowsPart(graph.windows, fires);
  const shown = graph.windows.length ? texts.element : el("p", {}, "No text is kept for this unit.");
  const below = { element: unitSection("Texts", shown) };
  if (!graph.nodes.length) {
    const empty = el("p", {}, "The graph has no path: nothing fired the unit strongly enough.");
    return [{ element: unitSection("Neuron graph", graphScores(graph), empty) }, below];
  }
  const section = graphSection(graph, {
    label: `Neuron graph of unit ${unitName(model, row)}`, fires, texts,
    node: query.node === undefined ? -1 : Number(query.node),
    onChoose: (chosen) => setQuery({ node: chosen < 0 ? null : chosen }),
  });
  const start = () => {
    section.start();
    return section.stop;
  };
  return [{ element: unitSection("Neuron graph", graphScores(graph), section.element), start }, below];
}

// How well the graph foretells firing, beside simpler ways to do it.
function graphScores({ scores }) {
  const bars = [
    ["graph", scores.f1, "graph"], ["token alone", scores.f1_token], ["bigram", scores.f1_bigram],
    ["trigram", scores.f1_trigram], ["graph, other source", scores.f1_shifted, "graph"],
  ];
  const silent = Number.isNaN(scores.f1) ? "F1 is undefined where the unit never fires there. " : "";
  return el("div", { class: "graph-scores" }, el("h3", {}, "How well it foretells firing (F1)"),
    el("ul", { class: "score-bars" }, bars.map(scoreBar)),
    smallNote(`In random windows of held-out text: precision ${share(scores.precision)}, recall `
      + `${share(scores.recall)}; rank correlation of expected and true activation `
      + `${share(scores.rank_correlation)}. ${silent}A token, bigram or trigram foretells the strongest that `
      + "the unit was on it in the text the graph was grown from."));
}

function scoreBar([name, value, kind]) {
  const bar = el("span", { class: kind || "", style: { width: `${100 * (value || 0)}%` } });
  return el("li", {}, el("span", {}, name), el("span", { class: "score-bar", "aria-hidden": "true" }, bar),
    el("span", { class: "number" }, share(value)));
}

// Where there is no graph the page says so, and where there is one.
function graphElsewhere(model, checkpoint, row) {
  const message = el("p", {}, checkpoint.graphs ? "No graph was grown for this unit: "
    + `${count(checkpoint.graphs)} of ${plural(model.units, "unit")} have one at this checkpoint.`
    : "No graphs were grown at this checkpoint.");
  const others = model.checkpoints.filter((each) => each.graphs && each !== checkpoint);
  const told = (all) => {
    const places = others.filter((_, place) => all[place].graph[row] !== NO_GRAPH);
    const links = places.map((each) => unitLink(model, each, row, each.label));
    if (links.length) message.append(...childNodesOf([" This unit has one at ", joined(links), "."]));
  };
  // Without another checkpoint's file the sentence stays as it is.
  Promise.all(others.map((each) => loadUnits(model, each))).then(told, () => {});
  return message;
}

function conceptsPartOf({ model, checkpoint, row, units, profile, failed }) {
  const heading = "Concepts";
  if (failed.profile) return { element: unitSection(heading, failureOf(failed.profile)) };
  if (profile) {
    const { element, start } = apPart(model, checkpoint, profile);
    return { element: unitSection(heading, element), start: () => drawnOrTold(element, start()) };
  }
  const others = checkpoint.profile_rows
    ? `: that is kept of the ${plural(checkpoint.profile_rows, "unit")} with the highest AP. ` : ". ";
  const message = `What this unit makes of every concept is not in this atlas${others}`;
  const best = units.best[row];
  return { element: unitSection(heading, el("p", {}, message, best === NO_CONCEPT ? null
    : ["Its best concept is ", conceptLink(model, checkpoint, best), ` (AP ${share(units.ap[row])}).`])) };
}

function trainingPartOf({ model, checkpoint, row, units, profile }) {
  const best = units.best[row] === NO_CONCEPT ? [] : [units.best[row]];
  const followed = profile ? conceptsByAp(profile.ap).slice(0, LINES).map(({ concept }) => concept) : best;
  if (model.checkpoints.length < 2 || !followed.length) return { element: null };
  const { element, start } = trainingPart(model, checkpoint, row, followed);
  const draw = () => drawnOrTold(element, start());
  return { element: unitSection("Through training", element), start: () => whenSeen(element, draw) };
}

function likenessPartOf({ model, checkpoint, units, profile }) {
  if (!profile) return { element: null };
  return { element: unitSection("Units like it", similarPart(model, checkpoint, units, profile)) };
}

function forcingPartOf({ model, checkpoint, row }) {
  const content = el("div", {}, el("p", { class: "quiet unread" }, "Reading …"));
  const draw = async () => fill(content, ...[await forcingPart(model, checkpoint, row)].flat());
  const start = () => whenSeen(content, () => drawnOrTold(content, draw()));
  return { element: unitSection("Forced and zeroed", content), start };
}

function failureOf({ message }) {
  return el("p", { role: "alert" }, `This part could not be drawn. ${message}`);
}

// A part that cannot be drawn says so, and the others stay.
function drawnOrTold(element, drawing) {
  drawing.catch((error) => {
    for (const waiting of element.querySelectorAll(".unread")) waiting.remove();
    element.append(failureOf(error));
  });
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
