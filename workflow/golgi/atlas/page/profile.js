// What a unit makes of every concept, when in training, and which units are like it.

const BARS = 20;
const BAR_PIXELS = 24;
const LINES = 3; // concepts whose AP is followed through training

function conceptsByAp(ap) {
  return Array.from(ap, (value, concept) => ({ concept, ap: value })).sort((a, b) => b.ap - a.ap || a.concept - b.concept);
}

function chanceDiffers() {
  const chances = study().concepts.map(({ chance }) => chance);
  return Math.max(...chances) - Math.min(...chances) > 0.005;
}

/** Bars of AP for every concept, the best first: {element, start()}. */
function apPart(model, checkpoint, profile) {
  const ranked = conceptsByAp(profile.ap);
  const container = el("div", {});
  const all = el("button", { type: "button", "aria-expanded": "false" }, `Show all ${count(ranked.length)} concepts`);
  const shown = () => (all.getAttribute("aria-expanded") === "true" ? ranked : ranked.slice(0, BARS));
  const draw = () => drawBars(container, shown(), model, checkpoint);
  all.addEventListener("click", () => {
    const open = all.getAttribute("aria-expanded") === "false";
    all.setAttribute("aria-expanded", String(open));
    fill(all, open ? `Show the best ${BARS}` : `Show all ${count(ranked.length)} concepts`);
    draw();
  });
  const experts = ranked.filter(({ ap }) => reaches(ap, study().threshold));
  return {
    element: el("div", {}, el("p", {}, expertText(model, checkpoint, experts)), categoriesKey(ranked.slice(0, BARS)), container,
      ranked.length > BARS ? el("p", {}, all) : null, apTable(ranked, model, checkpoint)),
    start: draw,
  };
}

function expertText(model, checkpoint, experts) {
  const { threshold, concepts } = study();
  const from = `AP ${share(threshold)}`;
  if (!experts.length) return `It is an expert of none of the ${count(concepts.length)} concepts: none reaches ${from}.`;
  const named = experts.slice(0, 6).map(({ concept }, place) => [place ? ", " : "", conceptLink(model, checkpoint, concept)]);
  const more = experts.length > 6 ? ` and ${count(experts.length - 6)} more` : "";
  return [`At ${from} or more it is an expert of `, named, `${more}.`];
}

function categoriesKey(ranked) {
  const there = [...new Set(ranked.map(({ concept }) => study().concepts[concept].category))].sort((a, b) => a - b);
  const coloured = there.filter((category) => categoryPlace(category) >= 0);
  const items = coloured.map((category) => ({ colour: categoryVariable(category), text: study().categories[category] }));
  if (coloured.length < there.length) items.push({ colour: "var(--other)", text: "other categories" });
  return legend(items);
}

// As a variable the colour follows the theme by itself.
function categoryVariable(category) {
  const place = categoryPlace(category);
  return place < 0 ? "var(--other)" : `var(--category-${place})`;
}

function drawBars(container, ranked, model, checkpoint) {
  const names = ranked.map(({ concept }) => plotText(study().concepts[concept].name));
  const best = ranked[0];
  const height = 62 + BAR_PIXELS * ranked.length;
  container.style.minHeight = "";
  return chart(container, () => barTraces(ranked, names), () => barLayout(names), {
    height,
    label: `Average precision of ${plural(ranked.length, "concept")}, the highest first: `
      + `${study().concepts[best.concept].name} ${share(best.ap)}. The table below has the numbers.`,
    onClick: ({ points }) => go(conceptLink(model, checkpoint, ranked[points[0].pointNumber].concept).getAttribute("href")),
  });
}

function barTraces(ranked, names) {
  const { ink, page } = palette();
  const told = ranked.map(({ concept, ap }) => {
    const { name, category, chance } = study().concepts[concept];
    return `${plotText(name)}, ${plotText(study().categories[category])}<br>AP ${share(ap)}, chance ${share(chance)}`;
  });
  const bars = {
    type: "bar", orientation: "h", y: names, x: ranked.map(({ ap }) => ap), text: told, hoverinfo: "text", textposition: "none",
    marker: { color: ranked.map(({ concept }) => categoryColour(study().concepts[concept].category)), line: { width: 0 } },
  };
  if (!chanceDiffers()) return [bars];
  return [bars, {
    type: "scatter", mode: "markers", y: names, x: ranked.map(({ concept }) => study().concepts[concept].chance), hoverinfo: "skip",
    marker: { symbol: "line-ns", size: 14, line: { color: ink, width: 2 }, color: page },
  }];
}

