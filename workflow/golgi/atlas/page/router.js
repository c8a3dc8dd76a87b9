// Addresses are in the fragment, so that a page opened from a folder can be linked to:
// #/unit/mini/1500/mlp_post/1/277

const views = new Map();
let visits = 0; // one more at every change of page: a slow page must not draw over a newer one
let leave = null;
let shown = null; // name of the view shown
let place = null; // {model, checkpoint} last looked at, which the navigation keeps

function view(name, { title, draw }) {
  views.set(name, { title, draw });
}

// params: a list of the parts, in order. query: an object; empty values are left out.
function link(name, params = [], query = {}) {
  const path = [name, ...params].map((part) => encodeURIComponent(String(part))).join("/");
  return "#/" + path + queryText(query);
}

function queryText(query) {
  const empty = (value) => value === null || value === undefined || value === "";
  const parts = Object.entries(query || {}).filter(([, value]) => !empty(value))
    .map((pair) => pair.map((part) => encodeURIComponent(String(part))).join("="));
  return parts.length ? "?" + parts.join("&") : "";
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    return text;
  }
}

// {name, params: [..], query: {..}} of an address.
function readAddress(hash = window.location.hash) {
  const text = hash.replace(/^#\/?/, "");
  const mark = text.indexOf("?");
  const path = mark < 0 ? text : text.slice(0, mark);
  const [name, ...params] = path.split("/").map(decoded);
  const query = {};
  for (const pair of mark < 0 ? [] : text.slice(mark + 1).split("&")) {
    const [key, ...value] = pair.split("=");
    if (key) query[decoded(key)] = decoded(value.join("="));
  }
  return { name, params, query };
}

function go(href) {
  window.location.hash = href.replace(/^[^#]*#?/, "#");
}

// The address changes, the page does not: where a control has already drawn what the address says.
function replaceAddress(name, params, query) {
  history.replaceState(null, "", link(name, params, query));
  rememberPlace(params);
  drawNavigation();
}

function setQuery(changes) {
  const { name, params, query } = readAddress();
  replaceAddress(name, params, { ...query, ...changes });
}

function notFound(message) {
  const error = new Error(message);
  error.notFound = true;
  return error;
}

function currentPlace() {
  if (place) return place;
  const model = study().models[0];
  return { model: model.name, checkpoint: lastTrained(model).name };
}

function rememberPlace([name, checkpoint]) {
  const model = study().models.find((each) => each.name === name);
  const known = model && model.checkpoints.some((each) => each.name === checkpoint);
  if (known) place = { model: name, checkpoint };
}

async function route() {
  const address = readAddress();
  if (!address.name) {
    const { model, checkpoint } = currentPlace();
    replaceAddress("map", [model, checkpoint], {});
    return route();
  }
  const visit = ++visits;
  const main = document.getElementById("main");
  const focused = focusedIdIn(main);
  const again = shown === address.name;
  leavePage(main);
  rememberPlace(address.params);
  shown = address.name;
  // A page that is left while it draws keeps a node that is no longer in the document.
  const page = el("div", { class: "view view-" + (views.has(address.name) ? address.name : "missing") });
  fill(main, page);
  drawNavigation();
  if (!again) window.scrollTo(0, 0);
  await drawPage(page, address, visit);
  if (visit === visits && visit > 1) focusPage(page, again ? focused : "");
}

function leavePage(main) {
  if (leave) leave();
  leave = null;
  forgetWithin(main);
}

async function drawPage(page, { name, params, query }, visit) {
  const known = views.get(name);
  try {
    if (!known) throw notFound(`This atlas has no page “${name}”.`);
    document.title = `${known.title(params)} · ${study().title}`;
    const waiting = setTimeout(() => page.classList.add("waiting"), 300);
    const left = await Promise.resolve(known.draw(page, params, query)).finally(() => clearTimeout(waiting));
    page.classList.remove("waiting");
    if (typeof left !== "function") return;
    if (visit === visits) leave = left;
    else left();
  } catch (error) {
    if (visit === visits) drawFailure(page, error);
  }
}

function drawFailure(page, error) {
  if (!error.notFound) console.error(error);
  const heading = error.notFound ? "There is no such page" : "This page could not be drawn";
  document.title = `${heading} · ${study().title}`;
  forgetWithin(page);
  page.classList.remove("waiting");
  fill(page, el("h1", {}, heading), el("p", { role: "alert" }, error.message), el("p", {}, "What there is:"),
    el("ul", {}, pagesOfAtlas().map(({ text, href }) => el("li", {}, el("a", { href }, text)))),
    el("h2", {}, "Models and checkpoints"),
    el("ul", {}, study().models.map(({ name, checkpoints }) => el("li", {}, name + ": ",
      checkpoints.map((each, at) =>
        [at ? ", " : "", el("a", { href: link("map", [name, each.name]) }, each.label)])))));
}

// A control that was used and is there again keeps the focus; else the heading gets it.
function focusPage(page, id) {
  const same = id ? document.getElementById(id) : null;
  const heading = page.querySelector("h1");
  if (same && page.contains(same)) same.focus({ preventScroll: true });
  else if (heading) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
}

function startRouter() {
  window.addEventListener("hashchange", route);
  return route();
}
