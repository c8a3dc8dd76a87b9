// Texts token by token: the background is what the unit does, the band below what its graph expects.

const HEAT_STEPS = 10;
const WINDOW_GROUPS = {
  strongest: { name: "Strongest", heading: "Where it is strongest",
    told: "The highest activations in the test text, one a document." },
  firing: { name: "Firing", heading: "Firings at random",
    told: "Drawn from all places where it fires, weak ones too." },
  mistake: { name: "Mistake", heading: "Mistakes of the graph",
    told: "Where the unit fires and the graph does not say so, or the reverse." },
  random: { name: "Random", heading: "Random text",
    told: "Drawn without looking at the unit; the same pieces for all units." },
};

// The step of the colour scale, 0 to 10; what lies outside 0 to 1 counts as the nearest.
function heatStep(activation) {
  return Math.round(HEAT_STEPS * Math.min(Math.max(activation || 0, 0), 1));
}

// The scale with its numbers, and, unless `fires` is null, from where on a unit fires.
function heatScale(fires) {
  const steps = Array.from({ length: HEAT_STEPS + 1 }, (_, step) =>
    el("span", { data: { heat: step }, class: fires !== null && step === heatStep(fires) ? "from" : null }));
  const firing = fires === null ? "" : `; from ${share(fires)} on it fires`;
  return el("span", { class: "heat-scale" }, el("span", {}, "0"),
    el("span", { class: "heat-steps", "aria-hidden": "true" }, steps), el("span", {}, "1"),
    el("span", {}, `share of the unit’s maximum${firing}`));
}

/** By node the places in windows where its path matches: [{window, pivot, first}], tokens counted from 0. */
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
  if (pivot < line.length - 1) return false;
  return line.every((token, distance) => token < 0 || token === tokens[pivot - distance].id);
}

/** The texts of a unit in their groups: {element, show(matches), open(window), name(window)}. */
function windowsPart(windows, fires) {
  const names = windowNames(windows);
  const part = { windows, fires, names, spans: [], lines: [], shown: [], numbers: false };
  const groups = Object.keys(WINDOW_GROUPS).map((kind) => groupOf(part, kind));
  const toggle = el("button", { type: "button", "aria-pressed": "false" }, "Numbers");
  toggle.addEventListener("click", () => toggleNumbers(part, toggle));
  const pieces = smallNote("Each is a piece of a longer text, and what stood before it counts too.");
  return {
    element: el("div", {}, windowsLegend(fires), pieces, el("p", {}, toggle), groups),
    show: (matches) => showMatches(part, matches),
    open: (window) => part.lines[window].focus(),
    name: (window) => part.names[window],
  };
}

function windowNames(windows) {
  const counted = {};
  return windows.map(({ kind }) => {
    counted[kind] = (counted[kind] || 0) + 1;
    return `${WINDOW_GROUPS[kind].name} ${counted[kind]}`;
  });
}

function windowsLegend(fires) {
  const sample = (heat, band, name = "token") => el("span", { class: name, data: { heat, band } }, "token");
  return el("ul", { class: "legend window-legend" },
    el("li", {}, el("span", {}, "Background: activation"), heatScale(fires)),
    el("li", {}, sample(0, 8), "Band below, the higher the stronger: what the graph expects"),
    el("li", {}, sample(heatStep(fires), 0, "token fires"), "Bold and underlined: the unit fires"));
}

function groupOf(part, kind) {
  const here = part.windows.map((_, place) => place).filter((place) => part.windows[place].kind === kind);
  const { heading, told } = WINDOW_GROUPS[kind];
  if (!here.length) return null;
  const many = el("span", { class: "quiet small how-many" }, count(here.length));
  return el("section", {}, el("h3", {}, heading, " ", many), smallNote(told),
    el("ul", { class: "window-list" }, here.map((place) => windowItem(part, place))));
}

function windowItem(part, place) {
  const { tokens } = part.windows[place];
  const label = `${part.names[place]}: text of ${plural(tokens.length, "token")}; arrow keys go through them`;
  const spans = tokens.map((token) => tokenSpan(token, part.fires));
  const line = el("p", { class: "window", tabindex: "0", role: "group", "aria-label": label },
    tokens.map((token, k) => [spaceBefore(token), spans[k]]));
  const told = el("p", { class: "small quiet told" }, summaryOf(part, place));
  part.spans[place] = spans;
  part.lines[place] = line;
  listenToWindow(part, place, line, told);
  return el("li", {}, el("span", { class: "small quiet name" }, part.names[place]), line, told);
}