function barLayout(names) {
  const { ink, quiet } = palette();
  const { threshold, concepts } = study();
  const lines = [{ x: threshold, text: `expert ${share(threshold)}`, dash: "dot", colour: quiet }];
  if (!chanceDiffers()) lines.push({ x: concepts[0].chance, text: `chance ${share(concepts[0].chance)}`, dash: "dash", colour: ink });
  const close = lines.length > 1 && Math.abs(lines[0].x - lines[1].x) < 0.25;
  return {
    bargap: 0.3, margin: { l: 60, r: 14, t: 24, b: 38 },
    xaxis: { range: [0, 1.001], title: "average precision (AP)", tickvals: [0, 0.25, 0.5, 0.75, 1], ticktext: ["0", ".25", ".5", ".75", "1"] },
    yaxis: { type: "category", categoryarray: [...names].reverse(), categoryorder: "array", showgrid: false, ticks: "" },
    shapes: lines.map(({ x, dash, colour }) => ({ type: "line", xref: "x", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: { color: colour, width: 1.5, dash } })),
    annotations: lines.map(({ x, text }, place) => ({
      x, y: 1, yref: "paper", yanchor: "bottom", text, showarrow: false, font: { color: ink, size: 12 },
      // Side by side where they are near: the threshold's to its right, that of chance to its left.
      xanchor: close ? ((x >= lines[1 - place].x) ? "left" : "right") : "center",
    })),
  };
}

function apTable(ranked, model, checkpoint) {
  const { concepts, categories, threshold } = study();
  const details = el("details", {}, el("summary", {}, "All concepts as a table"));
  const columns = [
    { head: "Rank", number: true, cell: (_, place) => count(place + 1) },
    { head: "Concept", cell: ({ concept }) => conceptLink(model, checkpoint, concept) },
    { head: "Category", cell: ({ concept }) => categories[concepts[concept].category] },
    { head: "AP", number: true, cell: ({ ap }) => share(ap, 3) },
    { head: "Chance", number: true, cell: ({ concept }) => share(concepts[concept].chance, 3) },
    { head: "Expert", cell: ({ ap }) => (reaches(ap, threshold) ? "yes" : "") },
  ];
  details.addEventListener("toggle", () => {
    if (details.children.length < 2) details.append(tableOf(columns, ranked, { label: "Average precision of all concepts" }));
  });
  return details;
}

// Training --------------------------------------------------------------------------------------------------------

/** AP of the unit's best concepts at every checkpoint; what it needs is loaded by start(). */
function trainingPart(model, checkpoint, row, concepts) {
  const element = el("div", {}, el("p", { class: "quiet" }, "Reading …"));
  const start = async () => {
    const history = await Promise.all(modelNamed(model).checkpoints.map(async (each) => {
      const [units, profile] = await Promise.all([loadUnits(model, each), loadProfile(model, each, row)]);
      return { checkpoint: each, best: units.best[row], ap: units.ap[row], profile };
    }));
    if (element.isConnected) await drawTraining(element, model, checkpoint, row, concepts, history);
  };
  return { element, start };
}

// AP of one concept where it is known: by the profile, or because no concept has a higher one.
function apThen({ best, ap, profile }, concept) {
  if (profile) return profile.ap[concept];
  return best === concept ? ap : NaN;
}

function drawTraining(element, model, checkpoint, row, concepts, history) {
  const container = el("div", {});
  const unknown = history.filter(({ profile }) => !profile).length;
  fill(element, trainingKey(concepts), container,
    unknown ? el("p", { class: "quiet small" }, `At ${plural(unknown, "checkpoint")} only the highest AP of this unit is in the atlas, so lines have gaps.`) : null,
    trainingTable(model, checkpoint, row, concepts, history));
  const names = concepts.map((concept) => study().concepts[concept].name);
  return chart(container, () => trainingTraces(concepts, history), () => trainingLayout(history, concepts), {
    height: 260,
    label: `Average precision at each checkpoint of the highest concept and of ${names.join(", ")}. The table below has the numbers.`,
    onClick: ({ points }) => go(unitLink(model, history[points[0].pointNumber].checkpoint, row).getAttribute("href")),
  });
}

const TRAINING_MARKS = ["circle", "square", "diamond"];

function trainingKey(concepts) {
  const signs = ["●", "■", "◆"];
  return el("ul", { class: "legend" }, concepts.map((concept, place) => el("li", {},
    el("span", { "aria-hidden": "true", style: { color: `var(--${TRAINING_COLOURS[place]})` } }, signs[place]), study().concepts[concept].name)),
  el("li", {}, el("span", { "aria-hidden": "true" }, "┄"), "highest of any concept"));
}

// Not the colours of categories: concepts of one category must differ here.
const TRAINING_COLOURS = ["ink", "accent", "warn"];

