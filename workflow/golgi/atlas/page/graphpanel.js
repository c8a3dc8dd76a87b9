// Beside a unit's graph: what a node of it means, in numbers and in the texts where its path matches.

const PANEL_TEXTS = 8;

/** The graph, its key, the panel of its nodes and its table: {element, start(), stop()}. `texts` is a windowsPart. */
function graphSection(graph, { label, fires, texts, node, onChoose }) {
  const matches = matchesOfNodes(graph.nodes, graph.windows);
  const panel = el("div", { class: "node-panel card", role: "region", "aria-label": "The node of the graph", tabindex: "0" });
  const onShow = (shown) => {
    fill(panel, shown < 0 ? panelHelp(graph) : panelOf(graph, shown, matches[shown], fires, texts));
    texts.show(shown < 0 ? [] : matches[shown]);
  };
  const part = graphPart(graph, { label, matches, onShow, onChoose });
  return {
    element: el("div", {}, graphKey(graph), el("div", { class: "graph-row" },
      el("div", { class: "graph-part" }, part.element, leftOut(graph)), el("div", { class: "panel-room" }, panel)),
    pathsTable(graph, matches)),
    start: () => {
      part.start();
      if (node >= 0) part.choose(node);
    },
    stop: part.stop,
  };
}

function graphKey({ nodes }) {
  const sample = (...marks) => svg("svg", { class: "graph graph-sample", width: 30, height: 18, viewBox: "0 0 30 18", "aria-hidden": "true" }, marks);
  const box = (name) => svg("rect", { class: name, x: 2, y: 2, width: 26, height: 14, rx: 3 });
  const ground = { x: 4, y: 11, height: 3.5 };
  const keys = [
    [true, heatScale(null), ""],
    [nodes.some(({ parent, token }) => parent >= 0 && token >= 0),
      sample(box("frame"), svg("rect", { class: "band-ground", ...ground, width: 22 }), svg("rect", { class: "band", ...ground, width: 15 })),
      "importance of the context"],
    [true, sample(svg("g", { class: "end" }, box("frame"))), "a match may end here"],
    [nodes.some(({ token }) => token < 0), sample(svg("circle", { class: "dot", cx: 15, cy: 9, r: 4.5 })), "any one token"],
  ];
  return el("ul", { class: "legend graph-key" }, keys.filter(([there]) => there).map(([, mark, text]) => el("li", {}, mark, text)));
}

function leftOut({ nodes, nodesAll, pathsAll }) {
  const drawn = nodes.filter(endsAt).length;
  if (nodes.length >= nodesAll) return el("p", { class: "quiet small" }, `All ${plural(pathsAll, "path")} of the graph are drawn.`);
  return el("p", { class: "quiet small" }, `The ${plural(drawn, "strongest path")} of ${count(pathsAll)} are drawn, `
    + `with ${count(nodes.length)} of ${plural(nodesAll, "node")}: those seen most often, with the highest activation.`);
}

function panelHelp({ nodes }) {
  const lone = nodes.every(({ parent }) => parent < 0);
  return [
    el("p", {}, lone ? "Each token fires the unit by itself, whatever stands before it."
      : "The token that fires the unit stands on the right, what it needs before it on the left."),
    el("p", { class: "quiet small" }, "Point at a token to see its numbers and the texts in which its path matches. With the keyboard: "
      + "Tab to the graph, then ← to the context, → back, ↑ and ↓ beside, + − 0 for the size, Escape to leave the token."),
  ];
}

function panelOf(graph, node, matches, fires, texts) {
  const it = graph.nodes[node];
  const line = lineOfNode(graph.nodes, node);
  return [
    el("p", { class: "node-path" }, line.map((each) => pathToken(graph.nodes[each], each === node))),
    el("dl", { class: "node-facts" }, factsOfNode(it).map(([name, value, told]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, el("strong", {}, value), told ? el("span", { class: "quiet small" }, ` ${told}`) : null)))),
    panelTexts(graph, matches, fires, texts),
  ];
}

function pathToken({ text, token }, current) {
  const shown = token < 0 ? el("span", { title: "any one token" }, el("span", { "aria-hidden": "true" }, "○"),
    el("span", { class: "visually-hidden" }, "any one token")) : el("bdi", {}, text);
  return [el("span", { class: current ? "chip current" : "chip" }, shown), " "];
}

function factsOfNode(node) {
  const { distance, token, importance, activation, count: observations, value, rate } = node;
  const before = distance ? `${plural(distance, "token")} before it` : "the unit fires on it";
  const ends = endsAt(node);
  return [
    ["Place", token < 0 ? "any one token" : distance ? "context" : "activating", `${before}`],
    ["Activation", share(activation), `mean over ${plural(observations, "observation")}, as a share of the maximum`],
    distance && token >= 0 ? ["Importance", share(importance), "of the activation is lost without it"] : null,
    ends ? ["Expected", share(value), "where a match ends here"] : ["Expected", "–", "no match ends here: more context is needed"],
    ends ? ["Fires", `${Math.round(100 * rate)} %`, "of what ended here"] : null,
  ].filter(Boolean);
}

function panelTexts({ windows }, matches, fires, texts) {
  const different = new Set(matches.map(({ window }) => window)).size;
  const among = `${plural(windows.length, "text")} below`;
  if (!matches.length) return el("p", { class: "small" }, windows.length ? `Its path matches in none of the ${among}.` : "");
  const shown = matches.slice(0, PANEL_TEXTS);
  const places = matches.length === different ? "" : `, at ${plural(matches.length, "place")}`;
  return [
    el("p", { class: "small" }, `Its path matches in ${count(different)} of the ${among}${places}${matches.length > shown.length ? `; the first ${shown.length}:` : ":"}`),
    el("ul", { class: "node-texts" }, shown.map((match) => el("li", {},
      el("span", { class: "excerpt" }, excerptOf(windows[match.window], match, fires)),
      el("span", { class: "small quiet" }, " ", matchNumbers(windows, match), " ",
        el("button", { type: "button", class: "link", on: { click: () => texts.open(match.window) } }, texts.name(match.window)))))),
  ];
}

function matchNumbers(windows, { window, pivot }) {
  const { activation, predicted } = windows[window].tokens[pivot];
  return `true ${share(activation)}, expected ${share(predicted)};`;
}

// The same as a table, one row for each place where a match may end.
function pathsTable(graph, matches) {
  const ends = graph.nodes.map((node, place) => ({ node, place })).filter(({ node }) => endsAt(node))
    .sort((a, b) => pathStrength(b.node) - pathStrength(a.node) || a.place - b.place);
  const texts = ({ place }) => new Set(matches[place].map(({ window }) => window)).size;
  const details = el("details", {}, el("summary", {}, `The graph as a table (${plural(ends.length, "path")})`));
  const columns = [
    { head: "Context, then the token that fires", cell: ({ place }) => lineOfNode(graph.nodes, place).map((each) => pathToken(graph.nodes[each])) },
    { head: "Expected", number: true, cell: ({ node }) => share(node.value) },
    { head: "Fires", number: true, cell: ({ node }) => `${Math.round(100 * node.rate)} %` },
    { head: "Observed", number: true, cell: ({ node }) => count(node.count) },
    { head: "Texts", number: true, cell: (end) => count(texts(end)) },
  ];
  details.addEventListener("toggle", () => {
    if (details.children.length < 2) details.append(tableOf(columns, ends, { label: "Paths of the graph" }));
  });
  return details;
}