function tokenSpan({ text, activation, predicted }, fires) {
  const name = activation >= fires ? "token fires" : "token";
  const data = { heat: heatStep(activation), band: heatStep(predicted) };
  return el("span", { class: name, data }, wordOfToken(text));
}

// A token that begins with a space stands apart from the one before it.
function spaceBefore({ text }) {
  return text.length > 1 && text[0] === "␣" ? " " : null;
}

// What the text is there for, in words: its strongest token, or the mistake.
function summaryOf({ windows, fires }, place) {
  const { kind, tokens } = windows[place];
  const wrong = kind === "mistake" ? worstMistake(tokens, fires) : null;
  if (wrong) return [wrong.activation >= fires ? "A miss: " : "A false alarm: ", numbersOfToken(wrong)];
  const strongest = tokens.reduce((best, each) => (each.activation > best.activation ? each : best));
  return ["Strongest here: ", numbersOfToken(strongest)];
}

function worstMistake(tokens, fires) {
  const gap = ({ activation, predicted }) => Math.abs(activation - predicted);
  return tokens.filter(({ activation, foretold }) => (activation >= fires) !== foretold)
    .sort((a, b) => gap(b) - gap(a))[0];
}

function numbersOfToken({ text, activation, predicted }) {
  const numbers = `, true ${share(activation)}, expected ${share(predicted)}`;
  return [el("bdi", { class: "said-token" }, text), numbers];
}

// The numbers of a token stand below its text while it is pointed at, or reached with the arrow keys.
function listenToWindow(part, place, line, told) {
  const { tokens } = part.windows[place];
  const spans = part.spans[place];
  let current = -1;
  const tell = (k) => {
    if (current >= 0) spans[current].classList.remove("current");
    current = k;
    if (k < 0) return fill(told, summaryOf(part, place));
    spans[k].classList.add("current");
    return fill(told, `Token ${k + 1} of ${tokens.length}: `, numbersOfToken(tokens[k]));
  };
  line.addEventListener("pointerover", ({ target }) => spans.includes(target) && tell(spans.indexOf(target)));
  line.addEventListener("pointerleave", () => tell(-1));
  line.addEventListener("blur", () => tell(-1));
  line.addEventListener("keydown", (event) => {
    const next = tokenTowards(event, current, tokens.length - 1);
    if (next === undefined) return;
    event.preventDefault();
    announce(tell(next).textContent);
  });
}

function tokenTowards({ key, ctrlKey, metaKey, altKey }, current, last) {
  if (ctrlKey || metaKey || altKey) return undefined;
  if (key === "ArrowRight") return Math.min(current + 1, last);
  if (key === "ArrowLeft") return Math.max(current - 1, 0);
  return { Home: 0, End: last }[key];
}

// The tokens of matches are framed, the activating ones more.
function showMatches(part, matches) {
  for (const span of part.shown) span.classList.remove("matched", "pivot");
  part.shown = [];
  const windows = new Set(matches.map(({ window }) => window));
  part.lines.forEach((line, window) => line.classList.toggle("has-match", windows.has(window)));
  for (const { window, pivot, first } of matches) {
    const spans = part.spans[window].slice(first, pivot + 1);
    for (const span of spans) span.classList.add("matched");
    spans[spans.length - 1].classList.add("pivot");
    part.shown.push(...spans);
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
  const number = (x) => el("td", { class: "number" }, x >= fires ? el("strong", {}, share(x)) : share(x));
  const heads = tokens.map(({ text }) => el("th", { scope: "col", class: "number" }, el("bdi", {}, text)));
  const row = (head, of) =>
    el("tr", {}, el("th", { scope: "row" }, head), tokens.map((token) => number(of(token))));
  const label = `Numbers of ${names[place]}`;
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    el("table", { class: "token-numbers" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "token"), heads)),
      el("tbody", {}, row("true", ({ activation }) => activation),
        row("expected", ({ predicted }) => predicted))));
}

/** Some of a window about a match, its tokens framed. */
function excerptOf({ tokens }, { pivot, first }, fires, around = 5) {
  const start = Math.max(0, first - around);
  const stop = Math.min(tokens.length, pivot + 1 + around);
  const parts = tokens.slice(start, stop).map((token, at) => {
    const span = tokenSpan(token, fires);
    span.classList.toggle("matched", start + at >= first && start + at <= pivot);
    span.classList.toggle("pivot", start + at === pivot);
    return [spaceBefore(token), span];
  });
  return [start ? "… " : null, parts, stop < tokens.length ? " …" : null];
}