function trainingTraces(concepts, history) {
  const colours = palette();
  const { quiet } = colours;
  const at = history.map((_, place) => place);
  // The untrained twin is no moment of the training: its marks stand apart.
  const trained = (values) => values.map((value, place) => (history[place].checkpoint.untrained ? null : value));
  const told = (values, name) => values.map((value, place) => `${plotText(name)} ${share(value)}<br>${plotText(history[place].checkpoint.label)}`);
  const series = (values, name, style) => {
    const known = values.map((value) => (Number.isNaN(value) ? null : value));
    const shared = { type: "scatter", x: at, text: told(values, name), hoverinfo: "text" };
    const alone = { ...shared, y: known.map((value, place) => (history[place].checkpoint.untrained ? value : null)), mode: "markers" };
    return [{ ...shared, y: trained(known), mode: "lines+markers", ...style },
      { ...alone, marker: { ...style.marker, symbol: `${style.marker.symbol}-open` } }];
  };
  return [
    series(history.map(({ ap }) => ap), "highest", { line: { color: quiet, width: 1.5, dash: "dot" }, marker: { color: quiet, size: 4, symbol: "circle" } }),
    concepts.map((concept, place) => series(history.map((moment) => apThen(moment, concept)), study().concepts[concept].name, {
      line: { color: colours[TRAINING_COLOURS[place]], width: 2 },
      marker: { color: colours[TRAINING_COLOURS[place]], size: 8, symbol: TRAINING_MARKS[place] },
    })),
  ].flat(2);
}

function trainingLayout(history, concepts) {
  const { ink } = palette();
  const chances = concepts.map((concept) => study().concepts[concept].chance);
  const chance = chances.reduce((sum, each) => sum + each, 0) / chances.length;
  const every = Math.ceil(history.length / 9);
  const ticks = history.map((moment, place) => ({ ...moment, place }))
    .filter(({ place, checkpoint }) => place % every === 0 || checkpoint.untrained);
  return {
    margin: { l: 48, r: 76, t: 14, b: 56 },
    xaxis: { tickvals: ticks.map(({ place }) => place), ticktext: ticks.map(({ checkpoint }) => plotText(shortLabel(checkpoint))),
      range: [-0.3, history.length - 0.7], showgrid: false, title: "checkpoint, in the order of training" },
    yaxis: { range: [0, 1.03], title: "AP", tickvals: [0, 0.25, 0.5, 0.75, 1], ticktext: ["0", ".25", ".5", ".75", "1"] },
    shapes: [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: chance, y1: chance, line: { color: ink, width: 1, dash: "dash" } }],
    annotations: [{ xref: "paper", x: 1.005, xanchor: "left", y: chance, yanchor: "middle", text: `chance ${share(chance)}`, showarrow: false, font: { size: 12 } }],
  };
}

function shortLabel({ step, name }) {
  if (step === null || step === undefined) return name;
  return step >= 1000 ? `${+(step / 1000).toPrecision(3)}k` : String(step);
}

function trainingTable(model, checkpoint, row, concepts, history) {
  const columns = [
    { head: "Checkpoint", cell: (moment) => (moment.checkpoint.name === checkpoint ? el("strong", {}, `${moment.checkpoint.label} (here)`)
      : unitLink(model, moment.checkpoint, row, moment.checkpoint.label)) },
    { head: "Best concept", cell: ({ checkpoint: each, best }) => (best === NO_CONCEPT ? "–" : conceptLink(model, each, best)) },
    { head: "its AP", number: true, cell: ({ ap }) => share(ap) },
    ...concepts.map((concept) => ({ head: study().concepts[concept].name, number: true, cell: (moment) => share(apThen(moment, concept)) })),
  ];
  return el("details", {}, el("summary", {}, "Every checkpoint as a table, with links"), tableOf(columns, history, { label: "AP at every checkpoint" }));
}

// Likeness --------------------------------------------------------------------------------------------------------

function similarPart(model, checkpoint, units, profile) {
  if (!profile.neighbours.length) return el("p", {}, "No unit like it is known at this checkpoint.");
  const { concepts } = study();
  const columns = [
    { head: "Unit", cell: ({ row }) => unitLink(model, checkpoint, row) },
    { head: "Likeness", number: true, cell: ({ likeness }) => share(likeness) },
    { head: "Best concept", cell: ({ row }) => (units.best[row] === NO_CONCEPT ? "–" : conceptLink(model, checkpoint, units.best[row])) },
    { head: "AP", number: true, cell: ({ row }) => share(units.ap[row]) },
    { head: "Expert of", number: true, cell: ({ row }) => count(units.concepts[row]) },
    { head: "F1 of graph", number: true, cell: ({ row }) => share(units.f1[row]) },
  ];
  return [
    el("p", { class: "quiet" }, `Likeness is the correlation of the two units’ AP over the ${count(concepts.length)} concepts.`),
    tableOf(columns, profile.neighbours, { label: "Units like this one" }),
  ];
}
