// Which concepts are near to one: by the experts they share, beside what people or the lexicon say of them.

async function drawNearest(section, here) {
  const { model, checkpoint, concept } = here;
  const [overlap, references] = await Promise.all([loadOverlap(model, checkpoint), loadRatings()]);
  const rows = nearestRows(here, overlap, references);
  const rated = references.filter((_, at) => rows.some(({ ratings }) => !Number.isNaN(ratings[at])));
  const empty = overlap.shared[here.index * overlap.n + here.index] === 0;
  section.append(el("p", { class: "quiet" }, nearestSaid(concept, empty, references, rated)),
    nearestListing(here, rows, references));
  references.forEach((reference, at) => {
    if (rated.includes(reference)) drawRatings(section, here, rows, reference, at);
  });
}

/** [{name, people, ceiling, ratings: Map of "a,b", a < b}] of the study; empty where it has none. */
async function loadRatings() {
  if (!study().has.ratings) return [];
  const { head, columns } = await loadChunk("ratings");
  const references = head.references.map((reference) => ({ ...reference, ratings: new Map() }));
  columns.reference.forEach((reference, at) => {
    references[reference].ratings.set(`${columns.a[at]},${columns.b[at]}`, columns.rating[at]);
  });
  return references;
}

function nearestRows({ index }, { n, jaccard, shared }, references) {
  const rated = (other, { ratings }) => {
    const rating = ratings.get(index < other ? `${index},${other}` : `${other},${index}`);
    return rating === undefined ? NaN : rating;
  };
  return study().concepts.map((concept, other) => ({
    other, concept, shared: shared[index * n + other], jaccard: jaccard[index * n + other],
    ratings: references.map((reference) => rated(other, reference)),
  })).filter(({ other }) => other !== index);
}

function nearestSaid({ name }, empty, references, rated) {
  const overlap = empty ? `${name} has no expert here, so it overlaps with no concept.`
    : "Overlap is the share of units that are experts of both, among those that are experts of one or both.";
  if (!references.length) return `${overlap} The study compares concepts with no ratings.`;
  if (!rated.length) return `${overlap} No pair with ${name} has been rated.`;
  return `${overlap} Beside it stands ${rated.map(ratingSource).join(", and ")}.`;
}

function ratingSource({ name, people, ceiling }) {
  const agreement = ceiling ? `; over all pairs people agree with each other at ${share(ceiling)}` : "";
  return people ? `how alike people found the two words (${name}${agreement})`
    : `the share of their attributes in the lexicon that the two have in common (${name})`;
}

function nearestListing(here, rows, references) {
  const { model, checkpoint, concept } = here;
  return listing([
    { head: "concept", by: (row) => row.concept.name,
      cell: ({ other }) => conceptLink(model, checkpoint, other) },
    { head: "category", by: (row) => study().categories[row.concept.category],
      cell: (row) => categoryChip(row.concept.category) },
    { ...numberColumn("shared experts", ({ shared }) => shared), cell: (row) => sharedLink(here, row) },
    numberColumn("overlap", ({ jaccard }) => jaccard, toThousandth),
    ...references.map(({ name }, at) => numberColumn(name, ({ ratings }) => ratings[at],
      (rating) => share(rating))),
  ], rows, {
    caption: `Concepts by their overlap with ${concept.name}`, noun: "concept", size: 10, rowHead: true,
    sort: { column: 3, falling: true }, empty: "The study has no other concept.",
  });
}

function sharedLink({ model, checkpoint, index, concept }, { other, shared }) {
  if (!shared) return "0";
  // A number alone says little as a link, where links are heard one by one.
  const text = [count(shared), unseen(` shared by ${concept.name} and ${study().concepts[other].name}`)];
  return pairLink(model, checkpoint, { a: index, b: other }, text);
}

const FEWEST_PAIRS = 5; // for a rank correlation

function drawRatings(section, here, rows, reference, at) {
  const pairs = rows.filter(({ ratings }) => !Number.isNaN(ratings[at]));
  const holder = el("div", { class: "ratings-chart" });
  const said = ratingsSaid(here, pairs, reference, at);
  section.append(el("h3", {}, `Overlap against ${reference.name}`), el("p", {}, said), holder);
  const kin = pairs.filter((pair) => pair.concept.category === here.concept.category);
  const others = pairs.filter((pair) => pair.concept.category !== here.concept.category);
  const traces = () => [
    ratingsTrace(others, at, { name: "other categories", color: palette().quiet, symbol: "circle-open" }),
    ratingsTrace(kin, at, { name: `same category (${study().categories[here.concept.category]})`,
      color: categoryColour(here.concept.category), symbol: "diamond" }),
  ];
  drawnChart(holder, traces, ratingsLayout(reference), {
    label: `${said} The table above has every pair.`, height: 340,
    onClick: ({ points }) => go(pairAddress(here, points[0].customdata)),
  });
}

function ratingsLayout({ name, people }) {
  const axis = { rangemode: "tozero", zeroline: true };
  return {
    xaxis: { ...axis, title: people ? `rating (${plotText(name)})` : `${plotText(name)} similarity` },
    yaxis: { ...axis, title: "overlap of experts" }, showlegend: true,
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", font: { size: 12 } },
  };
}

function pairAddress({ model, checkpoint, index }, other) {
  return link("overlap", [model.name, checkpoint.name], pairQuery({ a: index, b: other }));
}

function ratingsSaid({ concept }, pairs, { name }, at) {
  const of = `${plural(pairs.length, "pair")} of ${concept.name} with a rating (${name})`;
  if (pairs.length < FEWEST_PAIRS) return `${of}: too few for a rank correlation.`;
  const rho = spearman(pairs.map(({ jaccard }) => jaccard), pairs.map(({ ratings }) => ratings[at]));
  if (Number.isNaN(rho)) return `${of}: one of the two does not vary, so there is no rank correlation.`;
  return `${of}: Spearman’s rho ${share(rho)}. It only describes these pairs, which share a concept and so `
    + "depend on each other; the report tests all pairs.";
}

function ratingsTrace(pairs, at, { name, color, symbol }) {
  return {
    type: "scatter", mode: "markers", name: plotText(name), x: pairs.map(({ ratings }) => ratings[at]),
    y: pairs.map(({ jaccard }) => jaccard), customdata: pairs.map(({ other }) => other),
    text: pairs.map(({ concept, shared }) => `${plotText(concept.name)}, ${plural(shared, "shared expert")}`),
    hovertemplate: "%{text}<br>rating %{x:.2f}, overlap %{y:.3f}<extra></extra>",
    marker: { color, symbol, size: 8, line: { width: 1.5, color } },
  };
}
