// How a unit came to be: the AP of its best concepts at every checkpoint.

const LINES = 3; // concepts that are followed
const TRAINING_MARKS = ["circle", "square", "diamond"];
const TRAINING_SIGNS = ["●", "■", "◆"];
// Not the colours of categories: concepts of one category must differ here.
const TRAINING_COLOURS = ["ink", "accent", "warn"];

/** {element, start()}: start() loads what it needs of every checkpoint and draws. */
function trainingPart(model, checkpoint, row, concepts) {
  const element = el("div", {}, el("p", { class: "quiet unread" }, "Reading …"));
  const momentAt = async (each) => {
    const [units, profile] = await Promise.all([loadUnits(model, each), loadProfile(model, each, row)]);
    return { checkpoint: each, best: units.best[row], ap: units.ap[row], profile };
  };
  const start = async () => {
    const history = await Promise.all(model.checkpoints.map(momentAt));
    if (element.isConnected) await drawTraining(element, { model, checkpoint, row, concepts, history });
  };
  return { element, start };
}

// AP of one concept where it is known: by the profile, or because no concept has a higher one.
function apThen({ best, ap, profile }, concept) {
  if (profile) return profile.ap[concept];
  return best === concept ? ap : NaN;
}

function drawTraining(element, unit) {
  const { model, row, concepts, history } = unit;
  const container = el("div", {});
  const unknown = history.filter(({ profile }) => !profile).length;
  const gaps = `Lines have gaps: of ${plural(unknown, "checkpoint")} the atlas has the highest AP alone.`;
  fill(element, trainingKey(unit), container, unknown ? smallNote(gaps) : null,
    lateDetails("Every checkpoint as a table, with links", () => trainingTable(unit)));
  const named = concepts.map((concept) => study().concepts[concept].name);
  const names = joined(["the highest concept", ...named]).flat().join("");
  return chart(container, () => trainingTraces(concepts, history), () => trainingLayout(concepts, history), {
    height: 260,
    label: `Average precision at each checkpoint of ${names}. The table below has the numbers.`,
    onClick: ({ points }) => go(unitLink(model, history[points[0].x].checkpoint, row).getAttribute("href")),
  });
}

function trainingKey({ concepts, history }) {
  const chance = chanceDiffers() ? `chance for ${study().concepts[concepts[0]].name}` : "chance";
  const sign = (text, colour) =>
    el("span", { "aria-hidden": "true", style: { color: `var(--${colour})` } }, text);
  return el("ul", { class: "legend" },
    concepts.map((concept, place) => el("li", {},
      sign(TRAINING_SIGNS[place], TRAINING_COLOURS[place]), study().concepts[concept].name)),
    el("li", {}, sign("┄", "quiet"), "highest of any concept"),
    el("li", {}, sign("╌", "ink"), chance),
    history.some(({ checkpoint }) => checkpoint.untrained)
      ? el("li", { class: "quiet" }, "hollow: the unit of this number in the untrained twin, a control with "
        + "other weights")
      : null);
}

function trainingTraces(concepts, history) {
  const colours = palette();
  const highest = {
    values: history.map(({ ap }) => ap), name: "highest", width: 1.5, dash: "dot", colour: colours.quiet,
    size: 4, symbol: "circle",
  };
  const followed = concepts.map((concept, place) => ({
    values: history.map((moment) => apThen(moment, concept)), name: study().concepts[concept].name, width: 2,
    dash: "solid", colour: colours[TRAINING_COLOURS[place]], size: 8, symbol: TRAINING_MARKS[place],
  }));
  return [highest, ...followed].flatMap((line) => trainingLine(line, history));
}

// The untrained twin is no moment of the training: its mark stands apart from the line.
function trainingLine({ values, name, width, dash, colour, size, symbol }, history) {
  const part = (untrained) => values.map((value, place) =>
    (history[place].checkpoint.untrained === untrained && !Number.isNaN(value) ? value : null));
  const text = values.map((value, place) =>
    `${plotText(name)} ${share(value)}<br>${plotText(history[place].checkpoint.label)}`);
  const shared = { type: "scatter", x: values.map((_, place) => place), text, hoverinfo: "text" };
  return [
    { ...shared, y: part(false), mode: "lines+markers", line: { color: colour, width, dash },
      marker: { color: colour, size, symbol } },
    { ...shared, y: part(true), mode: "markers", marker: { color: colour, size, symbol: `${symbol}-open` } },
  ];
}

function trainingLayout(concepts, history) {
  const { ink } = palette();
  const { chance } = study().concepts[concepts[0]];
  const every = Math.ceil(history.length / 9);
  const ticks = history.map((_, place) => place)
    .filter((place) => place % every === 0 || history[place].checkpoint.untrained);
  return {
    margin: { l: 48, r: 76, t: 14, b: 56 },
    xaxis: {
      tickvals: ticks, ticktext: ticks.map((place) => plotText(shortLabel(history[place].checkpoint))),
      range: [-0.3, history.length - 0.7], showgrid: false, title: "checkpoint, in the order of training",
    },
    yaxis: { range: [0, 1.03], title: "AP", ...AP_TICKS },
    shapes: [{
      type: "line", xref: "paper", x0: 0, x1: 1, y0: chance, y1: chance,
      line: { color: ink, width: 1, dash: "dash" },
    }],
    annotations: [{
      xref: "paper", x: 1.005, xanchor: "left", y: chance, yanchor: "middle", text: `chance ${share(chance)}`,
      showarrow: false, font: { size: 12 },
    }],
  };
}

function shortLabel({ step, name }) {
  if (step === null || step === undefined) return name;
  return step >= 1000 ? `${Number((step / 1000).toPrecision(3))}k` : String(step);
}

function trainingTable({ model, checkpoint, row, concepts, history }) {
  const here = ({ checkpoint: each }) => (each === checkpoint ? el("strong", {}, `${each.label} (here)`)
    : unitLink(model, each, row, each.label));
  const columns = [
    { head: "Checkpoint", cell: here },
    { head: "Best concept", cell: (moment) => conceptOrNone(model, moment.checkpoint, moment.best) },
    { head: "its AP", number: true, cell: ({ ap }) => share(ap) },
    ...concepts.map((concept) => ({
      head: study().concepts[concept].name, number: true, cell: (moment) => share(apThen(moment, concept)),
    })),
  ];
  return tableOf(columns, history, { label: "AP at every checkpoint" });
}
