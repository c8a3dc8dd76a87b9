// Overview: all units of a site, a band of cells for each layer, coloured by what they are experts of, how
// well their graphs foretell them, or how often they fire; a slider runs through the training.

const PER_PAGE = 50;
const SETTLE_MS = 200; // tables and the list follow the map when it has stopped changing

view("map", { title: ([model]) => `Map of ${model || "units"}`, draw: drawMap });

async function drawMap(main, params, query) {
  const { model, checkpoint } = placeOfParams(params);
  const sites = model.sites.map((each) => each.name);
  const map = {
    model: model.name, checkpoint: checkpoint.name, site: sites.includes(query.site) ? query.site : sites[0],
    colouring: colouringNamed(query.colour), units: null, twin: null, grid: null, box: null, cursor: null,
    anchor: null,
    most: new Map(), page: 0, settling: 0, frame: 0, brushing: finePointer(),
  };
  map.nodes = mapNodes(map);
  fill(main, mapPage(map));
  [map.units, map.twin] = await Promise.all([loadUnits(map.model, map.checkpoint), loadTwin(map.model)]);
  if (!main.isConnected) return undefined; // the page was left before there was anything to see
  const drawn = regrid(map);
  settle(map);
  await drawn;
  const watching = new ResizeObserver(() => widthChanged(map));
  watching.observe(map.nodes.frame);
  const recolour = () => map.units && showMap(map);
  document.addEventListener(THEME_EVENT, recolour);
  preload(map);
  return () => {
    watching.disconnect();
    document.removeEventListener(THEME_EVENT, recolour);
    map.nodes.picker.stop();
    clearTimeout(map.settling);
    map.left = true;
  };
}

// The parts of an address that name a place; what is left out is the first model, its last checkpoint.
function placeOfParams([name, checkpoint]) {
  const model = name ? modelNamed(name) : study().models[0];
  return { model, checkpoint: checkpoint ? checkpointNamed(model, checkpoint) : lastTrained(model) };
}

function mapNodes(map) {
  const nodes = {
    heading: el("h1", {}), lead: el("p", { class: "lead" }), legend: el("div", { class: "map-legend" }),
    chart: el("div", { class: "map-chart", "aria-hidden": "true" }),
    cursor: overlay("cursor"), box: overlay("box"),
    tip: el("div", { class: "map-tip", hidden: true }), reading: el("p", { class: "small quiet" }),
    list: el("section", { class: "map-list", "aria-label": "Selection" }),
    table: el("div", { class: "map-layers" }),
  };
  nodes.overlays = el("div", { class: "map-overlays" }, nodes.box, nodes.cursor);
  nodes.frame = el("div", {
    class: "map-frame", id: "map-frame", role: "application", tabindex: "0", "aria-describedby": "map-help",
    on: {
      keydown: (event) => mapKey(map, event), focusin: () => focusMap(map),
      focusout: (event) => blurMap(map, event),
    },
  }, nodes.chart, nodes.overlays, nodes.tip);
  nodes.picker = placePicker({ model: map.model, checkpoint: map.checkpoint, site: map.site },
    (place) => changePlace(map, place), { sites: true, slider: true, play: true });
  const colourings = colouringsThere().map(({ name, text }) => ({ value: name, text }));
  nodes.colour = chooser("map-colour", "Colour by", colourings, map.colouring.name,
    (name) => changeColouring(map, name));
  nodes.brush = finePointer() ? null : el("button", { type: "button", "aria-pressed": "false",
    on: { click: () => toggleBrush(map) } }, "Select by dragging");
  return nodes;
}

// A finger that drags wants to scroll the page, unless it is told otherwise.
function finePointer() {
  return window.matchMedia("(pointer: fine)").matches;
}

function toggleBrush(map) {
  map.brushing = !map.brushing;
  map.nodes.brush.setAttribute("aria-pressed", String(map.brushing));
  showMap(map);
}

function overlay(name) {
  return el("div", { class: `map-overlay map-${name}`, "aria-hidden": "true", hidden: true });
}

function mapPage({ nodes }) {
  return [
    nodes.heading, nodes.lead,
    el("div", { class: "row map-controls" }, nodes.picker, nodes.colour, nodes.brush),
    nodes.legend,
    nodes.frame, nodes.reading,
    el("p", { id: "map-help", class: "small quiet" }, HELP),
    nodes.list, el("h2", {}, "Layers"), nodes.table,
  ];
}

const HELP = "Click a unit to open it; drag a box to select units. With the keyboard: arrows move, Page Up "
  + "and Page Down change the layer, Enter opens, Shift with arrows selects, Escape lets go.";

// Colours must not wait for a file while the training runs, so all checkpoints are read, one after the other.
async function preload(map) {
  for (const { name } of modelNamed(map.model).checkpoints) {
    if (map.left) return;
    const units = await loadUnits(map.model, name).catch(() => null);
    if (units) rememberMost(map, units);
  }
  if (!map.left && map.colouring.whole) showMap(map);
}

// A scale without an end of its own goes to the most at any checkpoint: colours mean the same at all of them.
function rememberMost(map, units) {
  const before = map.most.get(map.model) || 1;
  map.most.set(map.model, units.concepts.reduce((most, n) => Math.max(most, n), before));
}

// The twin's units, with which the model's are told; null where there is none.
function loadTwin(model) {
  const twin = twinOf(model);
  return twin ? loadUnits(model, twin).catch(() => null) : null;
}

