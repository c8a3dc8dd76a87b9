// A matrix of concepts x concepts, drawn: categories are marked at its edges.

/** Draw an overlap. options: label, pair {a, b} marked, onPair(a, b), most (end of scale), names: false. */
function drawOverlapMatrix(holder, overlap, options = {}) {
  if (!holder.firstChild) holder.append(el("div", { class: "matrix" }));
  const container = holder.firstChild;
  const order = conceptsByCategory();
  const width = Math.max(Math.min(holder.clientWidth || 600, 760), 240);
  const roomy = options.names !== false && width / order.length >= 10.5;
  const press = ({ points: [point] }) => {
    if (point && options.onPair) options.onPair(order[point.y], order[point.x]);
  };
  return drawnChart(container, () => [matrixTrace(overlap, order, options)],
    () => matrixLayout(order, { ...options, roomy, width }),
    { label: options.label, height: width + (roomy ? 0 : 40), onClick: press });
}

/** A chart; what stops it is said in its place, and the rest of the page stays. */
function drawnChart(container, traces, layout, options) {
  return chart(container, traces, layout, options).catch((error) => {
    container.removeAttribute("role");
    fill(container, el("p", { class: "quiet" }, error.message));
  });
}

function matrixTrace(overlap, order, { most }) {
  const { n, jaccard, shared } = overlap;
  const names = study().concepts.map(({ name }) => plotText(name));
  // Tens of thousands of cells: numbers are set as they are, for grouping their digits takes seconds.
  const told = (a, b) => (a === b ? `${names[a]}: experts ${shared[a * n + a]}`
    : `${names[a]}, ${names[b]}<br>overlap ${share(jaccard[a * n + b], 3)}, shared experts `
      + `${shared[a * n + b]}`);
  return {
    type: "heatmap", z: order.map((a) => order.map((b) => (a === b ? null : jaccard[a * n + b]))),
    text: order.map((a) => order.map((b) => told(a, b))), hoverinfo: "text", hoverongaps: true,
    colorscale: palette().sequential, zmin: 0, zmax: most || overlapMost(overlap), xgap: 0, ygap: 0,
    colorbar: {
      title: { text: "overlap", side: "right", font: { size: 12 } }, orientation: "h", thickness: 10,
      len: 0.6,
      y: 0, yref: "container", yanchor: "bottom", outlinewidth: 0, tickfont: { size: 11 }, nticks: 5,
    },
  };
}

// Where the colour scale ends: the largest overlap of two concepts at any checkpoint of the model, as far as
// the study wrote it down, so that colours mean the same at all of them.
function overlapMost({ n, jaccard, model }) {
  const own = upperTriangle(jaccard, n).reduce((most, each) => Math.max(most, each), 0);
  return Math.max(0.05, own, ...model.checkpoints.map((each) => each.overlap_most || 0));
}

function matrixLayout(order, { roomy, width, pair }) {
  const { concepts } = study();
  const places = order.map((_, at) => at);
  const axis = {
    range: [-0.5, order.length - 0.5], showgrid: false, ticks: "", tickmode: "array", showline: false,
    tickvals: roomy ? places : [],
    ticktext: roomy ? order.map((index) => plotText(concepts[index].name)) : [],
    tickfont: { size: width / order.length > 13 ? 11 : 9 }, constrain: "domain",
  };
  return {
    xaxis: { ...axis, tickangle: -90, constraintoward: "left" },
    yaxis: { ...axis, range: [order.length - 0.5, -0.5], scaleanchor: "x", constraintoward: "top" },
    margin: { l: 10, r: 10, t: 14, b: 56 }, shapes: [...categoryBrackets(order), ...pairMarks(order, pair)],
  };
}

/** Lines along the top and the right edge, one for the concepts of each category. */
function categoryBrackets(order) {
  const { concepts } = study();
  const runs = [];
  order.forEach((index, at) => {
    const { category } = concepts[index];
    const last = runs[runs.length - 1];
    if (last && last.category === category) last.stop = at;
    else runs.push({ category, start: at, stop: at });
  });
  return runs.flatMap(({ category, start, stop }) => {
    const line = { color: categoryColour(category), width: 5 };
    const [from, to] = [start - 0.42, stop + 0.42];
    return [
      { type: "line", xref: "x", yref: "y domain", x0: from, x1: to, y0: 1.012, y1: 1.012, line },
      { type: "line", xref: "x domain", yref: "y", x0: 1.012, x1: 1.012, y0: from, y1: to, line },
    ];
  });
}

function pairMarks(order, pair) {
  if (!pair || pair.a < 0 || pair.b < 0) return [];
  const [a, b] = [order.indexOf(pair.a), order.indexOf(pair.b)];
  const mark = (x, y) => ({
    type: "rect", x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5,
    line: { color: palette().warn, width: 3 },
  });
  return [mark(b, a), mark(a, b)];
}
