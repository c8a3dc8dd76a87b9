// The map's cells and colours: which unit is where, and how what is known of it becomes a colour.

const WIDEST_CELL = 40; // px
const HIGHEST_CELL = 26;
const LOWEST_CELL = 2;
const LONGEST_CELL = 1.5; // heights to a width

// [{name, text, column, ...}] Each `column` is one of the chunk units/MODEL/CHECKPOINT.
const COLOURINGS = [
  { name: "category", text: "Category of expertise" },
  { name: "ap", text: "Highest AP", column: "ap", low: 0, high: 1, missing: "not measured" },
  { name: "concepts", text: "Number of concepts", column: "concepts", low: 0, whole: true, missing: "" },
  { name: "rate", text: "Firing rate, of sentences", column: "rate", log: -3, missing: "never above 0" },
  { name: "f1", text: "F1 of the graph", column: "f1", low: 0, high: 1, graphs: true,
    missing: "no graph or F1" },
  { name: "firing", text: "Firing rate, of tokens", column: "firing", log: -4, graphs: true,
    missing: "no graph" },
];

function colouringNamed(name) {
  return colouringsThere().find((each) => each.name === name) || COLOURINGS[0];
}

function colouringsThere() {
  return COLOURINGS.filter((each) => !each.graphs || study().has.graphs);
}

// Cells of a site: each layer is a band of rows, its units wrapped in order, an empty row between layers.
// `cells` holds the row of the unit in each cell, -1 where there is none; `wide` and `high` are a cell's px.
function gridOf(bands, width, tallest) {
  const { columns, rows, wide, high } = bestShape(bands, width, tallest);
  const cells = new Int32Array(rows * columns).fill(-1);
  const tops = [];
  let top = 0;
  for (const band of bands) {
    tops.push(top);
    for (let unit = 0; unit < band.width; unit++) cells[top * columns + unit] = band.start + unit;
    top += Math.ceil(band.width / columns) + 1;
  }
  return { bands, tops, rows, columns, cells, wide, high };
}

// As many rows to the widest layer as make the shorter side of a cell longest; its rows are about as long.
function bestShape(bands, width, tallest) {
  const widest = Math.max(...bands.map((band) => band.width), 1);
  let best = null;
  for (let lines = 1; lines <= widest; lines++) {
    const columns = Math.ceil(widest / lines);
    const rows = bands.reduce((sum, band) => sum + Math.ceil(band.width / columns) + 1, -1);
    const wide = Math.min(width / columns, WIDEST_CELL);
    const high = Math.min(tallest / rows, HIGHEST_CELL, LONGEST_CELL * wide);
    if (!best || Math.min(wide, high) > Math.min(best.wide, best.high)) best = { columns, rows, wide, high };
  }
  return { ...best, high: Math.max(best.high, LOWEST_CELL) };
}

function cellOfRow(grid, row) {
  const place = grid.bands.findIndex((band) => row >= band.start && row < band.start + band.width);
  if (place < 0) return null;
  const within = row - grid.bands[place].start;
  return { y: grid.tops[place] + Math.floor(within / grid.columns), x: within % grid.columns };
}

function rowOfCell(grid, { x, y }) {
  const inside = x >= 0 && y >= 0 && x < grid.columns && y < grid.rows;
  return inside ? grid.cells[y * grid.columns + x] : -1;
}

// Rows of the units in a box {x0, x1, y0, y1} of cells, ends included.
function rowsInBox(grid, box) {
  const rows = [];
  for (let y = Math.max(box.y0, 0); y <= Math.min(box.y1, grid.rows - 1); y++) {
    for (let x = Math.max(box.x0, 0); x <= Math.min(box.x1, grid.columns - 1); x++) {
      const row = grid.cells[y * grid.columns + x];
      if (row >= 0) rows.push(row);
    }
  }
  return rows;
}

// One step from a cell to the next that holds a unit; gaps between layers are stepped over.
function stepOnGrid(grid, from, dx, dy) {
  let { x, y } = from;
  do {
    x += dx;
    y += dy;
    if (x < 0 || y < 0 || x >= grid.columns || y >= grid.rows) return from;
    if (dy && grid.cells[y * grid.columns] >= 0) x = lastInRow(grid, y, x);
  } while (rowOfCell(grid, { x, y }) < 0);
  return { x, y };
}

// The last row of a layer may be shorter than the one that is left.
function lastInRow(grid, y, x) {
  let last = x;
  while (last > 0 && grid.cells[y * grid.columns + last] < 0) last -= 1;
  return last;
}

function isExpert(units, row) {
  return units.best[row] !== NO_CONCEPT && reaches(units.ap[row], study().threshold);
}

// Category of the unit's best concept, -1 where it is no expert.
function categoryOfUnit(units, row) {
  return isExpert(units, row) ? study().concepts[units.best[row]].category : -1;
}

// Numbers that Plotly's heatmap colours, one array a row of cells; NaN where there is no unit.
function heatOf(grid, colour) {
  const heat = [];
  for (let y = 0; y < grid.rows; y++) {
    const line = new Float32Array(grid.columns);
    for (let x = 0; x < grid.columns; x++) {
      const row = grid.cells[y * grid.columns + x];
      line[x] = row < 0 ? NaN : colour(row);
    }
    heat.push(line);
  }
  return heat;
}

// {heat(row), zmin, zmax, colorscale} of a colouring. Places of categories are whole numbers: -1 no expert,
// the colours, then the one that the others share. A scale runs from 0 to 1, with what is missing below it.
function colouringOf(colouring, units, high) {
  const colours = palette();
  if (colouring.name === "category") {
    const steps = [colours.none, ...colours.categories, colours.other];
    const last = colours.categories.length;
    const places = study().categories.map((_, index) => categoryPlace(index))
      .map((at) => (at < 0 ? last : at));
    const heat = (row) => {
      const category = categoryOfUnit(units, row);
      return category < 0 ? -1 : places[category];
    };
    return { heat, zmin: -1.5, zmax: last + 0.5, colorscale: stepsScale(steps) };
  }
  const column = units[colouring.column];
  const scale = [[0, colours.none], [0.1, colours.none]];
  for (const [at, colour] of colours.sequential) scale.push([0.1 + 0.9 * at, colour]);
  const heat = (row) => (Number.isNaN(column[row]) ? -1 / 9 : onScale(colouring, column[row], high));
  return { heat, zmin: -1 / 9, zmax: 1, colorscale: scale };
}

function stepsScale(steps) {
  const { length } = steps;
  return steps.flatMap((colour, step) => [[step / length, colour], [(step + 1) / length, colour]]);
}

function onScale(colouring, value, high) {
  // `log` is the exponent at the low end: rates below it have one colour.
  if (colouring.log) return Math.max(0, 1 - Math.log10(Math.max(value, 10 ** colouring.log)) / colouring.log);
  return Math.min(1, (value - colouring.low) / (high - colouring.low || 1));
}

const POWERS = ["1", ".1", ".01", ".001", ".0001"];

// Numbers along the scale, as text, from its low to its high end.
function scaleTicks(colouring, high) {
  if (colouring.log) return [`≤ ${POWERS[-colouring.log]}`, ...POWERS.slice(0, -colouring.log).reverse()];
  if (!colouring.whole) return ["0", ".25", ".5", ".75", "1"];
  const middle = Math.round(high / 2);
  return high > 3 ? ["0", count(middle), count(high)] : Array.from({ length: high + 1 }, (_, k) => String(k));
}
