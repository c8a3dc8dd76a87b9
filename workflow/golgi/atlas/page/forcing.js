// What became of the text when a concept's best units were forced or zeroed, told of a unit that was among them.

const FORCING_ACTIONS = {
  force: { name: "Forced", told: "set, at every token, to the median of what they do in the concept’s sentences" },
  zero: { name: "Zeroed", told: "set to 0 at every token" },
  mean_negative: { name: "Mean negative", told: "set to their mean response to other sentences" },
};
const FORCING_QUANTITIES = {
  occurs: { head: "Its word, where it occurs", unit: "log-probability, nats" },
  absent: { head: "Its word, elsewhere", unit: "log-probability, nats" },
  generated: { head: "Continuations with its word", unit: "share" },
  neutral: { head: "Cost on neutral text", unit: "loss, nats per token" },
};

async function forcingPart(model, checkpoint, row) {
  if (!study().has.interventions) return el("p", {}, "Nothing was forced or zeroed in this study.");
  const { head } = await loadChunk("interventions");
  const here = (each) => each.model === model && each.checkpoint === checkpoint;
  const groups = head.groups.filter(here);
  if (!groups.length) return elsewhereForced(head, model);
  const member = groups.map((group) => ({ ...group, rank: group.rows.indexOf(row) })).filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank || a.concept - b.concept);
  const sets = new Map(groups.map(({ concept }) => [concept, head.rows.filter((each) => here(each) && each.concept === concept)]));
  if (!member.length) return neverForced(groups, model, checkpoint);
  return [forcingHelp(head.rows.filter(here)), member.map((group) => forcedGroup(group, sets.get(group.concept), model, checkpoint))];
}

function elsewhereForced({ groups }, model) {
  const places = [...new Set(groups.filter((group) => group.model === model).map((group) => group.checkpoint))];
  const named = places.map((name) => checkpointNamed(model, name).label).join(", ");
  return el("p", {}, named ? `At this checkpoint no unit was forced or zeroed; that was done at ${named}.`
    : "No unit of this model was forced or zeroed.");
}

function neverForced(groups, model, checkpoint) {
  const most = Math.max(...groups.map(({ rows }) => rows.length));
  const listed = groups.slice(0, 12).map(({ concept }, place) => [place ? ", " : "", conceptLink(model, checkpoint, concept)]);
  const more = groups.length > 12 ? ` and ${count(groups.length - 12)} more` : "";
  return el("p", {}, `This unit was never forced or zeroed: it is not among the ${plural(most, "unit")} with the highest AP of `,
    listed, `${more}, which were.`);
}

function forcingHelp(rows) {
  const actions = Object.keys(FORCING_ACTIONS).filter((action) => rows.some((row) => row.action === action));
  return [
    el("p", {}, "The best units of a concept were acted on together, in sets of growing size. Where a set holds more than this unit, "
      + "what is told is the doing of the whole set, not of this unit alone."),
    el("p", { class: "quiet small" }, actions.map((action) => `${FORCING_ACTIONS[action].name}: ${FORCING_ACTIONS[action].told}. `),
      "Numbers are changes against the model left alone; beside them, in brackets, what as many random units do, matched by layer and mean activation."),
  ];
}

function forcedGroup({ concept, rank, rows: ranked }, effects, model, checkpoint) {
  const sizes = [...new Set(effects.map(({ size }) => size))].sort((a, b) => a - b).filter((size) => size > rank);
  const heading = el("h3", {}, conceptLink(model, checkpoint, concept));
  const standing = rank ? `number ${count(rank + 1)} of its units by AP` : "its unit with the highest AP";
  if (!sizes.length) return [heading, el("p", {}, `It is ${standing}, and in none of the sets.`)];
  const alone = sizes[0] === 1 ? " The set of 1 is this unit alone." : "";
  const sets = sizes.length > 1 ? `${sizes.slice(0, -1).join(", ")} and ${sizes[sizes.length - 1]}` : String(sizes[0]);
  return [heading, el("p", {}, `It is ${standing}: in the ${sizes.length > 1 ? "sets" : "set"} of ${sets}.${alone}`),
    forcedTable(effects, sizes, study().concepts[concept].name), setMembers(ranked, Math.max(...sizes), model, checkpoint)];
}

function forcedTable(effects, sizes, name) {
  const actions = Object.keys(FORCING_ACTIONS).filter((action) => effects.some((each) => each.action === action));
  const quantities = Object.keys(FORCING_QUANTITIES).filter((quantity) => effects.some((each) => each.quantity === quantity));
  const lines = actions.flatMap((action) => sizes.map((size) => ({ action, size })));
  const found = (line, quantity) => effects.find((each) => each.action === line.action && each.size === line.size && each.quantity === quantity);
  const columns = [
    { head: "What was done", cell: ({ action }) => FORCING_ACTIONS[action].name },
    { head: "Units", number: true, cell: ({ size }) => (size === 1 ? "1 (this one)" : count(size)) },
    ...quantities.map((quantity) => ({
      head: [FORCING_QUANTITIES[quantity].head, el("br"), el("span", { class: "quiet small" }, FORCING_QUANTITIES[quantity].unit)],
      number: true, cell: (line) => effectOf(found(line, quantity)),
    })),
  ];
  return tableOf(columns, lines, { label: `Effects on ${name}` });
}

function effectOf(row) {
  if (!row || row.effect === null || row.effect === undefined) return "–";
  const random = row.random === null || row.random === undefined ? "" : ` (${signed(row.random)})`;
  return [el("strong", {}, signed(row.effect)), el("span", { class: "quiet" }, random)];
}

function signed(x) {
  const text = share(x, Math.abs(x) < 0.1 ? 3 : 2);
  return x > 0 && Number(x.toFixed(3)) ? `+${text}` : text;
}

function setMembers(rows, most, model, checkpoint) {
  if (most < 2) return null;
  return el("details", {}, el("summary", {}, `The units of the largest set (${count(Math.min(most, rows.length))})`),
    el("p", {}, rows.slice(0, most).map((row, place) => [place ? ", " : "", unitLink(model, checkpoint, row)])));
}
