// Units of one model at two checkpoints: which of them have become, or ceased to be, experts.

const DENSITY_BINS = 40; // of AP from 0 to 1: 20,000 points would hide each other, and take a second to draw
const MOST_MARKED = 100; // units that changed most, drawn one by one

function drawUnitChanges(page, sides) {
  const changes = unitChanges(sides);
  const state = { kind: "all", box: null };
  const holder = el("div", { class: "square" });
  const said = el("p", { class: "quiet small", role: "status" });
  const clear = el("button", { type: "button", on: { click: () => select(null) } }, "Show all units again");
  const list = unitsListing(sides, changes);

  function narrow() {
    const { box } = state;
    const kept = changes.filter(UNIT_KINDS.find(({ value }) => value === state.kind).keep)
      .filter(({ aps: [x, y] }) => !box
        || (x >= box.x[0] && x <= box.x[1] && y >= box.y[0] && y <= box.y[1]));
    list.set(kept);
    clear.hidden = !box;
    const range = ([low, high]) => `${share(low)} to ${share(high)}`;
    said.textContent = plural(kept.length, "unit")
      + (box ? ` with an AP of ${range(box.x)} left and ${range(box.y)} right.` : ".");
  }

  function select(box) {
    state.box = box;
    narrow();
    drawDensity(holder, sides, changes, state, select);
  }

  const kinds = chooser("compare-kind", "Units", UNIT_KINDS, state.kind,
    (kind) => { state.kind = kind; narrow(); });
  page.append(el("section", {}, el("h2", {}, "Units that changed"),
    el("p", { class: "quiet" }, unitsExplained()),
    el("div", { class: "compare-layout" }, holder,
      el("div", {}, el("div", { class: "row" }, kinds, clear), said, list))));
  narrow();
  drawDensity(holder, sides, changes, state, select);
}

const UNIT_KINDS = [
  { value: "all", text: "all, by size of change", keep: () => true },
  { value: "gained", text: "experts on the right side only", keep: ({ expert }) => !expert[0] && expert[1] },
  { value: "lost", text: "experts on the left side only", keep: ({ expert }) => expert[0] && !expert[1] },
  { value: "moved", text: "experts on both sides, of another best concept",
    keep: ({ expert, best }) => expert[0] && expert[1] && best[0] !== best[1] },
];

function unitsExplained() {
  return "A unit’s highest AP over all concepts, left against right: shade counts the units, circles are the "
    + `${MOST_MARKED} that changed most. Press a cell, or drag a box, to list its units; press a circle to `
    + "open it. The list beside it has them all.";
}

function unitChanges(sides) {
  const rows = Array.from(sides[0].units.ap, (_, row) => {
    const aps = sides.map(({ units }) => units.ap[row]);
    return {
      row, aps, change: aps[1] - aps[0], best: sides.map(({ units }) => units.best[row]),
      expert: sides.map(({ units }) => units.concepts[row] > 0),
    };
  });
  return largestFirst(rows);
}

function unitsListing(sides, rows) {
  const side = (at) => ({
    head: `AP ${SIDES[at]}`, number: true, falls: true, by: ({ aps }) => aps[at],
    cell: ({ row, aps }) => unitLink(sides[at].model, sides[at].checkpoint, row,
      unitText(sides, at, row, aps)),
  });
  return listing([
    { head: "unit", by: ({ row }) => row, cell: ({ row }) => unitName(sides[1].model, row) },
    side(0), side(1),
    numberColumn("change", ({ change }) => change, shareChange),
    { head: "best concept", by: ({ best }) => conceptName(best[1]), cell: ({ best }) => bestMove(best) },
  ], rows, {
    caption: `Units, largest changes first; left is ${sides[0].text}, right is ${sides[1].text}`,
    noun: "unit",
    size: 12, rowHead: true, empty: "There is no such unit.",
  });
}

function unitText({ [0]: { model } }, at, row, aps) {
  return [unseen(`${unitName(model, row)} ${SIDES[at]}, AP `), share(aps[at], 3)];
}

function shareChange(value) {
  return changeText(value, 3).replace("0.", ".");
}

function bestMove([left, right]) {
  const name = (index) => conceptName(index) || "none";
  if (left === right) return name(right);
  return [name(left), el("span", { "aria-hidden": "true" }, " → "), unseen(" then "), name(right)];
}

