// Find: the units that meet conditions, as these are typed. A keystroke passes once over all units, in typed
// arrays; text is made only of the rows that are shown.

const FIND_SHOWN = 50;
const FIND_PAUSE_MS = 700; // in typing, after which a reader is told and the address is written
const FIND_TOKENS = [
  { key: "fires", role: 0, label: "Fires on the token", head: "Fires on", words: "fires on" },
  { key: "needs", role: 1, label: "Needs before it the token", head: "Needs", words: "needs" },
];
const FIND_RANGES = [
  { key: "layer", label: "Layer", words: "layer", step: 1, of: (data) => data.layer },
  { key: "ap", label: "Best AP", words: "best AP", step: 0.01, of: (data) => data.units.ap },
  { key: "f1", label: "F1 of the graph", words: "F1", step: 0.01, of: (data) => data.units.f1 },
  { key: "concepts", label: "Concepts it is an expert of", words: "number of concepts", step: 1,
    of: (data) => data.units.concepts },
];

view("find", { title: () => "Find units", draw: drawFind });

async function drawFind(main, params, query) {
  const model = modelNamed(query.model || currentPlace().model);
  const checkpoint = checkpointNamed(model, query.checkpoint || lastTrained(model).name);
  const state = { model, checkpoint, sort: query.sort || "", completed: {} };
  state.page = Math.max(1, Math.trunc(query.page) || 1);
  state.chosen = Boolean(query.rows); // on the map: rows as ranges, 0-47,96-110
  state.form = el("form", { class: "find", role: "search", "aria-label": "Units", novalidate: true, on: {
    submit: (event) => event.preventDefault(),
    input: () => askAgain(state),
    change: () => writeFound(state),
  } });
  state.notes = el("div", {});
  state.told = el("p", { class: "find-count" });
  state.found = el("div", {});
  const place = { model: model.name, checkpoint: checkpoint.name };
  const picker = placePicker(place, (changed) => moveFind(state, changed), { id: "find-place" });
  await readFind(state, query);
  if (!main.isConnected) return; // left while it was read
  fill(main, el("h1", {}, "Find units"), picker, state.notes, state.form, state.told, state.found);
  await showFound(state);
  writeFound(state);
  return () => { state.left = true; clearTimeout(state.pause); };
}

async function moveFind(state, { model, checkpoint }) {
  if (model !== state.model.name) state.chosen = false; // rows of another model
  state.model = modelNamed(model);
  state.checkpoint = checkpointNamed(model, checkpoint);
  state.page = 1;
  try {
    if (!await readFind(state, askedIn(state.form))) return;
    await showFound(state);
    writeFound(state);
    announce(state.told.textContent);
  } catch (error) {
    tellFailure(state, error);
  }
}

function tellFailure(state, error) {
  fill(state.notes, el("p", { role: "alert" }, error.message));
  fill(state.told);
  fill(state.found);
}

// Reads a model and checkpoint, draws the form anew with what is wished for; false where another came first.
async function readFind(state, wishes) {
  const { model, checkpoint } = state;
  const data = await findData(model, checkpoint);
  if (state.left || state.checkpoint !== checkpoint || state.model !== model) return false;
  state.data = data;
  fill(state.form, findFields(state));
  const refused = [];
  for (const control of state.form.elements) {
    const wish = wishes[control.name];
    if (!control.name || wish === undefined) continue;
    if (control.type === "checkbox") control.checked = Boolean(wish);
    else {
      control.value = wish;
      if (control.value !== wish) refused.push(`${nameOfControl(control)} “${wish}”`);
      if (control.selectedIndex < 0) control.selectedIndex = 0;
    }
  }
  fill(state.notes, data.missing ? el("p", { class: "quiet" }, data.missing) : null,
    refused.length ? el("p", { role: "alert" }, `Not here, so left out: ${refused.join(", ")}.`) : null);
  return true;
}

function nameOfControl({ id, name, form }) {
  const range = FIND_RANGES.find(({ key }) => name.startsWith(key + "_"));
  return range ? range.words : form.querySelector(`label[for="${id}"]`).textContent.toLowerCase();
}

// What is looked at: typed arrays over a model's rows of units, and the index of tokens where there is one.
async function findData(model, checkpoint) {
  const units = await loadUnits(model, checkpoint);
  const data = { units, total: units.ap.length, orders: new Map(), index: null, missing: "" };
  data.rows = Uint32Array.from(units.ap, (_, row) => row);
  data.layer = new Uint16Array(data.total);
  data.site = new Uint8Array(data.total);
  for (const { site, layer, start, width } of bandsOf(model)) {
    data.layer.fill(layer, start, start + width);
    data.site.fill(model.sites.findIndex(({ name }) => name === site), start, start + width);
  }
  if (!checkpoint.tokens) {
    data.missing = study().has.graphs
      ? `No graphs were built of ${model.name} at ${checkpoint.label}: no unit is found by a token or F1.`
      : "This study has no neuron graphs: no unit is found by a token or F1.";
    return data;
  }
  try {
    const chunks = [loadChunk(chunkName("search", model, checkpoint)), loadChunk(checkpoint.tokens)];
    const [rows, tokens] = await Promise.all(chunks);
    data.index = tokenIndex(rows.columns, tokens.head.texts, data.total);
  } catch (error) {
    data.missing = error.message; // all other conditions still work
  }
  return data;
}

