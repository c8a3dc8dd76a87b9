// Concepts on two sides: how many experts they have, and which concepts overlap.

function drawConceptChanges(page, sides, same) {
  const rows = study().concepts.map((concept, index) => {
    const experts = sides.map((side) => side.experts.sizes[index]);
    const percents = experts.map((n, at) => 100 * n / sides[at].units.ap.length);
    const values = same ? experts : percents;
    return { index, concept, experts, percents, values, change: values[1] - values[0] };
  });
  const holder = el("div", { class: "square" });
  const told = "A point is a concept" + (same
    ? ": above the line it has more experts on the right side, below it fewer."
    : ". Experts are counted as a share of each model’s units, for the models differ in size.");
  const most = 1.06 * Math.max(1e-3, ...rows.flatMap(({ values }) => values));
  const what = same ? "experts" : "experts (% of units)";
  page.append(el("section", {}, el("h2", {}, "Experts by concept"), el("p", { class: "quiet" }, told),
    el("div", { class: "compare-layout" },
      el("div", {}, holder, overlapLegend()), conceptChanges(sides, rows, same))));
  drawnChart(holder, () => conceptTraces(rows, same), () => diagonalLayout({ what, most }), {
    label: "Scatter: experts of every concept, left against right. The table beside it says the same.",
    height: 400,
    onClick: ({ points }) => points[0].customdata !== undefined
      && go(conceptAddress(sides[1], points[0].customdata)),
  });
}

function conceptAddress({ model, checkpoint }, index) {
  return link("concept", [model.name, checkpoint.name, study().concepts[index].name]);
}

function conceptTraces(rows, same) {
  return study().categories.map((category, at) => {
    const own = rows.filter(({ concept }) => concept.category === at);
    const figure = (value) => (same ? count(value) : `${value.toFixed(2)} %`);
    return {
      type: "scatter", mode: "markers", x: own.map(({ values }) => values[0]),
      y: own.map(({ values }) => values[1]),
      customdata: own.map(({ index }) => index), hoverinfo: "text",
      text: own.map(({ concept, values }) => `${plotText(concept.name)} (${plotText(category)})<br>left `
        + `${figure(values[0])}, right ${figure(values[1])}`),
      marker: { color: categoryColour(at), size: 8, line: { color: palette().page, width: 1 } },
    };
  });
}

/** Left against right on equal scales, with the line where both are the same. */
function diagonalLayout({ what, most, least = 0 }) {
  const range = [least - 0.03 * (most - least), most];
  const line = { color: palette().quiet, width: 1, dash: "dash" };
  return {
    xaxis: { title: `left: ${plotText(what)}`, range, constrain: "domain", constraintoward: "left" },
    yaxis: {
      title: `right: ${plotText(what)}`, range, scaleanchor: "x", constrain: "domain", constraintoward: "top",
    },
    shapes: [{ type: "line", x0: least, y0: least, x1: most, y1: most, line }],
  };
}

function conceptChanges(sides, rows, same) {
  const side = (at) => ({
    head: SIDES[at], number: true, falls: true, by: ({ values }) => values[at],
    cell: ({ experts, percents }) => count(experts[at]) + (same ? "" : ` (${percents[at].toFixed(2)} %)`),
  });
  return listing([
    { head: "concept", by: ({ concept }) => concept.name, cell: ({ index }) => [
      conceptLink(sides[1].model, sides[1].checkpoint, index), " ",
      leftLink(conceptAddress(sides[0], index), index),
    ] },
    { head: "category", by: ({ concept }) => study().categories[concept.category],
      cell: ({ concept }) => categoryChip(concept.category) },
    side(0), side(1),
    numberColumn("change", ({ change }) => change,
      (change) => changeText(change, same ? 0 : 2) + (same ? "" : " %")),
  ], largestFirst(rows), {
    caption: `Experts by concept, largest changes first; left is ${sides[0].text}, right is ${sides[1].text}`,
    noun: "concept", size: 12, rowHead: true,
  });
}