async function changePlace(map, { model, checkpoint, site }) {
  const frame = ++map.frame;
  const reading = Promise.all([loadUnits(model, checkpoint), loadTwin(model)]);
  const [units, twin] = await reading.catch((error) => [mapFailed(map, error)]);
  if (!units || map.left || frame !== map.frame) return; // a later change has overtaken this one
  const other = model !== map.model || site !== map.site;
  Object.assign(map, { model, checkpoint, site, units, twin });
  rememberMost(map, units);
  if (other) {
    Object.assign(map, { box: null, cursor: null, page: 0 });
    regrid(map);
    preload(map);
  } else showMap(map);
  settleSoon(map);
}

function mapFailed(map, error) {
  map.nodes.picker.stop();
  fill(map.nodes.lead, el("span", { role: "alert" }, error.message));
}

function changeColouring(map, name) {
  map.colouring = colouringNamed(name);
  showMap(map);
  settleSoon(map);
}

function settleSoon(map) {
  clearTimeout(map.settling);
  map.settling = setTimeout(() => {
    settle(map);
    announce(map.nodes.lead.textContent);
  }, SETTLE_MS);
}

function settle(map) {
  const { model, checkpoint, site, colouring } = map;
  const sites = modelNamed(model).sites.length > 1;
  const usual = colouring.name === COLOURINGS[0].name;
  const query = { site: sites ? site : null, colour: usual ? null : colouring.name };
  if (!map.left) replaceAddress("map", [model, checkpoint], query);
  drawSelection(map);
  drawLayers(map);
}

function regrid(map) {
  const bands = bandsOf(map.model).filter((band) => band.site === map.site);
  map.bands = bands;
  map.width = map.nodes.frame.clientWidth;
  map.left0 = 16 + Math.max(44, 7.5 * Math.max(...bands.map((band) => String(band.layer).length)));
  // With what stands above it the map fits a screen; on a narrow one cells would then be too small to touch.
  const screen = window.innerHeight;
  const tallest = map.width < 600 ? 1.2 * screen : Math.max(440, Math.min(screen - 345, 760));
  map.grid = gridOf(bands, Math.max(map.width - map.left0 - 2, 100), tallest);
  map.nodes.tip.hidden = true;
  const { columns, rows, wide, high } = map.grid;
  setStyle(map.nodes.overlays, {
    left: `${map.left0}px`, top: "1px", width: `${columns * wide}px`, height: `${rows * high}px`,
  });
  const label = `Map of the units of ${map.model}, ${plural(bands.length, "layer")}`;
  map.nodes.frame.setAttribute("aria-label", label);
  return showMap(map);
}

function widthChanged(map) {
  if (map.nodes.frame.clientWidth !== map.width) regrid(map).then(() => drawSelection(map));
}

function showMap(map) {
  const high = map.colouring.whole ? map.most.get(map.model) || 1 : map.colouring.high;
  const made = colouringOf(map.colouring, map.units, high);
  fill(map.nodes.heading, `Map of ${map.model}`);
  fill(map.nodes.lead, leadOf(map));
  fill(map.nodes.legend, map.colouring.column ? scaleOf(map, high) : mapLegend(map));
  fill(map.nodes.reading, readingOf(map));
  placeOverlays(map);
  return chart(map.nodes.chart, () => tracesOf(map, made), () => layoutOf(map), {
    role: "none", config: { responsive: false },
    onClick: (event) => pressed(map, cellOfEvent(event)),
    onHover: (event) => showTip(map, cellOfEvent(event)),
    // What a finger has touched stays, so that its link can be touched next.
    onUnhover: () => { map.nodes.tip.hidden = finePointer() || map.nodes.tip.hidden; },
    onSelect: (event) => brushed(map, event),
  });
}

function tracesOf({ grid }, { heat, zmin, zmax, colorscale }) {
  const gap = grid.high >= 9 ? 1 : 0;
  return [
    { type: "heatmap", z: heatOf(grid, heat), zmin, zmax, colorscale, showscale: false, hoverinfo: "none",
      xgap: gap, ygap: gap, hoverongaps: false },
    // Plotly tells the box that is dragged only where there is something that a box can select.
    { type: "scatter", mode: "markers", x: [0], y: [0], hoverinfo: "skip", marker: { opacity: 0 },
      selected: { marker: { opacity: 0 } }, unselected: { marker: { opacity: 0 } } },
  ];
}

function layoutOf({ grid, left0, brushing }) {
  const hidden = { showgrid: false, showticklabels: false, ticks: "", showline: false };
  const lines = grid.tops.length > 1 ? grid.tops[1] - grid.tops[0] : grid.rows;
  const apart = Math.ceil(15 / (grid.high * lines));
  const named = grid.bands.map((band, place) => ({ band, place })).filter(({ place }) => place % apart === 0);
  const middle = (place) => (grid.tops[place] + (grid.tops[place + 1] || grid.rows + 1) - 2) / 2;
  return {
    width: left0 + grid.columns * grid.wide + 2, height: grid.rows * grid.high + 2, autosize: false,
    margin: { l: left0, r: 2, t: 1, b: 1 }, dragmode: brushing ? "select" : false, selections: [],
    newselection: { line: { color: themeColour("ink"), width: 1, dash: "solid" } },
    xaxis: { ...hidden, range: [-0.5, grid.columns - 0.5], automargin: false },
    yaxis: {
      ...hidden, range: [grid.rows - 0.5, -0.5], automargin: false, showticklabels: true, tickmode: "array",
      ticklabeloverflow: "allow",
      tickvals: named.map(({ place }) => middle(place)),
      ticktext: named.map(({ band }, at) => (at ? String(band.layer) : `layer ${band.layer}`)),
    },
  };
}

function cellOfEvent(event) {
  const point = event.points.find((each) => each.z !== undefined && each.z !== null);
  return point ? { x: Math.round(point.x), y: Math.round(point.y) } : null;
}