function findFields(state) {
  const { model, data } = state;
  const lowest = Math.min(...study().thresholds);
  const least = { type: "number", step: 0.01, min: lowest, max: 1, value: study().threshold };
  const named = ({ name }) => el("option", { value: name }, name);
  const anyOf = (kind) => el("option", { value: "" }, `any ${kind}`);
  const concepts = study().categories.map((category, index) => el("optgroup", { label: category },
    study().concepts.filter((each) => each.category === index).map(named)));
  const sites = model.sites.map(named);
  return [
    FIND_TOKENS.map(({ key, label }) => tokenField(key, label, !data.index)),
    findField("concept", "Expert of", findSelect("concept", anyOf("concept"), concepts)),
    findField("least", `… at an AP of at least (from ${share(lowest)})`, findInput("least", least)),
    sites.length > 1 ? findField("site", "Site", findSelect("site", anyOf("site"), sites)) : null,
    FIND_RANGES.map(rangeField),
    el("div", { class: "field check" }, findInput("graph", { type: "checkbox", value: "1" }),
      el("label", { for: "find-graph" }, "has a graph")),
    state.chosen ? findField("rows", "Chosen on the map",
      findInput("rows", { type: "text", spellcheck: "false" })) : null,
    el("button", { type: "button", on: { click: () => clearFind(state) } }, "Clear all conditions"),
    data.index ? el("p", { class: "quiet small", id: "find-matching" }, "A token is found by its text, then ",
      "but for a space before it, which is shown as ␣, then but for capitals.") : null,
  ];
}

function findField(key, label, ...controls) {
  return el("div", { class: "field" }, el("label", { for: `find-${key}` }, label), controls);
}

function findInput(name, attributes) {
  return el("input", { id: `find-${name}`, name, autocomplete: "off", ...attributes });
}

function findSelect(name, ...options) {
  return el("select", { id: `find-${name}`, name }, options);
}

function tokenField(key, label, disabled) {
  const known = `find-${key}-known`;
  const attributes = { type: "text", list: known, disabled, spellcheck: "false", autocapitalize: "none",
    "aria-describedby": disabled ? null : "find-matching" };
  return findField(key, label, findInput(key, attributes), el("datalist", { id: known }));
}

function rangeField({ key, label, step }) {
  const ends = ["from", "to"].map((end) => {
    const name = `${key}_${end}`;
    return [el("label", { for: `find-${name}` }, end),
      findInput(name, { type: "number", step, min: 0, max: step < 1 ? 1 : null })];
  });
  const pair = el("div", { class: "row tight" }, ends);
  return el("fieldset", { class: "field find-range" }, el("legend", {}, label), pair);
}

// Texts of the conditions by name, "" where one is not set.
function askedIn(form) {
  const asked = {};
  for (const { name, type, value, checked } of form.elements) {
    if (name) asked[name] = type === "checkbox" && !checked ? "" : value;
  }
  return asked;
}

// Unsets the named conditions, or all.
function clearFind(state, names) {
  for (const control of state.form.elements) {
    if (!control.name || (names && !names.includes(control.name))) continue;
    if (control.type === "checkbox") control.checked = false;
    else control.value = control.name === "least" ? study().threshold : "";
  }
  state.form.querySelector(names ? `[name="${names[0]}"]` : "input:not(:disabled)").focus();
  askAgain(state);
}

function askAgain(state) {
  state.page = 1;
  clearTimeout(state.pause);
  state.pause = setTimeout(() => { writeFound(state); announce(state.told.textContent); }, FIND_PAUSE_MS);
  return showFound(state);
}

// The address says what is asked. Browsers bound how often it may change: not at every keystroke.
function writeFound(state) {
  if (state.left) return;
  const asked = askedIn(state.form);
  if (!asked.concept) asked.least = null;
  const place = { model: state.model.name, checkpoint: state.checkpoint.name };
  setQuery({ ...place, rows: null, ...asked, sort: state.sort,
    page: state.page > 1 ? state.page : null });
}