// Names lead to the right side; beside each is a way to the left.
function leftLink(href, index) {
  return el("a", { href, class: "quiet small" }, unseen(`${study().concepts[index].name} on the `), "left");
}

function changeText(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  return (Number(text) === 0 ? "" : value > 0 ? "+" : "−") + (digits ? text : count(text));
}

async function drawOverlaps(page, sides) {
  const n = study().concepts.length;
  if (n < 2) return; // no pair
  const triangles = sides.map(({ overlap }) => upperTriangle(overlap.jaccard, n));
  const most = Math.max(...sides.map(({ overlap }) => overlapMost(overlap)));
  const holders = sides.map(() => el("div", {}));
  const figures = sides.map(({ text, overlap, checkpoint, model }, at) => el("figure", {},
    el("figcaption", {},
    el("a", { href: link("overlap", [model.name, checkpoint.name]) }, `Overlap, ${SIDES[at]}: ${text}`),
    el("span", { class: "quiet small" }, meansSaid(overlap))), holders[at]));
  page.append(el("section", {}, el("h2", {}, "Overlap of concepts"), el("p", {}, overlapsSaid(triangles)),
    el("div", { class: "overlap-pair" }, figures), overlapLegend(), overlapChanges(sides, n)));
  sides.forEach(({ text, overlap, model, checkpoint }, at) => drawOverlapMatrix(holders[at], overlap, {
    label: `Overlap of every two concepts, ${text}. The table below has the pairs.`, most, names: false,
    onPair: (a, b) => go(link("overlap", [model.name, checkpoint.name], pairQuery({ a, b }))),
  }));
}

function meansSaid({ jaccard }) {
  return `; ${kinshipSaid(jaccard)}`;
}

function overlapsSaid(triangles) {
  const pairs = plural(triangles[0].length, "pair");
  if (triangles[0].length < 2) return "The study has too few concepts to correlate overlaps.";
  if (triangles.some((values) => values.every((each) => each === 0))) {
    return "On one side at least, no two concepts share an expert: there is no rank correlation.";
  }
  const rho = spearman(triangles[0], triangles[1]);
  if (Number.isNaN(rho)) return "Overlap does not vary on one of the sides: there is no rank correlation.";
  return `Over the ${pairs} of concepts, the overlaps of the two sides have a Spearman’s rho of `
    + `${share(rho)}. It only describes: pairs that share a concept are not independent.`;
}

function overlapChanges(sides, n) {
  const { concepts } = study();
  const pairs = [];
  for (let a = 0; a < n; a += 1) {
    for (let b = a + 1; b < n; b += 1) {
      const values = sides.map(({ overlap }) => overlap.jaccard[a * n + b]);
      if (values[0] || values[1]) pairs.push({ a, b, values, change: values[1] - values[0] });
    }
  }
  const named = ({ a, b }) => `${concepts[a].name} and ${concepts[b].name}`;
  const side = (at) => ({
    head: SIDES[at], number: true, falls: true, by: ({ values }) => values[at],
    cell: (pair) => pairLink(sides[at].model, sides[at].checkpoint, pair,
      [share(pair.values[at], 3), unseen(` ${named(pair)}, ${SIDES[at]}`)]),
  });
  const columns = [
    { head: "pair", by: named, cell: named }, side(0), side(1),
    numberColumn("change", ({ change }) => change, shareChange),
  ];
  const options = {
    caption: "Pairs, largest changes first; those that are not listed share no expert on either side",
    noun: "pair",
    rowHead: true, empty: "No two concepts share an expert on either side.",
  };
  return lateDetails("Pairs whose overlap changed most, as a table",
    () => listing(columns, largestFirst(pairs), options));
}

/** Rows by the size of their change, up or down. */
function largestFirst(rows) {
  return rows.sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
}
