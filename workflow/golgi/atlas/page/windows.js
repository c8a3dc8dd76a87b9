// Texts token by token: the background is what the unit does, the band below what its graph expects.

const HEAT_STEPS = 10;
const WINDOW_GROUPS = {
  strongest: { name: "Strongest", heading: "Where it is strongest", told: "The highest activations in the test text, one a document." },
  firing: { name: "Firing", heading: "Firings at random", told: "Drawn from all places where it fires, the weak ones too." },
  mistake: { name: "Mistake", heading: "Mistakes of the graph",
    told: "Where the unit fires and the graph does not say so, or the reverse." },
  random: { name: "Random", heading: "Random text", told: "Drawn without looking at the unit; the same pieces for all units." },
};

// The step of the colour scale, 0 to 10; what lies outside 0 to 1 counts as the nearest.
function heatStep(activation) {
  return Math.round(HEAT_STEPS * Math.min(Math.max(activation || 0, 0), 1));
}

// The scale with its numbers, and from where on a unit fires.
function heatScale(fires) {
  const steps = Array.from({ length: HEAT_STEPS + 1 }, (_, step) => step);
  const firing = fires === null || fires === undefined ? "" : `; from ${share(fires, fires * 10 % 1 ? 2 : 1)} on it fires`;
  return el("span", { class: "heat-scale" }, el("span", { class: "number" }, "0"),
    el("span", { class: "heat-steps", "aria-hidden": "true" },
      steps.map((step) => el("span", { data: { heat: step }, class: fires !== null && step === heatStep(fires) ? "from" : null }))),
    el("span", { class: "number" }, "1"), el("span", {}, `share of the unit’s maximum${firing}`));
}

/** By node the places in the windows where its path matches: [{window, pivot, first}], tokens counted from 0. */
function matchesOfNodes(nodes, windows) {
  const lines = nodes.map((_, node) => lineOfNode(nodes, node).reverse().map((each) => nodes[each].token));
  const places = new Map(); // activating token -> where it stands
  windows.forEach(({ tokens }, window) => tokens.forEach(({ id }, pivot) => {
    if (!places.has(id)) places.set(id, []);
    places.get(id).push({ window, pivot });
  }));
  return lines.map((line) => (places.get(line[0]) || [])
    .filter(({ window, pivot }) => matchesBackwards(line, windows[window].tokens, pivot))
    .map(({ window, pivot }) => ({ window, pivot, first: pivot - line.length + 1 })));
}

// A wildcard takes exactly one token.
function matchesBackwards(line, tokens, pivot) {
  return line.every((token, distance) => pivot >= distance && (token < 0 || tokens[pivot - distance].id === token));
}

/** The texts of a unit in their groups: {element, show(matches), open(window)}; a window is named by windowName. */
function windowsPart(windows, fires) {
  const part = { windows, fires, spans: [], lines: [], shown: [], numbers: false };
  part.names = windowNames(windows);
  const groups = Object.keys(WINDOW_GROUPS).map((kind) => groupOf(part, kind)).filter(Boolean);
  const toggle = el("button", { type: "button", "aria-pressed": "false", on: { click: () => toggleNumbers(part, toggle) } }, "Numbers");
  return {
    element: el("div", { class: "windows" }, windowsLegend(fires), el("p", {}, toggle), groups),
    show: (matches) => showMatches(part, matches),
    open: (window) => part.lines[window].focus(),
    name: (window) => part.names[window],
  };
}

function windowNames(windows) {
  const counted = {};
  return windows.map(({ kind }) => {
    counted[kind] = (counted[kind] || 0) + 1;
    return `${(WINDOW_GROUPS[kind] || { name: kind }).name} ${counted[kind]}`;
  });
}

function windowsLegend(fires) {
  return el("ul", { class: "legend window-legend" },
    el("li", {}, el("span", {}, "Background: activation"), heatScale(fires)),
    el("li", {}, el("span", { class: "token", data: { heat: 0, band: 8 } }, "token"), "Band below, the higher the stronger: what the graph expects"),
    fires === null ? null
      : el("li", {}, el("span", { class: "token fires", data: { heat: heatStep(fires), band: 0 } }, "token"), "Bold and underlined: the unit fires"));
}

function groupOf(part, kind) {
  const here = part.windows.map((window, place) => ({ ...window, place })).filter((window) => window.kind === kind);
  const { heading, told } = WINDOW_GROUPS[kind];
  if (!here.length) return null;
  return el("section", {}, el("h3", {}, `${heading} `, el("span", { class: "quiet small how-many" }, count(here.length))),
    el("p", { class: "quiet small" }, told),
    el("ul", { class: "window-list" }, here.map(({ place }) => windowItem(part, place))));
}

function windowItem(part, place) {
  const { tokens } = part.windows[place];
  const told = el("p", { class: "small quiet told" }, summaryOf(part, place));
  const spans = tokens.map((token) => tokenSpan(token, part.fires));
  const line = el("p", {
    class: "window", tabindex: "0", role: "group",
    "aria-label": `${part.names[place]}: text of ${plural(tokens.length, "token")}; arrow keys go through them`,
  }, tokens.map((token, k) => [spaceBefore(token), spans[k]]));
  part.spans[place] = spans;
  part.lines[place] = line;
  listenToWindow(part, place, line, told);
  return el("li", {}, el("span", { class: "small quiet number" }, part.names[place]), line, told);
}

