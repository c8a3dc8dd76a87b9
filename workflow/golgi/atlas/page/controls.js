// Controls that more than one page has.

const STEP_MS = 700;

const PICKER = { sites: false, slider: false, play: false, live: false, id: "place" };

// onChange({model, checkpoint, site}) with names. `slider`: checkpoints on a slider, else in a list.
// `play`: a button runs through them. `live`: told while the slider is dragged (play implies it), for pages
// that change in place. `id`: prefix of the controls' ids, where a page has two pickers.
// The element has a method set({model, checkpoint, site}), which does not call onChange, and stop().
function placePicker(start, onChange, options = {}) {
  const { sites, slider, play, live, id } = { ...PICKER, ...options };
  const state = { ...start };
  const element = el("div", { class: "picker row" });
  const player = play ? playerOf(state, change) : null;
  const parts = { id, sites, slider, live: live || play, player };

  function change(part) {
    Object.assign(state, part);
    if (part.model) settleModel(state);
    draw(part);
    onChange({ ...state });
  }

  function draw(part) {
    const active = focusedIdIn(element);
    if (part.model || !element.firstChild) fill(element, pickerParts(state, change, parts));
    else updatePicker(element, state, parts);
    const again = active && document.getElementById(active);
    if (again && again !== document.activeElement) again.focus({ preventScroll: true });
  }

  element.set = (part) => {
    const changed = part.model && part.model !== state.model;
    Object.assign(state, part);
    draw(changed ? { model: state.model } : {});
  };
  element.stop = () => player && player.stop();
  draw({});
  return element;
}

function settleModel(state) {
  const model = modelNamed(state.model);
  const has = (list, name) => list.some((each) => each.name === name);
  if (!has(model.checkpoints, state.checkpoint)) state.checkpoint = lastTrained(model).name;
  if (state.site && !has(model.sites, state.site)) state.site = model.sites[0].name;
}

function pickerParts(state, change, parts) {
  const model = modelNamed(state.model);
  const names = (list) => list.map((each) => each.name);
  const checkpoints = parts.slider ? checkpointSlider : checkpointChooser;
  return [
    chooser(`${parts.id}-model`, "Model", names(study().models), state.model,
      (name) => change({ model: name })),
    checkpoints(model, state, change, parts),
    parts.sites && model.sites.length > 1
      ? chooser(`${parts.id}-site`, "Site", names(model.sites), state.site || model.sites[0].name,
        (name) => change({ site: name })) : null,
  ];
}

function checkpointChooser(model, state, change, { id }) {
  const named = model.checkpoints.map((each) => ({ value: each.name, text: each.label }));
  return chooser(`${id}-checkpoint`, "Checkpoint", named, state.checkpoint,
    (name) => change({ checkpoint: name }));
}

// A labelled <select>. options: strings or {value, text}.
function chooser(id, label, options, value, onChange) {
  const made = options.map((each) => (typeof each === "object" ? each : { value: each, text: each }))
    .map((each) => el("option", { value: each.value }, each.text));
  return el("div", { class: "field" }, el("label", { for: id }, label),
    el("select", { id, value, on: { change: (event) => onChange(event.target.value) } }, made));
}

function checkpointSlider(model, state, change, { id, live, player }) {
  const trained = model.checkpoints.filter((each) => !each.untrained);
  if (trained.length < 2) return checkpointChooser(model, state, change, { id });
  const at = (event) => trained[Number(event.target.value)];
  const told = (event) => change({ checkpoint: at(event).name });
  const place = Math.max(trained.findIndex((each) => each.name === state.checkpoint), 0);
  const said = el("output", { id: `${id}-said`, for: `${id}-checkpoint`, "aria-live": "off" });
  const range = el("input", {
    id: `${id}-checkpoint`, type: "range", min: 0, max: trained.length - 1, step: 1, value: place,
    on: {
      input: (event) => (live ? told(event) : sayCheckpoint(range, said, at(event))),
      change: (event) => !live && told(event),
    },
  });
  sayCheckpoint(range, said, checkpointNamed(model, state.checkpoint));
  range.disabled = checkpointNamed(model, state.checkpoint).untrained;
  return [
    el("div", { class: "field slider" }, el("label", { for: `${id}-checkpoint` }, "Checkpoint"),
      el("div", { class: "row tight" }, player ? player.button : null, range, said)),
    twinSwitch(model, state, change, id),
  ];
}

