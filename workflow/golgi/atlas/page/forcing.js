// What forcing or zeroing a concept's best units did, told of a unit that was among them.

const FORCING_ACTIONS = {
  force: { name: "Forced", told: "set everywhere to the median of what they do in the concept’s sentences" },
  zero: { name: "Zeroed", told: "set everywhere to 0" },
  mean_negative: { name: "Mean negative", told: "set everywhere to their mean response to other sentences" },
};
const FORCING_QUANTITIES = {
  occurs: { head: "Its word, where it occurs", unit: "log-probability, nats" },
  absent: { head: "Its word, elsewhere", unit: "log-probability, nats" },
  generated: { head: "Continuations with its word", unit: "share" },
  neutral: { head: "Cost on neutral text", unit: "loss, nats per token" },
};
const FEW_GROUPS = 12;

async function forcingPart(model, checkpoint, row) {
  if (!study().has.interventions) return el("p", {}, "Nothing was forced or zeroed in this study.");
  const { head } = await loadChunk("interventions");
  const here = (each) => each.model === model.name && each.checkpoint === checkpoint.name;
  const groups = head.groups.filter(here);
  if (!groups.length) return el("p", {}, elsewhereForced(head, model));
  const member = groups.map((group) => ({ ...group, rank: group.rows.indexOf(row) }))
    .filter(({ rank }) => rank >= 0).sort((a, b) => a.rank - b.rank || a.concept - b.concept);
  if (!member.length) return el("p", {}, neverForced(groups, model, checkpoint));
  const effects = head.rows.filter(here);
  return [forcingHelp(effects), member.map((group) =>
    forcedGroup(group, effects.filter(({ concept }) => concept === group.concept), model, checkpoint))];
}

function elsewhereForced({ groups }, model) {
  const own = groups.filter((group) => group.model === model.name).map(({ checkpoint }) => checkpoint);
  if (!own.length) return "No unit of this model was forced or zeroed.";
  const labels = [...new Set(own)].map((name) => checkpointNamed(model, name).label);
  return ["At this checkpoint no unit was forced or zeroed; that was done at ", joined(labels), "."];
}

function neverForced(groups, model, checkpoint) {
  const most = Math.max(...groups.map(({ rows }) => rows.length));
  const named = groups.slice(0, FEW_GROUPS).map(({ concept }) => conceptLink(model, checkpoint, concept));
  const more = groups.length - named.length;
  const all = joined([...named, more ? `${count(more)} more concepts` : null]);
  return ["This unit was not forced or zeroed as a unit of a concept: it is not among the ",
    `${plural(most, "unit")} with the highest AP of `, all, ", which were."];
}

function forcingHelp(effects) {
  const taken = new Set(effects.map(({ action }) => action));
  const actions = Object.entries(FORCING_ACTIONS).filter(([action]) => taken.has(action));
  return [
    el("p", {}, "The best units of a concept were acted on together, in sets of growing size. Where a set "
      + "holds more than this unit, what is told is the doing of the whole set, not of this unit alone."),
    smallNote(actions.map(([, { name, told }]) => `${name}: ${told}. `),
      "Numbers are mean changes over the concept’s prompts against the model left alone; in brackets, the "
      + "control: what as many random units do, matched by layer and mean activation. They describe this "
      + "concept; the report tests all concepts together, with intervals."),
  ];
}

function forcedGroup({ concept, rank, rows }, effects, model, checkpoint) {
  const all = [...new Set(effects.map(({ size }) => size))].sort((a, b) => a - b);
  const sizes = all.filter((size) => size > rank);
  const heading = el("h3", {}, conceptLink(model, checkpoint, concept));
  const standing = rank ? `number ${count(rank + 1)} of its units by AP` : "its unit with the highest AP";
  if (!sizes.length) return [heading, el("p", {}, `It is ${standing}, and in none of the sets.`)];
  const noun = sizes.length > 1 ? "sets" : "set";
  const sets = [`It is ${standing}: in the ${noun} of `, joined(sizes.map(String)), "."];
  const largest = rows.slice(0, sizes[sizes.length - 1]);
  return [heading, el("p", {}, sets, sizes[0] === 1 ? " The set of 1 is this unit alone." : ""),
    forcedTable(effects, sizes, study().concepts[concept].name),
    largest.length < 2 ? null : lateDetails(`The ${count(largest.length)} units of the largest set`,
      () => el("p", {}, joined(largest.map((each) => unitLink(model, checkpoint, each)))))];
}

function forcedTable(effects, sizes, name) {
  const of = (line, quantity) => effects.find((each) =>
    each.action === line.action && each.size === line.size && each.quantity === quantity);
  const measured = ([quantity]) => effects.some((each) => each.quantity === quantity);
  const columns = [
    { head: "What was done", cell: ({ action }) => FORCING_ACTIONS[action].name },
    { head: "Units", number: true, cell: ({ size }) => (size === 1 ? "1 (this one)" : count(size)) },
    ...Object.entries(FORCING_QUANTITIES).filter(measured).map(([quantity, { head, unit }]) => ({
      head: [head, el("br"), el("span", { class: "quiet small" }, unit)], number: true,
      cell: (line) => effectOf(of(line, quantity)),
    })),
  ];
  const lines = Object.keys(FORCING_ACTIONS).flatMap((action) => sizes.map((size) => ({ action, size })))
    .filter(({ action }) => effects.some((each) => each.action === action));
  return tableOf(columns, lines, { label: `Effects on ${name}` });
}

function effectOf(row) {
  const known = (x) => x !== null && x !== undefined;
  if (!row || !known(row.effect)) return "–";
  return [el("strong", { title: `mean over ${plural(row.prompts, "prompt")}` }, signed(row.effect)),
    known(row.random) ? el("span", { class: "quiet" }, ` (${signed(row.random)})`) : null];
}

// Small effects get another digit: those of random units are small.
function signed(x) {
  const digits = Math.abs(x) < 0.1 ? 3 : 2;
  return (Number(x.toFixed(digits)) > 0 ? "+" : "") + share(x, digits);
}