async function showFound(state) {
  const { data, model, checkpoint } = state;
  try {
    if (!data.experts && askedIn(state.form).concept) {
      data.experts = (await loadChunk(chunkName("experts", model, checkpoint))).columns;
    }
  } catch (error) {
    tellFailure(state, error);
    return;
  }
  if (state.left || state.data !== data) return;
  const asked = askedIn(state.form);
  completeTokens(state, asked);
  const conditions = findConditions(state, asked);
  const missed = missedConditions(data.total, conditions);
  const said = conditions.map(({ words }) => words).join("; ") || "no condition set";
  fill(state.told, el("strong", {}, toldNumber(missed.found, data.total)), `: ${said}`);
  drawFound(state, asked, conditions, missed);
}

function toldNumber(found, total) {
  if (found === total) return `All ${plural(total, "unit")}`;
  return `${found ? plural(found, "unit") : "No unit"} of ${count(total)}`;
}

function completeTokens({ data, form, completed }, asked) {
  for (const { key, role } of data.index ? FIND_TOKENS : []) {
    const list = form.querySelector(`#find-${key}-known`);
    if (list.firstChild && completed[key] === asked[key]) continue;
    completed[key] = asked[key];
    const texts = tokensBeginning(data.index, role, asked[key], 12);
    fill(list, texts.map((text) => el("option", { value: text })));
  }
}

// {names of its controls, words, meets(row)} of every condition that is set.
function findConditions({ data, model }, asked) {
  const conditions = [];
  for (const { key, role, words } of FIND_TOKENS) {
    if (!asked[key]) continue;
    const match = data.index && tokenMatch(data.index, role, asked[key], data.total);
    const meets = (row) => match !== null && match.rank[row] > 0;
    conditions.push({ names: [key], words: `${words} “${readableToken(asked[key])}”`, match, meets });
  }
  if (asked.concept) conditions.push(expertCondition(data, asked));
  if (asked.site) {
    const site = model.sites.findIndex(({ name }) => name === asked.site);
    conditions.push({ names: ["site"], words: `at ${asked.site}`, meets: (row) => data.site[row] === site });
  }
  for (const range of FIND_RANGES) {
    const ends = ["from", "to"].map((end) => asked[`${range.key}_${end}`]);
    if (ends.some((end) => end !== "")) conditions.push(rangeCondition(range, ends, range.of(data)));
  }
  if (asked.graph) {
    const { graph } = data.units;
    conditions.push({ names: ["graph"], words: "has a graph", meets: (row) => graph[row] !== NO_GRAPH });
  }
  if (asked.rows) conditions.push(chosenCondition(data.total, asked.rows));
  return conditions;
}

// Rows chosen on the map, as ranges with both ends: 0-47,96-110
function chosenCondition(total, text) {
  const chosen = new Uint8Array(total);
  for (const range of text.split(",")) {
    const [first, last = first] = range.split("-").map(Number);
    if (first >= 0 && last >= first) chosen.fill(1, first, last + 1);
  }
  return { names: ["rows"], words: "chosen on the map", meets: (row) => chosen[row] === 1 };
}

function expertCondition({ experts, total }, { concept, least }) {
  const index = study().concepts.findIndex(({ name }) => name === concept);
  const from = Number(least) || Math.min(...study().thresholds);
  const ap = new Float32Array(total); // 0 of all others
  for (let k = experts.start[index]; k < experts.start[index + 1] && reaches(experts.ap[k], from); k++) {
    ap[experts.row[k]] = experts.ap[k]; // AP falls within a concept
  }
  const words = `expert of ${concept} at an AP from ${share(from)}`;
  return { names: ["concept", "least"], words, concept, ap, meets: (row) => ap[row] > 0 };
}

function rangeCondition({ key, words, step }, [from, to], values) {
  // The numbers are stored in 32 bits: so are the bounds, or .9 would not reach .9.
  const low = from === "" ? -Infinity : Math.fround(from);
  const high = to === "" ? Infinity : Math.fround(to);
  const text = (number) => (step < 1 ? share(Number(number)) : String(number));
  const end = (word, number) => (number === "" ? "" : ` ${word} ${text(number)}`);
  return {
    names: [`${key}_from`, `${key}_to`],
    words: words + end("from", from) + end(from === "" ? "up to" : "to", to),
    meets: (row) => values[row] >= low && values[row] <= high,
    distance: (row) => Math.max(low - values[row], values[row] - high),
    text: (row) => text(values[row]),
  };
}

// Of every row how many conditions it misses, and, where it is one, which (from 1 on); how many miss none.
function missedConditions(total, conditions) {
  const missed = new Uint8Array(total);
  const which = new Uint8Array(total);
  let found = 0;
  for (let row = 0; row < total; row++) {
    for (let k = 0; k < conditions.length; k++) {
      if (conditions[k].meets(row)) continue;
      missed[row]++;
      which[row] = k + 1;
    }
    if (!missed[row]) found++;
    if (missed[row] > 1) which[row] = 0;
  }
  return { missed, which, found };
}