function sayCheckpoint(range, said, checkpoint) {
  said.textContent = checkpoint.label;
  range.setAttribute("aria-valuetext", checkpoint.label);
}

// The untrained twin is a control: it is no step of the training, so it is not on the slider, which rests
// while the twin is shown: its knob would stand at a step that is not seen.
function twinSwitch(model, state, change, id) {
  const twin = twinOf(model);
  if (!twin) return null;
  const choose = (twins) => change({ checkpoint: twins ? twin.name : lastTrained(model).name });
  return el("div", { class: "field check" },
    el("input", {
      id: `${id}-twin`, type: "checkbox", checked: state.checkpoint === twin.name,
      on: { change: (event) => choose(event.target.checked) },
    }),
    el("label", { for: `${id}-twin` }, "untrained twin"));
}

function updatePicker(element, state, { id }) {
  const model = modelNamed(state.model);
  const checkpoint = checkpointNamed(model, state.checkpoint);
  const control = element.querySelector(`[id="${id}-checkpoint"]`);
  const site = element.querySelector(`[id="${id}-site"]`);
  const twin = element.querySelector(`[id="${id}-twin"]`);
  if (site) site.value = state.site;
  if (twin) twin.checked = checkpoint.untrained;
  if (control.tagName === "SELECT") control.value = state.checkpoint;
  else {
    const trained = model.checkpoints.filter((each) => !each.untrained);
    const place = trained.findIndex((each) => each.name === state.checkpoint);
    if (place >= 0) control.value = place;
    control.disabled = checkpoint.untrained;
    sayCheckpoint(control, element.querySelector("output"), checkpoint);
  }
}

// Runs through the trained checkpoints once. Where motion is not wanted, each press makes one step.
function playerOf(state, change) {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  let timer = 0;
  const button = el("button", { type: "button", class: "play", on: { click: press } });

  function show() {
    const text = still ? "Next checkpoint" : timer ? "Pause" : "Play";
    fill(button, el("span", { "aria-hidden": "true" }, timer ? "❚❚" : still ? "▸" : "▶"),
      el("span", { class: "visually-hidden" }, text === "Play" ? "Play the training" : text));
    button.title = text;
  }

  function next() {
    const trained = modelNamed(state.model).checkpoints.filter((each) => !each.untrained);
    const place = trained.findIndex((each) => each.name === state.checkpoint);
    const after = trained[place + 1];
    if (after) change({ checkpoint: after.name });
    if (!trained[place + 2]) stop();
    return trained[0];
  }

  function press() {
    const trained = modelNamed(state.model).checkpoints.filter((each) => !each.untrained);
    const ended = state.checkpoint === trained[trained.length - 1].name;
    if (timer) stop();
    else if (still) ended ? change({ checkpoint: trained[0].name }) : next();
    else {
      timer = setInterval(next, STEP_MS);
      if (ended) change({ checkpoint: trained[0].name });
      show();
    }
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    show();
  }

  show();
  return { button, stop };
}

function unitLink(model, checkpoint, row, text) {
  const { site, layer, unit } = unitAt(model, row);
  const params = [modelNamed(model).name, checkpointNamed(model, checkpoint).name, site, layer, unit];
  return el("a", { href: link("unit", params) }, text || unitName(model, row));
}

function conceptLink(model, checkpoint, index) {
  const name = study().concepts[index].name;
  const params = [modelNamed(model).name, checkpointNamed(model, checkpoint).name, name];
  return el("a", { href: link("concept", params) }, name);
}

function legend(items) {
  return el("ul", { class: "legend" }, items.map(({ colour, text }) =>
    el("li", {}, el("span", { class: "swatch", "aria-hidden": "true", style: { background: colour } }),
      text)));
}
