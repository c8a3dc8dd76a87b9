// Building blocks of every page. Text is only ever set as text: it is a stranger's.

const SVG = "http://www.w3.org/2000/svg";
const ADDRESSES = new Set(["href", "src", "action", "xlink:href"]);
const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "hidden", "indeterminate"]);

function el(tag, attributes, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

function furnish(node, attributes, children) {
  // Children first: the value of a <select> is one of them.
  node.append(...childNodesOf(children));
  for (const [name, value] of Object.entries(attributes || {})) setAttribute(node, name, value);
  return node;
}

function setAttribute(node, name, value) {
  if (value === null || value === undefined) return;
  if (name === "text") node.append(String(value));
  else if (name === "style") setStyle(node, value);
  else if (name === "on") {
    for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
  } else if (name === "data") Object.assign(node.dataset, value);
  else if (PROPERTIES.has(name) && node.namespaceURI !== SVG) node[name] = value;
  else if (name.startsWith("aria-")) node.setAttribute(name, String(value));
  else if (/^on/i.test(name) || (ADDRESSES.has(name) && /^\s*(javascript|data|vbscript):/i.test(value))) {
    throw new Error(`The attribute ${name} may not hold a script.`);
  } else if (value !== false) node.setAttribute(name, value === true ? "" : String(value));
}

function setStyle(node, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) node.style.setProperty(name, value);
    else node.style[name] = value;
  }
}

function childNodesOf(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

function fill(parent, ...children) {
  parent.replaceChildren(...childNodesOf(children));
  return parent;
}

// Id of what has the focus within a node, "" where nothing has: for what is drawn anew under a hand.
function focusedIdIn(node) {
  const active = document.activeElement;
  return active && node.contains(active) ? active.id : "";
}

let announcing = 0;

function announce(text) {
  const live = document.getElementById("live");
  if (!live) return;
  live.textContent = "";
  // A reader is told of a change only; the same words said twice need the empty moment between.
  clearTimeout(announcing);
  announcing = setTimeout(() => { live.textContent = text; }, 60);
}

function share(x, digits = 2) {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  const text = Math.abs(x).toFixed(digits).replace(/^0(?=\.)/, "");
  return x < 0 && Number(text) !== 0 ? "−" + text : text;
}

const WHOLE = new Intl.NumberFormat("en-GB");

function count(n) {
  return WHOLE.format(n);
}

function plural(n, noun, nouns = noun + "s") {
  return `${count(n)} ${n === 1 ? noun : nouns}`;
}

// Plotly reads <b> and <a href> in text; a stranger's text must not speak to it.
function plotText(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function tableOf(columns, rows, { caption, label, rowClass } = {}) {
  const head = columns.map((column) => el("th", { scope: "col", class: numberClass(column) }, column.head));
  const body = rows.map((row, place) =>
    el("tr", { class: rowClass ? rowClass(row, place) : null },
      columns.map((column) => el("td", { class: numberClass(column) }, column.cell(row, place)))));
  const named = label || caption || "Table";
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": named },
    el("table", {}, caption ? el("caption", {}, caption) : null,
      el("thead", {}, el("tr", {}, head)), el("tbody", {}, body)));
}

function numberClass(column) {
  return column.number ? "number" : null;
}
