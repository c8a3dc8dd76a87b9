// What a unit makes of every concept, and which units are like it.

const BARS = 20;
const BAR_PIXELS = 24;
const FEW_CONCEPTS = 6;
const APART = 0.25; // what lines must be apart on the axis of AP for their names to stand above them
const AP_TICKS = { tickvals: [0, 0.25, 0.5, 0.75, 1], ticktext: ["0", ".25", ".5", ".75", "1"] };

function conceptsByAp(ap) {
  return Array.from(ap, (value, concept) => ({ concept, ap: value }))
    .sort((a, b) => b.ap - a.ap || a.concept - b.concept);
}

// Whether concepts have chance lines of their own: where they have sentences in other proportions.
function chanceDiffers() {
  const chances = study().concepts.map(({ chance }) => chance);
  return Math.max(...chances) - Math.min(...chances) > 0.005;
}

/** Bars of AP for every concept, the best first: {element, start()}; start() when it is in the page. */
function apPart(model, checkpoint, profile) {
  const ranked = conceptsByAp(profile.ap);
  const container = el("div", {});
  const draw = (open) => drawBars(container, open ? ranked : ranked.slice(0, BARS), model, checkpoint);
  const element = el("div", {}, el("p", {}, expertText(model, checkpoint, ranked)), categoriesKey(ranked),
    container, ranked.length > BARS ? el("p", {}, allButton(ranked.length, draw)) : null,
    lateDetails("All concepts as a table", () => apTable(ranked, model, checkpoint)));
  return { element, start: () => draw(false) };
}

function allButton(concepts, draw) {
  const button = el("button", { type: "button" });
  const tell = (open) => {
    button.setAttribute("aria-expanded", String(open));
    fill(button, open ? `Show the best ${BARS}` : `Show all ${count(concepts)} concepts`);
  };
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") === "false";
    tell(open);
    draw(open);
  });
  tell(false);
  return button;
}

function expertText(model, checkpoint, ranked) {
  const { threshold, concepts } = study();
  const experts = ranked.filter(({ ap }) => reaches(ap, threshold));
  if (!experts.length) {
    const all = plural(concepts.length, "concept");
    return `It is an expert of none of the ${all}: no AP reaches ${share(threshold)}.`;
  }
  const named = experts.slice(0, FEW_CONCEPTS).map(({ concept }) => conceptLink(model, checkpoint, concept));
  const more = experts.length - named.length;
  const all = joined([...named, more ? `${count(more)} more` : null]);
  return [`At AP ${share(threshold)} or more it is an expert of `, all, "."];
}

// Parts of a sentence with commas and a last "and".
function joined(parts) {
  const there = parts.filter(Boolean);
  return there.map((part, place) => [place === 0 ? "" : place === there.length - 1 ? " and " : ", ", part]);
}

// As a variable a colour follows the theme by itself.
function categoriesKey(ranked) {
  const seen = ranked.map(({ concept }) => study().concepts[concept].category);
  const there = [...new Set(seen)].sort((a, b) => a - b);
  const coloured = there.filter((category) => categoryPlace(category) >= 0);
  const items = coloured.map((category) =>
    ({ colour: `var(--category-${categoryPlace(category)})`, text: study().categories[category] }));
  if (coloured.length < there.length) items.push({ colour: "var(--other)", text: "other categories" });
  const key = legend(items);
  const mark = el("span", { "aria-hidden": "true" }, "|");
  if (chanceDiffers()) key.append(el("li", {}, mark, "chance of each concept"));
  return key;
}

function drawBars(container, ranked, model, checkpoint) {
  const names = ranked.map(({ concept }) => plotText(study().concepts[concept].name));
  const { name } = study().concepts[ranked[0].concept];
  const label = `Average precision of ${plural(ranked.length, "concept")}, the highest first: ${name} `
    + `${share(ranked[0].ap)}. The table below has the numbers.`;
  const onClick = ({ points }) => {
    const { concept } = ranked[points[0].pointNumber];
    go(conceptLink(model, checkpoint, concept).getAttribute("href"));
  };
  const height = 62 + BAR_PIXELS * ranked.length;
  return chart(container, () => barTraces(ranked, names), () => barLayout(names), { height, label, onClick });
}

