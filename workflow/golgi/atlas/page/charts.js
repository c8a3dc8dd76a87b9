// Charts by Plotly, in the colours of the page. Plotly is large: it is read when the first chart is drawn.

const charts = new Map(); // container -> what it shows, to draw it again when the theme changes
const CATEGORY_COLOURS = 8;
let categoryOrder = null; // categories with a colour of their own, where there are too few colours for all
let plotlyLoading = null;

function themeColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

function palette() {
  const names = ["ink", "quiet", "line", "page", "soft", "link", "accent", "warn", "other", "none"];
  const colours = Object.fromEntries(names.map((name) => [name, themeColour(name)]));
  colours.categories = Array.from({ length: CATEGORY_COLOURS }, (_, at) => themeColour("category-" + at));
  const steps = themeColour("sequential").split(/\s+/);
  colours.sequential = steps.map((colour, step) => [step / (steps.length - 1), colour]);
  return colours;
}

// Colours go to the categories in their order, or to those with the most experts where there are too many.
function orderCategories(experts) {
  const all = study().categories.map((_, index) => index);
  if (all.length <= CATEGORY_COLOURS) return;
  const most = all.sort((a, b) => experts[b] - experts[a] || a - b).slice(0, CATEGORY_COLOURS);
  categoryOrder = most.sort((a, b) => a - b);
}

// Place of a category among the colours, -1: it shares the colour of the others.
function categoryPlace(index) {
  if (categoryOrder) return categoryOrder.indexOf(index);
  return index < CATEGORY_COLOURS ? index : -1;
}

function categoryColour(index) {
  const at = categoryPlace(index);
  return themeColour(at < 0 ? "other" : "category-" + at);
}

function loadPlotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  if (!plotlyLoading) {
    plotlyLoading = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.onload = () => resolve(window.Plotly);
      const missing = "The file plotly.min.js of this atlas is missing: no chart can be drawn.";
      script.onerror = () => reject(new Error(missing));
      script.src = "plotly.min.js";
      document.head.append(script);
    });
  }
  return plotlyLoading;
}

// traces and layout: as Plotly takes them, or functions that make them, called again when the theme changes.
async function chart(container, traces, layout, options = {}) {
  const known = charts.get(container);
  const entry = known || { listening: false };
  Object.assign(entry, { traces, layout, options });
  charts.set(container, entry);
  container.classList.add("chart");
  if (options.role !== "none") container.setAttribute("role", "img");
  if (options.label) container.setAttribute("aria-label", options.label);
  if (options.height) container.style.minHeight = options.height + "px";
  const plotly = await loadPlotly();
  if (charts.get(container) !== entry || !container.isConnected) return;
  await drawChart(plotly, container, entry);
}

async function drawChart(plotly, container, entry) {
  const made = (thing) => (typeof thing === "function" ? thing() : thing);
  const layout = themed(made(entry.layout) || {}, entry.options);
  const config = { displayModeBar: false, displaylogo: false, responsive: true, doubleClick: false };
  await plotly.react(container, made(entry.traces), layout, { ...config, ...entry.options.config });
  if (entry.listening) return;
  entry.listening = true;
  container.on("plotly_click", (event) => entry.options.onClick && entry.options.onClick(event));
  container.on("plotly_selected", (event) => entry.options.onSelect && entry.options.onSelect(event));
  container.on("plotly_hover", (event) => entry.options.onHover && entry.options.onHover(event));
  container.on("plotly_unhover", (event) => entry.options.onUnhover && entry.options.onUnhover(event));
}

function themed(layout, { height }) {
  const colours = palette();
  const font = { family: "system-ui, sans-serif", size: 13, color: colours.ink };
  const made = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font, showlegend: false, autosize: true,
    margin: { l: 56, r: 12, t: 12, b: 44 }, dragmode: false, hovermode: "closest",
    hoverlabel: {
      bgcolor: colours.page, bordercolor: colours.quiet, font: { ...font, size: 12 }, align: "left",
    },
    ...(height ? { height } : {}), ...layout,
  };
  const axes = Object.keys(made).filter((name) => /^[xy]axis\d*$/.test(name));
  for (const name of new Set(["xaxis", "yaxis", ...axes])) made[name] = themedAxis(made[name] || {}, colours);
  return made;
}

function themedAxis(axis, colours) {
  const title = typeof axis.title === "string" ? { text: axis.title } : axis.title;
  return {
    gridcolor: colours.line, zerolinecolor: colours.line, linecolor: colours.quiet, tickcolor: colours.quiet,
    tickfont: { color: colours.ink, size: 12 }, zeroline: false, automargin: true, fixedrange: true, ...axis,
    ...(title ? { title: { standoff: 8, font: { color: colours.ink, size: 13 }, ...title } } : {}),
  };
}

function forget(container) {
  if (!charts.delete(container)) return;
  if (window.Plotly) window.Plotly.purge(container);
}

function forgetWithin(parent) {
  for (const container of [...charts.keys()]) {
    if (parent.contains(container) || !container.isConnected) forget(container);
  }
}

// What is drawn by hand in colours of the page listens to this too.
const THEME_EVENT = "golgi-theme";

function themeChanged() {
  document.dispatchEvent(new Event(THEME_EVENT));
  for (const [container, entry] of charts) {
    if (entry.listening) drawChart(window.Plotly, container, entry);
  }
}