function drawDensity(holder, sides, changes, state, select) {
  const half = 1 / DENSITY_BINS / 2;
  const around = (middle) => [middle - half, middle + half - 1e-6];
  let draggedAt = -1e6;
  const drag = (event) => {
    if (!event || !event.range) return;
    draggedAt = performance.now();
    const [x, y] = [event.range.x, event.range.y].map((ends) => ends.slice().sort((a, b) => a - b));
    select({ x, y });
  };
  const press = ({ points: [{ x, y, customdata }] }) => {
    if (performance.now() - draggedAt < 300) return; // the end of a drag is no click
    if (customdata === undefined) select({ x: around(x), y: around(y) });
    else go(unitAddress(sides[1], customdata));
  };
  const lowest = changes.reduce((low, { aps }) => Math.min(low, ...aps), 1);
  const least = Math.min(0.9, Math.floor(10 * lowest) / 10);
  const layout = () => densityLayout(state.box, least);
  drawnChart(holder, () => [densityTrace(changes), changedTrace(changes.slice(0, MOST_MARKED), sides)],
    layout, {
    label: "Highest AP of every unit, left against right. The list beside it says the same.", height: 420,
    onClick: press, onSelect: drag,
  });
}

function densityLayout(box, least) {
  const layout = diagonalLayout({ what: "highest AP", most: 1, least });
  const line = { color: palette().ink, width: 1.5 };
  const mark = box ? [{ type: "rect", x0: box.x[0], x1: box.x[1], y0: box.y[0], y1: box.y[1], line }] : [];
  return {
    ...layout, shapes: [...layout.shapes, ...mark], selections: [],
    dragmode: finePointer() ? "select" : false,
    newselection: { line: { ...line, dash: "solid" } },
  };
}

function unitAddress({ model, checkpoint }, row) {
  const { site, layer, unit } = unitAt(model, row);
  return link("unit", [model.name, checkpoint.name, site, layer, unit]);
}

function densityTrace(changes) {
  const counts = Array.from({ length: DENSITY_BINS }, () => new Float64Array(DENSITY_BINS));
  const bin = (ap) => Math.min(Math.floor(ap * DENSITY_BINS), DENSITY_BINS - 1);
  for (const { aps: [x, y] } of changes) counts[bin(y)][bin(x)] += 1;
  const middles = Array.from({ length: DENSITY_BINS }, (_, at) => (at + 0.5) / DENSITY_BINS);
  return {
    type: "heatmap", x: middles, y: middles, hoverinfo: "text", hoverongaps: false,
    colorbar: densityScale(counts),
    z: counts.map((line) => Array.from(line, (n) => (n ? shadeOf(n) : null))), zmin: 0,
    text: counts.map((line) => Array.from(line, (n) => `units ${n}`)), colorscale: palette().sequential,
  };
}

// One unit alone must be seen too: the scale does not begin with it.
function shadeOf(units) {
  return Math.log10(units) + 0.6;
}

function densityScale(counts) {
  const most = counts.reduce((high, line) => Math.max(high, ...line), 1);
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].filter((step) => step <= most);
  const named = most > 20 ? steps.filter((step) => /^1/.test(step)) : steps;
  return {
    title: { text: "units", side: "right", font: { size: 12 } }, orientation: "h", thickness: 10, len: 0.6,
    x: 0, xanchor: "left", y: 0, yref: "container", yanchor: "bottom", outlinewidth: 0,
    tickfont: { size: 11 },
    tickvals: named.map(shadeOf), ticktext: named.map(String),
  };
}

function changedTrace(changes, sides) {
  return {
    type: "scatter", mode: "markers", x: changes.map(({ aps }) => aps[0]),
    y: changes.map(({ aps }) => aps[1]),
    customdata: changes.map(({ row }) => row), hoverinfo: "text",
    text: changes.map(({ row, aps, best }) => [plotText(unitName(sides[1].model, row)),
      ...SIDES.map((side, at) => `${side} ${share(aps[at], 3)} ${plotText(conceptName(best[at]))}`),
    ].join("<br>")),
    marker: { symbol: "circle-open", size: 5, color: palette().warn,
      line: { width: 1, color: palette().warn } },
    // The box says what is selected.
    selected: { marker: { opacity: 1 } }, unselected: { marker: { opacity: 1 } },
  };
}
