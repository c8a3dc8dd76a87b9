// What was found: the order of the units, their table, and what to do where there are none.

const FOUND_TOKENS = 6; // shown of a unit
const FOUND_LIKE = 8; // tokens offered for one that is not there

function drawFound(state, asked, conditions, { missed, which, found }) {
  const { data } = state;
  const columns = foundColumns(state, conditions);
  const sorted = sortOf(columns, state.sort);
  const active = document.activeElement;
  const id = active && state.found.contains(active) ? active.id : "";
  fill(state.found,
    found ? null : nothingFound(state, asked, conditions, which),
    found && conditions.length ? null : findExamples(state),
    found ? foundTable(state, columns, sorted, rowsInOrder(data, missed, found, sorted)) : null);
  const again = id && document.getElementById(id);
  if (again) (again.disabled ? state.found.querySelector(".scroll") : again).focus({ preventScroll: true });
}

// {key, head, values by row, down: falls at first, fixed: the same whatever is asked, cell(row), number}
function foundColumns({ model, checkpoint, data }, conditions) {
  const { units, index } = data;
  const fixed = (key, head, values, more) => ({ key, head, values, fixed: true, ...more });
  const number = (key, head, values, digits) =>
    fixed(key, head, values, { number: true, down: true, cell: (row) => share(values[row], digits) });
  const best = (row) =>
    (units.best[row] === NO_CONCEPT ? "–" : conceptLink(model, checkpoint, units.best[row]));
  return [
    fixed("unit", "Unit", data.rows, { cell: (row) => unitLink(model, checkpoint, row) }),
    conditions.filter(({ match }) => match).map((condition) => matchColumn(condition, index)),
    conditions.filter(({ ap }) => ap).map(({ ap, concept }) =>
      ({ ...number("of", `AP for ${concept}`, ap), fixed: false })),
    fixed("best", "Best concept", conceptRanks(data), { cell: best }),
    number("ap", "Its AP", units.ap),
    fixed("concepts", "Concepts", units.concepts,
      { number: true, down: true, cell: (row) => count(units.concepts[row]) }),
    number("f1", "F1", units.f1),
    number("rate", "Firing rate, of sentences", units.rate, 3),
    index ? { head: "Fires on", cell: (row) => tokenChips(tokensOfUnit(index, row, 0)) } : [],
  ].flat();
}

function matchColumn({ names: [key], match }, index) {
  const { head } = FIND_TOKENS.find((each) => each.key === key);
  const forms = (row) => tokensOfUnit(index, row, match.role).filter(({ id }) => match.forms.has(id));
  return { key, head: `${head} “${match.text}”`, values: match.rank, down: true,
    cell: (row) => [tokenChips(forms(row)), el("span", { class: "quiet" }, share(match.strength[row]))] };
}

// A place for every concept in the order of their names.
function conceptRanks(data) {
  if (!data.ranks) {
    const names = study().concepts.map(({ name }) => name).sort();
    const ranks = study().concepts.map(({ name }) => names.indexOf(name));
    data.ranks = Float32Array.from(data.units.best, (best) => (best === NO_CONCEPT ? NaN : ranks[best]));
  }
  return data.ranks;
}

function tokenChips(tokens) {
  const more = tokens.length - FOUND_TOKENS;
  return [
    tokens.slice(0, FOUND_TOKENS).map(({ text }) => [el("bdi", { class: "chip" }, text), " "]),
    more > 0 ? el("span", { class: "quiet small" }, `and ${count(more)} more`) : null,
  ];
}

// "ap" is from low to high, "-ap" from high to low; without a wish by what was asked for, else by AP.
function sortOf(columns, wish) {
  const column = columns.find(({ key }) => key && key === wish.replace(/^-/, ""));
  if (column) return { ...column, down: wish.startsWith("-") };
  const asked = columns.find(({ key, fixed }) => key && !fixed);
  return { ...(asked || columns.find(({ key }) => key === "ap")), down: true };
}

// Rows that miss no condition, in order. That of all units by a fixed column is made once.
function rowsInOrder(data, missed, found, { key, down, values, fixed }) {
  const inOrder = (rows) => rows.sort((a, b) => {
    const x = values[a];
    const y = values[b];
    if (x === y) return a - b;
    // Without a value: last, from low to high and from high to low.
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
    return down ? y - x : x - y;
  });
  if (!fixed) {
    const rows = new Uint32Array(found);
    for (let row = 0, at = 0; row < data.total; row++) if (!missed[row]) rows[at++] = row;
    return inOrder(rows);
  }
  const name = key + (down ? " falling" : " rising");
  if (!data.orders.has(name)) data.orders.set(name, inOrder(data.rows.slice()));
  return data.orders.get(name).filter((row) => !missed[row]);
}

