// Beside a unit's graph: what a node of it means, in numbers and in the texts where its path matches.

const PANEL_TEXTS = 8;

/**
 * The graph, its key, the panel of its nodes and its table: {element, start(), stop()}. `texts` is a
 * windowsPart; `node` is chosen from the beginning, -1 for none.
 */
function graphSection(graph, { label, fires, texts, node, onChoose }) {
  const matches = matchesOfNodes(graph.nodes, graph.windows);
  const name = "Node of the graph";
  const panel = el("div", { class: "node-panel card", role: "region", "aria-label": name, tabindex: "0" });
  const onShow = (shown) => {
    fill(panel, shown < 0 ? panelHelp(graph) : panelOf(graph, shown, matches[shown], fires, texts));
    texts.show(shown < 0 ? [] : matches[shown]);
  };
  const part = graphPart(graph, { label, matches, onShow, onChoose });
  const left = el("div", { class: "graph-part" }, part.element, smallNote(drawnText(graph)));
  const right = el("div", { class: "panel-room" }, panel);
  const element = el("div", {}, graphKey(graph), el("div", { class: "graph-row" }, left, right),
    pathsTable(graph, matches));
  const start = () => {
    part.start();
    if (node >= 0) part.choose(node);
  };
  return { element, start, stop: part.stop };
}

function smallNote(...content) {
  return el("p", { class: "quiet small" }, content);
}

function graphKey({ nodes }) {
  const keys = [
    [heatScale(null), ""],
    [keySample(keyBox("frame"), keyBand("band-ground", 22), keyBand("band", 15)), "importance of the context",
      nodes.some(({ parent, token }) => parent >= 0 && token >= 0)],
    [keySample(svg("g", { class: "end" }, keyBox("frame"))), "a match may end here"],
    [keySample(svg("circle", { class: "dot", cx: 15, cy: 9, r: 4.5 })), "any one token",
      nodes.some(({ token }) => token < 0)],
  ];
  return el("ul", { class: "legend graph-key" },
    keys.filter(([, , there = true]) => there).map(([mark, text]) => el("li", {}, mark, text)));
}

function keySample(...marks) {
  const size = { width: 30, height: 18, viewBox: "0 0 30 18" };
  return svg("svg", { class: "graph", "aria-hidden": "true", ...size }, marks);
}

function keyBox(name) {
  return svg("rect", { class: name, x: 2, y: 2, width: 26, height: 14, rx: 3 });
}

function keyBand(name, width) {
  return svg("rect", { class: name, x: 4, y: 11, width, height: 3.5 });
}

function drawnText({ nodes, nodesAll, pathsAll }) {
  const drawn = nodes.filter(endsAt).length;
  if (nodes.length >= nodesAll) {
    return pathsAll === 1 ? "The graph’s only path is drawn." : `All ${count(pathsAll)} paths are drawn.`;
  }
  const part = `${count(nodes.length)} of ${plural(nodesAll, "node")}`;
  return `Drawn: the ${plural(drawn, "strongest path")} of ${count(pathsAll)}, with ${part}; strong is `
    + "what was seen often, with a high activation.";
}

function panelHelp({ nodes }) {
  const lone = nodes.every(({ parent }) => parent < 0);
  return [
    el("p", {}, lone ? "Each token fires the unit by itself, whatever stands before it."
      : "The token that fires the unit stands on the right, what it needs before it on the left."),
    smallNote("Point at a token to see its numbers and the texts in which its path matches. "
      + "With the keyboard: Tab to the graph, then ← to the context, → back, ↑ and ↓ beside, "
      + "+ − 0 for the size, Escape to leave the token."),
  ];
}

function panelOf(graph, node, matches, fires, texts) {
  const line = lineOfNode(graph.nodes, node);
  return [
    el("p", { class: "node-path" }, line.map((each) => pathToken(graph.nodes[each], each === node))),
    el("dl", { class: "node-facts" }, factsOfNode(graph.nodes[node]).map(nodeFact)),
    panelTexts(graph, matches, fires, texts),
  ];
}

function pathToken({ text, token }, current) {
  const any = [el("span", { "aria-hidden": "true" }, "○"), unseen("any one token")];
  const name = current ? "chip current" : "chip";
  return [el("span", { class: name }, token < 0 ? any : el("bdi", {}, text)), " "];
}

function nodeFact([name, value, told]) {
  return el("div", {}, el("dt", {}, name),
    el("dd", {}, el("strong", {}, value), " ", el("span", { class: "quiet small" }, told)));
}

function factsOfNode(node) {
  const { distance, token, importance, activation, count: observations, value, rate } = node;
  const kind = token < 0 ? "any token" : distance ? "context" : "activating";
  const facts = [
    ["Place", kind, distance ? `${plural(distance, "token")} back` : "the unit fires on it"],
    ["Activation", share(activation), `of the maximum; mean over ${plural(observations, "observation")}`],
  ];
  if (distance && token >= 0) {
    facts.push(["Importance", share(importance), "of the activation is lost without it"]);
  }
  if (!endsAt(node)) return [...facts, ["Expected", "–", "no match ends here: more context is needed"]];
  return [...facts, ["Expected", share(value), "where a match ends here"],
    ["Fires", `${Math.round(100 * rate)} %`, "of what ended here"]];
}

function panelTexts({ windows }, matches, fires, texts) {
  if (!windows.length) return null;
  const among = `the ${plural(windows.length, "text")} below`;
  if (!matches.length) return el("p", { class: "small" }, `Its path matches in none of ${among}.`);
  const shown = matches.slice(0, PANEL_TEXTS);
  const cut = shown.length < matches.length ? `; the first ${shown.length}:` : ":";
  return [
    el("p", { class: "small" }, matchesText(matches, among), cut),
    el("ul", { class: "node-texts" },
      shown.map((match) => el("li", {}, matchedText(windows, match, fires, texts)))),
  ];
}

function matchesText(matches, among) {
  const different = new Set(matches.map(({ window }) => window)).size;
  const places = matches.length === different ? "" : `, at ${plural(matches.length, "place")}`;
  return `Its path matches in ${count(different)} of ${among}${places}`;
}

function matchedText(windows, match, fires, texts) {
  const { activation, predicted } = windows[match.window].tokens[match.pivot];
  const open = { type: "button", class: "link", on: { click: () => texts.open(match.window) } };
  return [
    el("span", { class: "excerpt" }, excerptOf(windows[match.window], match, fires)),
    el("span", { class: "small quiet" }, `true ${share(activation)}, expected ${share(predicted)}; `,
      el("button", open, texts.name(match.window))),
  ];
}

// The same as a table, one row for each place where a match may end.
function pathsTable({ nodes }, matches) {
  const ends = nodes.map((node, place) => ({ node, place })).filter(({ node }) => endsAt(node))
    .sort((a, b) => pathStrength(b.node) - pathStrength(a.node) || a.place - b.place);
  const texts = (place) => new Set(matches[place].map(({ window }) => window)).size;
  const columns = [
    { head: "Context, then the token that fires",
      cell: ({ place }) => lineOfNode(nodes, place).map((each) => pathToken(nodes[each])) },
    { head: "Expected", number: true, cell: ({ node }) => share(node.value) },
    { head: "Fires", number: true, cell: ({ node }) => `${Math.round(100 * node.rate)} %` },
    { head: "Observed", number: true, cell: ({ node }) => count(node.count) },
    { head: "Texts below", number: true, cell: ({ place }) => count(texts(place)) },
  ];
  return lateDetails(`The graph as a table (${plural(ends.length, "path")})`,
    () => tableOf(columns, ends, { label: "Paths of the graph" }));
}