function barTraces(ranked, names) {
  const about = ranked.map(({ concept }) => study().concepts[concept]);
  const bars = {
    type: "bar", orientation: "h", y: names, x: ranked.map(({ ap }) => ap), hoverinfo: "text",
    text: about.map((each, place) => barText(each, ranked[place].ap)), textposition: "none",
    marker: { color: about.map(({ category }) => categoryColour(category)), line: { width: 0 } },
  };
  const chances = {
    type: "scatter", mode: "markers", y: names, x: about.map(({ chance }) => chance), hoverinfo: "skip",
    marker: { symbol: "line-ns", size: 14, line: { color: palette().ink, width: 2 } },
  };
  return chanceDiffers() ? [bars, chances] : [bars];
}

function barText({ name, category, chance }, ap) {
  const kind = plotText(study().categories[category]);
  return `${plotText(name)}, ${kind}<br>AP ${share(ap)}, chance ${share(chance)}`;
}

function barLayout(names) {
  const { ink } = palette();
  const lines = apLines();
  return {
    bargap: 0.3, margin: { l: 60, r: 14, t: 24, b: 38 },
    xaxis: { range: [0, 1.001], title: "average precision (AP)", ...AP_TICKS },
    yaxis: {
      type: "category", categoryarray: [...names].reverse(), categoryorder: "array", showgrid: false,
      ticks: "",
    },
    shapes: lines.map(({ x, dash }) => ({
      type: "line", xref: "x", x0: x, x1: x, yref: "paper", y0: 0, y1: 1,
      line: { color: ink, width: 1.5, dash },
    })),
    annotations: lines.map(({ name }) => ({
      y: 1, yref: "paper", yanchor: "bottom", showarrow: false, font: { color: ink, size: 12 }, ...name,
    })),
  };
}

// The lines of the threshold and of chance; names of lines that are near stand on their far sides.
function apLines() {
  const { threshold, concepts: [{ chance }] } = study();
  const lines = [{ x: threshold, text: `expert ${share(threshold)}`, dash: "dot" }];
  if (!chanceDiffers()) lines.push({ x: chance, text: `chance ${share(chance)}`, dash: "dash" });
  const near = lines.length > 1 && Math.abs(threshold - chance) < APART;
  const right = Math.max(...lines.map(({ x }) => x));
  return lines.map(({ x, text, dash }) =>
    ({ x, dash, name: { x, text, xanchor: !near ? "center" : x === right ? "left" : "right" } }));
}

function apTable(ranked, model, checkpoint) {
  const { concepts, categories, threshold } = study();
  const columns = [
    { head: "Rank", number: true, cell: (_, place) => count(place + 1) },
    { head: "Concept", cell: ({ concept }) => conceptLink(model, checkpoint, concept) },
    { head: "Category", cell: ({ concept }) => categories[concepts[concept].category] },
    { head: "AP", number: true, cell: ({ ap }) => share(ap, 3) },
    { head: "Chance", number: true, cell: ({ concept }) => share(concepts[concept].chance, 3) },
    { head: "Expert", cell: ({ ap }) => (reaches(ap, threshold) ? "yes" : "no") },
  ];
  return tableOf(columns, ranked, { label: "Average precision of all concepts" });
}

/** The units whose AP over concepts goes with this one's. */
function similarPart(model, checkpoint, units, profile) {
  if (!profile.neighbours.length) return el("p", {}, "No unit like it is known at this checkpoint.");
  const best = ({ row }) => conceptOrNone(model, checkpoint, units.best[row]);
  const columns = [
    { head: "Unit", cell: ({ row }) => unitLink(model, checkpoint, row) },
    { head: "Likeness", number: true, cell: ({ likeness }) => share(likeness) },
    { head: "Best concept", cell: best },
    { head: "AP", number: true, cell: ({ row }) => share(units.ap[row]) },
    { head: "Expert of", number: true, cell: ({ row }) => count(units.concepts[row]) },
    { head: "F1 of graph", number: true, cell: ({ row }) => share(units.f1[row]) },
  ];
  const all = plural(study().concepts.length, "concept");
  const told = `Likeness is the correlation of two units’ AP over the ${all}.`;
  return [
    el("p", { class: "quiet" }, told),
    tableOf(columns, profile.neighbours, { label: "Units like this one" }),
  ];
}

function conceptOrNone(model, checkpoint, concept) {
  return concept === NO_CONCEPT ? "–" : conceptLink(model, checkpoint, concept);
}