function tokenSpan({ text, activation, predicted }, fires) {
  return el("span", {
    class: "token" + (fires !== null && activation >= fires ? " fires" : ""),
    data: { heat: heatStep(activation), band: heatStep(predicted) },
  }, wordOfToken(text));
}

// A token that begins with a space stands apart from the one before it.
function spaceBefore({ text }) {
  return text.length > 1 && text[0] === "␣" ? " " : null;
}

// What the text is there for, in words: its strongest token, or the mistake.
function summaryOf({ windows, fires }, place) {
  const { kind, tokens } = windows[place];
  const wrong = kind === "mistake" ? worstMistake(tokens, fires) : null;
  const token = wrong || tokens.reduce((best, each) => (each.activation > best.activation ? each : best));
  const called = wrong ? (wrong.activation >= fires ? "A miss" : "A false alarm") : "Strongest here";
  return [`${called}: `, numbersOfToken(token)];
}

function worstMistake(tokens, fires) {
  const gap = ({ activation, predicted }) => Math.abs(activation - predicted);
  return tokens.filter(({ activation, predicted }) => (activation >= fires) !== (predicted >= fires))
    .sort((a, b) => gap(b) - gap(a))[0];
}

function numbersOfToken({ text, activation, predicted }) {
  return [el("bdi", { class: "said-token" }, text), `, true ${share(activation)}, expected ${share(predicted)}`];
}

// The numbers of a token stand below its text while it is pointed at, or reached with the arrow keys.
function listenToWindow(part, place, line, told) {
  const { tokens } = part.windows[place];
  const spans = part.spans[place];
  let current = -1;
  const tell = (k) => {
    if (spans[current]) spans[current].classList.remove("current");
    current = k;
    if (spans[k]) spans[k].classList.add("current");
    fill(told, k < 0 ? summaryOf(part, place) : [`Token ${k + 1} of ${tokens.length}: `, numbersOfToken(tokens[k])]);
  };
  line.addEventListener("pointerover", (event) => {
    const k = spans.indexOf(event.target);
    if (k >= 0) tell(k);
  });
  line.addEventListener("pointerleave", () => tell(-1));
  line.addEventListener("blur", () => tell(-1));
  line.addEventListener("keydown", (event) => {
    const last = tokens.length - 1;
    const next = { ArrowRight: Math.min(current + 1, last), ArrowLeft: Math.max(current - 1, 0), Home: 0, End: last }[event.key];
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    tell(next);
    announce(told.textContent);
  });
}

// The tokens of matches are framed, the activating ones more.
function showMatches(part, matches) {
  for (const span of part.shown) span.classList.remove("matched", "pivot");
  part.shown = [];
  const lines = new Set(matches.map(({ window }) => window));
  part.lines.forEach((line, window) => line.classList.toggle("has-match", lines.has(window)));
  for (const { window, pivot, first } of matches) {
    for (let k = first; k <= pivot; k++) part.spans[window][k].classList.add("matched");
    part.spans[window][pivot].classList.add("pivot");
    part.shown.push(...part.spans[window].slice(first, pivot + 1));
  }
}

function toggleNumbers(part, toggle) {
  part.numbers = !part.numbers;
  toggle.setAttribute("aria-pressed", String(part.numbers));
  part.lines.forEach((line, place) => {
    const item = line.parentNode;
    if (part.numbers) item.append(numbersTable(part, place));
    else item.querySelector(".scroll").remove();
  });
}

// Tokens beside each other, as in the text, with what is measured and expected below.
function numbersTable({ windows, names, fires }, place) {
  const { tokens } = windows[place];
  const row = (head, cell) => el("tr", {}, el("th", { scope: "row" }, head), tokens.map((token) => el("td", { class: "number" }, cell(token))));
  const firing = (x) => (fires !== null && x >= fires ? el("strong", {}, share(x)) : share(x));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Numbers of ${names[place]}` },
    el("table", { class: "token-numbers" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "token"),
        tokens.map(({ text }) => el("th", { scope: "col", class: "number" }, el("bdi", {}, text))))),
      el("tbody", {}, row("true", ({ activation }) => firing(activation)), row("expected", ({ predicted }) => firing(predicted)))));
}

/** Some of a window about a match, its tokens framed. */
function excerptOf({ tokens }, { pivot, first }, fires, around = 5) {
  const start = Math.max(0, first - around);
  const stop = Math.min(tokens.length, pivot + 1 + around);
  const parts = tokens.slice(start, stop).map((token, at) => {
    const span = tokenSpan(token, fires);
    const k = start + at;
    if (k >= first && k <= pivot) span.classList.add("matched");
    if (k === pivot) span.classList.add("pivot");
    return [spaceBefore(token), span];
  });
  return [start ? "… " : null, parts, stop < tokens.length ? " …" : null];
}