function foundTable(state, columns, sorted, rows) {
  const pages = Math.ceil(rows.length / FIND_SHOWN);
  state.page = Math.min(state.page, pages);
  const first = (state.page - 1) * FIND_SHOWN;
  const shown = Array.from(rows.subarray(first, first + FIND_SHOWN));
  const label = `Units ${count(first + 1)} to ${count(first + shown.length)} of ${count(rows.length)}`;
  const heads = columns.map((column) =>
    (column.key ? { ...column, head: sortButton(state, column, sorted) } : column));
  const table = tableOf(heads, shown, { label });
  table.querySelector("table").className = "listing";
  table.querySelectorAll("th").forEach((head, place) => {
    const { key } = columns[place];
    if (!key) return;
    head.setAttribute("aria-sort", key !== sorted.key ? "none" : sorted.down ? "descending" : "ascending");
  });
  return [table, pages > 1 ? pageButtons(state, pages, label) : null];
}

function sortButton(state, { key, head, down }, sorted) {
  const sort = () => {
    const falling = sorted.key === key ? !sorted.down : Boolean(down);
    turnTo(state, { sort: (falling ? "-" : "") + key, page: 1 },
      `Sorted by ${head}, ${falling ? "falling" : "rising"}`);
  };
  const sign = sorted.key !== key ? "" : sorted.down ? " ▾" : " ▴";
  return el("button", { type: "button", id: `find-sort-${key}`, class: "sorter", on: { click: sort } },
    el("bdi", {}, head), el("span", { class: "arrow", "aria-hidden": "true" }, sign));
}

async function turnTo(state, change, told) {
  Object.assign(state, change);
  await showFound(state);
  writeFound(state);
  announce(told);
}

function pageButtons(state, pages, label) {
  const turn = (id, text, page) => el("button", {
    type: "button", id, disabled: page < 1 || page > pages,
    on: { click: () => turnTo(state, { page }, `Page ${page} of ${pages}`) },
  }, text);
  return el("nav", { class: "pager row", "aria-label": "Pages of units" },
    turn("find-before", "Previous", state.page - 1), turn("find-after", "Next", state.page + 1),
    el("span", { class: "quiet" }, `${label}: page ${count(state.page)} of ${count(pages)}`));
}

// Where no unit meets all conditions: what is near, and which condition to leave out.
function nothingFound(state, asked, conditions, which) {
  const unknown = conditions.filter(({ match }) => match && !match.forms.size);
  const near = conditions.flatMap((condition, place) => withoutIt(state, condition, which, place + 1));
  return [
    unknown.map(({ names: [name], match }) => likeIt(state, name, match, asked[name])),
    near.length ? [el("h2", {}, "Units that miss one condition"), el("ul", { class: "find-near" }, near)]
      : el("p", {}, "There is none that misses one condition only."),
  ];
}

function likeIt(state, name, match, typed) {
  const texts = tokensNear(state.data.index, match.role, typed, FOUND_LIKE);
  const use = (text) => {
    state.form.querySelector(`[name="${name}"]`).value = text;
    state.form.querySelector(`[name="${name}"]`).focus();
    askAgain(state);
  };
  const role = match.role ? "needs before it" : "fires on";
  const buttons = texts.map((text) =>
    [el("button", { type: "button", on: { click: () => use(text) } }, el("bdi", {}, text)), " "]);
  return [
    el("p", {}, `At this checkpoint “${match.text}” is in no graph a token that its unit ${role}.`,
      texts.length ? " The nearest that are:" : ""),
    texts.length ? el("p", { class: "find-like" }, buttons) : null,
  ];
}

function withoutIt(state, { names, words, distance, text }, which, place) {
  let units = 0;
  let nearest = -1;
  for (let row = 0; row < which.length; row++) {
    if (which[row] !== place) continue;
    units++;
    if (!distance || Number.isNaN(distance(row))) continue;
    if (nearest < 0 || distance(row) < distance(nearest)) nearest = row;
  }
  if (!units) return [];
  const leave = el("button", { type: "button", on: { click: () => clearFind(state, names) } },
    "Leave out ", el("bdi", {}, words));
  const near = nearest < 0 ? "" : `, the nearest at ${text(nearest)}`;
  return [el("li", {}, leave, `: ${plural(units, "unit")}${near}`)];
}

function findExamples({ model, checkpoint, data }) {
  const { index, units } = data;
  const { concepts, threshold } = study();
  const experts = new Uint32Array(concepts.length);
  for (const row of data.rows) if (reaches(units.ap[row], threshold)) experts[units.best[row]]++;
  const { name } = concepts[experts.indexOf(Math.max(...experts))];
  if (!data.common) data.common = index ? [0, 1].map((role) => tokensBeginning(index, role, "", 1)[0]) : [];
  const [token, context] = data.common;
  const examples = [ // built of what is there
    token && [{ fires: token }, "fire on ", el("bdi", {}, token)],
    context && [{ needs: context, f1_from: "0.5" }, "need ", el("bdi", {}, context), ", with an F1 from .50"],
    [{ concept: name }, `are experts of ${name}`],
    [{ concepts_from: "3", sort: "-concepts" }, "are experts of three concepts or more"],
  ].filter(Boolean);
  const here = { model: model.name, checkpoint: checkpoint.name };
  const links = examples.map(([query, ...words]) =>
    el("li", {}, el("a", { href: link("find", [], { ...here, ...query }) }, words)));
  return el("div", { class: "find-examples" }, el("p", {}, "For example, units that"), el("ul", {}, links));
}
