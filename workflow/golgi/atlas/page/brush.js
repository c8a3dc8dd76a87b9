// What a hand does on the map: point at a unit, drag a box, walk with the keys.

// Where a box of cells is among the overlays, which begin where the cells do.
function cellBox({ grid }, { x0, x1, y0, y1 }) {
  const { wide, high } = grid;
  return {
    left: `${x0 * wide}px`, top: `${y0 * high}px`,
    width: `${(x1 - x0 + 1) * wide}px`, height: `${(y1 - y0 + 1) * high}px`,
  };
}

function placeOverlays(map) {
  const { cursor, box, nodes } = map;
  nodes.box.hidden = !box;
  if (box) setStyle(nodes.box, cellBox(map, box));
  const shown = cursor && nodes.frame.contains(document.activeElement);
  nodes.cursor.hidden = !shown;
  if (shown) setStyle(nodes.cursor, cellBox(map, { x0: cursor.x, x1: cursor.x, y0: cursor.y, y1: cursor.y }));
}

function focusMap(map) {
  if (!map.grid) return;
  if (!map.cursor) map.cursor = { x: 0, y: 0 };
  placeOverlays(map);
  // A mouse that presses the map focuses it too: what it points at is told already.
  if (map.nodes.frame.matches(":focus-visible")) pointAt(map, map.cursor);
}

function blurMap(map, event) {
  if (map.nodes.frame.contains(event.relatedTarget)) return;
  map.nodes.tip.hidden = true;
  placeOverlays(map);
}

function pointAt(map, cell) {
  showTip(map, cell);
  const row = rowOfCell(map.grid, cell);
  if (row >= 0) announce(`Unit ${unitName(map.model, row)}: ${factsOf(map, row).join("; ")}`);
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function mapKey(map, event) {
  if (!map.grid || event.ctrlKey || event.metaKey || event.altKey) return;
  const { key } = event;
  if (!map.cursor) map.cursor = { x: 0, y: 0 };
  if (key === "Enter") openUnit(map, map.cursor);
  else if (key === "Escape") select(map, null);
  else {
    const next = STEPS[key] ? stepOnGrid(map.grid, map.cursor, ...STEPS[key]) : jump(map, key);
    if (!next) return;
    if (event.shiftKey && STEPS[key]) stretch(map, next);
    else map.anchor = null;
    map.cursor = next;
    placeOverlays(map);
    if (!map.anchor) pointAt(map, next);
    else showTip(map, next);
  }
  event.preventDefault();
}

// The first or last unit of a row; the first of the layer above or below.
function jump({ grid, cursor }, key) {
  if (key === "Home") return { x: 0, y: cursor.y };
  if (key === "End") return { x: lastInRow(grid, cursor.y, grid.columns - 1), y: cursor.y };
  if (key !== "PageUp" && key !== "PageDown") return null;
  const layer = grid.tops.filter((top) => top <= cursor.y).length - 1;
  const next = Math.max(0, Math.min(grid.tops.length - 1, layer + (key === "PageDown" ? 1 : -1)));
  return { x: 0, y: grid.tops[next] };
}

function stretch(map, to) {
  if (!map.anchor) map.anchor = map.cursor;
  const { anchor } = map;
  select(map, {
    x0: Math.min(anchor.x, to.x), x1: Math.max(anchor.x, to.x), y0: Math.min(anchor.y, to.y),
    y1: Math.max(anchor.y, to.y),
  });
}

function brushed(map, event) {
  if (!event || !event.range) return;
  const { grid } = map;
  const [x0, x1] = [...event.range.x].sort((a, b) => a - b).map(Math.round);
  const [y0, y1] = [...event.range.y].sort((a, b) => a - b).map(Math.round);
  const box = {
    x0: Math.max(x0, 0), x1: Math.min(x1, grid.columns - 1),
    y0: Math.max(y0, 0), y1: Math.min(y1, grid.rows - 1),
  };
  map.brushedAt = performance.now();
  map.nodes.tip.hidden = true;
  select(map, rowsInBox(grid, box).length ? box : null);
  // The box stays as our own, which the keys can stretch; Plotly's would be in the way of the next one.
  window.Plotly.relayout(map.nodes.chart, { selections: [] });
}

function select(map, box) {
  map.box = box;
  map.page = 0;
  if (!box) map.anchor = null;
  placeOverlays(map);
  drawSelection(map);
  announce(box ? selectionTold(map) : "Nothing is selected");
}

function pressed(map, cell) {
  if (!cell) return;
  map.cursor = cell;
  // The end of a drag is no click, and a finger first wants to read what it touches.
  if (performance.now() - (map.brushedAt || -1e6) < 300) return;
  if (finePointer()) openUnit(map, cell);
  else {
    placeOverlays(map);
    showTip(map, cell);
  }
}

function openUnit(map, cell) {
  const row = rowOfCell(map.grid, cell);
  if (row >= 0) go(unitLink(map.model, map.checkpoint, row).getAttribute("href"));
}

function showTip(map, cell) {
  const { tip, frame } = map.nodes;
  const row = cell ? rowOfCell(map.grid, cell) : -1;
  tip.hidden = row < 0;
  if (row < 0) return;
  const name = unitName(map.model, row);
  // A mouse opens the unit by a click on the map; a finger needs the link.
  fill(tip, el("strong", {}, finePointer() ? name : unitLink(map.model, map.checkpoint, row, `Open ${name}`)),
    factsOf(map, row).map((fact) => el("div", {}, fact)));
  const { grid, left0 } = map;
  const x = left0 + (cell.x + 0.5) * grid.wide;
  const right = x > frame.clientWidth / 2;
  const below = 1 + (cell.y + 1) * grid.high + 8;
  setStyle(tip, {
    left: right ? "auto" : `${Math.max(x - 20, 0)}px`,
    right: right ? `${Math.max(frame.clientWidth - x - 20, 0)}px` : "auto",
    top: `${below}px`,
  });
}

// What is known of a unit, a few words each.
function factsOf({ units, site, model }, row) {
  const { threshold, concepts, categories } = study();
  const best = units.best[row];
  const facts = [];
  if (best === NO_CONCEPT) facts.push("no AP measured");
  else {
    const { name, category } = concepts[best];
    facts.push(`${name} (${categories[category]}), AP ${share(units.ap[row])}`);
  }
  const all = units.concepts[row];
  facts.push(all ? `expert of ${plural(all, "concept")}` : `no expert: AP < ${share(threshold)}`);
  const rate = units.rate[row];
  if (!Number.isNaN(rate)) facts.push(`half its maximum or more on ${asPercent(rate)} of sentences`);
  if (units.graph[row] !== NO_GRAPH) {
    facts.push(`graph: F1 ${share(units.f1[row])}; fires on ${asPercent(units.firing[row])} of tokens`);
  }
  return facts;
}

// 3 %, 0.04 %
function asPercent(x) {
  if (Number.isNaN(x)) return "–";
  const hundred = 100 * x;
  return `${hundred >= 10 ? hundred.toFixed(0) : Number(hundred.toPrecision(2))} %`;
}
