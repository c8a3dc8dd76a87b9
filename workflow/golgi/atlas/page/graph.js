// A unit's graph, drawn by hand as SVG: panned by dragging and scrolling, zoomed, walked by the arrow keys.

const ZOOM = { least: 0.25, most: 3, step: 1.25, fits: 0.75 };
const DRAG_FROM = 4; // pixels from which a press is a drag and no click

/**
 * The graph of loadGraph: {element, start(), choose(node), stop()}; start() when it is in the page. `matches`
 * are by node (matchesOfNodes). onShow(node) is told the node pointed at or chosen, onChoose(node) the one
 * chosen; -1 is none.
 */
function graphPart(graph, { label, matches, onShow, onChoose }) {
  const viewport = el("div", { class: "graph-view" });
  const part = {
    graph, label, matches, viewport, onShow, onChoose, zoom: 1, chosen: -1, hovered: -1, marks: [], links: [],
  };
  const element = el("div", {}, zoomTools(part), viewport);
  listenToGraph(part);
  return {
    element,
    start: () => {
      drawGraph(part);
      watchWidth(part);
    },
    choose: (node) => chooseNode(part, node),
    stop: () => part.watcher && part.watcher.disconnect(),
  };
}

function zoomTools(part) {
  const button = (text, label, key, click) => el("button", {
    type: "button", "aria-label": label, title: `${label} (key ${key})`, on: { click },
  }, text);
  part.reset = button("", "Full size", "0", () => resetGraph(part));
  return el("div", { class: "graph-tools", role: "group", "aria-label": "Zoom of the graph" },
    button("−", "Zoom out", "−", () => zoomGraph(part, part.zoom / ZOOM.step)), part.reset,
    button("+", "Zoom in", "+", () => zoomGraph(part, part.zoom * ZOOM.step)),
    el("button", { type: "button", on: { click: () => fitGraph(part) } }, "Whole graph"));
}

// What is drawn

function drawGraph(part) {
  const { graph, viewport } = part;
  part.room = viewport.clientWidth;
  part.plan = planGraph(graph.nodes, Math.max(part.room, 200));
  const { width, height, boxes, order } = part.plan;
  part.links = boxes.map((box, node) => linkOf(box, boxes[graph.nodes[node].parent]));
  part.marks = boxes.map((box, node) => markOf(part, box, node));
  const frame = { class: "graph", viewBox: `0 0 ${width} ${height}`, role: "tree", "aria-label": part.label };
  const links = svg("g", { "aria-hidden": "true" }, part.links);
  part.image = svg("svg", frame, links, order.map((node) => part.marks[node]));
  fill(viewport, part.image);
  resetGraph(part);
  setTabStop(part, part.chosen >= 0 ? part.chosen : order[0]);
  showNode(part);
}

function linkOf(box, parent) {
  if (!parent) return null;
  const bend = (box.right + parent.left) / 2;
  const curve = [bend, box.middle, bend, parent.middle, parent.left, parent.middle].join(" ");
  return svg("path", { class: "graph-link", d: `M${box.right} ${box.middle}C${curve}` });
}

function markOf(part, box, node) {
  const it = part.graph.nodes[node];
  const siblings = part.plan.children.get(it.parent);
  return svg("g", {
    class: "graph-node" + (endsAt(it) ? " end" : ""), role: "treeitem", tabindex: "-1",
    "aria-level": it.distance + 1, "aria-setsize": siblings.length,
    "aria-posinset": siblings.indexOf(node) + 1, "aria-selected": "false",
    "aria-label": nodeLabel(part, node), "data-node": node,
    "data-heat": it.token < 0 ? 0 : heatStep(shownActivation(it)),
  }, it.token < 0 ? dotOf(box) : boxMarks(box, it));
}

// An activating token has no importance: nothing fires without it.
function boxMarks(box, { parent, importance }) {
  const frame = { x: box.left, y: box.middle - PLAN.box / 2, width: box.width, height: PLAN.box, rx: 3 };
  const line = box.middle + (parent < 0 ? 4.5 : 2.5);
  const word = { x: box.left + box.width / 2, y: line, "text-anchor": "middle" };
  return [svg("rect", { class: "frame", ...frame }), parent < 0 ? null : bandOf(box, importance),
    svg("text", word, box.text)];
}

// A band at the foot of a box, as long on its ground as the token is important.
function bandOf(box, importance) {
  const ground = { x: box.left + 2.5, y: box.middle + PLAN.box / 2 - 5.5, width: box.width - 5, height: 3 };
  const band = { ...ground, width: ground.width * Math.min(Math.max(importance, 0), 1) };
  const around = { x: ground.x - 1, y: ground.y - 1, width: ground.width + 2, height: ground.height + 2 };
  return [svg("rect", { class: "band-ground", ...around }), svg("rect", { class: "band", ...band })];
}

// The ring is drawn small; what answers to the pointer is larger.
function dotOf(box) {
  const centre = { cx: box.left + box.width / 2, cy: box.middle };
  return [svg("circle", { class: "target", ...centre, r: 9 }),
    svg("circle", { class: "dot", ...centre, r: PLAN.dot / 2 - 0.5 })];
}

function endsAt(node) {
  return !Number.isNaN(node.value);
}

// Where a match may end, what is shown is what the graph expects of that match.
function shownActivation(node) {
  return endsAt(node) ? node.value : node.activation;
}

function nodeLabel({ graph, matches }, node) {
  const it = graph.nodes[node];
  const { text: root } = graph.nodes[lineOfNode(graph.nodes, node).pop()];
  const texts = new Set(matches[node].map(({ window }) => window)).size;
  const important = it.distance && it.token >= 0;
  return [
    it.distance ? `${it.text}, ${plural(it.distance, "token")} before ${root}` : `Fires on ${it.text}`,
    `activation ${share(it.activation)}`,
    important ? `importance ${share(it.importance)}` : "",
    endsAt(it) ? `a match may end here, ${share(it.value)} expected` : "",
    `matches in ${plural(texts, "text")}`,
  ].filter(Boolean).join("; ");
}

// A node and those towards the activating token, which is last.
function lineOfNode(nodes, node) {
  const line = [node];
  while (nodes[line[line.length - 1]].parent >= 0) line.push(nodes[line[line.length - 1]].parent);
  return line;
}

// Size

function zoomGraph(part, zoom, at) {
  const view = part.viewport;
  const spot = at || { x: view.clientWidth / 2, y: view.clientHeight / 2 };
  const next = Math.min(Math.max(zoom, ZOOM.least), ZOOM.most);
  const factor = next / part.zoom;
  const left = (view.scrollLeft + spot.x) * factor - spot.x;
  const top = (view.scrollTop + spot.y) * factor - spot.y;
  part.zoom = next;
  part.image.setAttribute("width", part.plan.width * next);
  part.image.setAttribute("height", part.plan.height * next);
  view.scrollLeft = left;
  view.scrollTop = top;
  const percentage = `${Math.round(100 * next)} %`;
  fill(part.reset, percentage);
  part.reset.setAttribute("aria-label", `${percentage}: back to full size`);
}

// Full size, a little less where the whole is then seen; the strongest activating token in view.
function resetGraph(part) {
  const { viewport, plan } = part;
  const fits = viewport.clientWidth / plan.width;
  zoomGraph(part, fits < 1 && fits >= ZOOM.fits ? fits : 1);
  viewport.scrollLeft = Math.max(0, plan.firstRight * part.zoom + PLAN.margin - viewport.clientWidth);
  viewport.scrollTop = 0;
  if (part.chosen >= 0) bringIntoView(part, part.chosen);
}

function fitGraph(part) {
  const { clientWidth, clientHeight } = part.viewport;
  const tall = parseFloat(getComputedStyle(part.viewport).maxHeight) || clientHeight;
  zoomGraph(part, Math.min(1, clientWidth / part.plan.width, tall / part.plan.height));
}

function watchWidth(part) {
  if (!window.ResizeObserver) return;
  part.watcher = new ResizeObserver(() => {
    const change = Math.abs(part.viewport.clientWidth - part.room);
    if (change > 40 && part.viewport.clientWidth) drawGraph(part);
  });
  part.watcher.observe(part.viewport);
}

function bringIntoView({ viewport, plan, zoom }, node) {
  const box = plan.boxes[node];
  const { scrollLeft, scrollTop, clientWidth, clientHeight } = viewport;
  const [left, right] = [box.left * zoom - PLAN.row, box.right * zoom + PLAN.row];
  const [above, below] = [box.middle * zoom - PLAN.row, box.middle * zoom + PLAN.row];
  viewport.scrollLeft = scrolledTo(left, right, scrollLeft, clientWidth);
  viewport.scrollTop = scrolledTo(above, below, scrollTop, clientHeight);
}

// Where to scroll so that all from `first` to `last` is in view: no further than it takes.
function scrolledTo(first, last, start, room) {
  if (first < start) return first;
  return last > start + room ? last - room : start;
}

// Choosing

function setTabStop(part, node) {
  part.marks.forEach((mark, place) => mark.setAttribute("tabindex", place === node ? "0" : "-1"));
}

function chooseNode(part, node) {
  const known = node >= 0 && node < part.marks.length ? node : -1;
  part.chosen = known;
  part.hovered = -1;
  part.marks.forEach((mark, place) => mark.setAttribute("aria-selected", String(place === known)));
  if (known >= 0) {
    setTabStop(part, known);
    bringIntoView(part, known);
  }
  showNode(part);
  part.onChoose(known);
}

// What is pointed at goes before what is chosen; its line to the activating token is lit.
function showNode(part) {
  const node = part.hovered >= 0 ? part.hovered : part.chosen;
  const line = new Set(node >= 0 ? lineOfNode(part.graph.nodes, node) : []);
  part.marks.forEach((mark, place) => {
    mark.classList.toggle("lit", line.has(place));
    mark.classList.toggle("shown", place === node);
    if (part.links[place]) part.links[place].classList.toggle("lit", line.has(place));
  });
  part.onShow(node);
}

function focusNode(part, node) {
  if (node === undefined) return;
  setTabStop(part, node);
  part.marks[node].focus({ preventScroll: true }); // focusing chooses
}

// Where an arrow leads: left to the context, right to what follows it, up and down to what stands beside.
function nodeTowards({ graph, plan }, node, key) {
  const { parent, distance } = graph.nodes[node];
  const column = plan.columns[distance];
  const roots = plan.children.get(-1);
  if (key === "ArrowLeft") return (plan.children.get(node) || [])[0];
  if (key === "ArrowRight") return parent >= 0 ? parent : undefined;
  if (key === "ArrowUp") return column[column.indexOf(node) - 1];
  if (key === "ArrowDown") return column[column.indexOf(node) + 1];
  return key === "Home" ? roots[0] : roots[roots.length - 1];
}

// Listening

const GRAPH_MOVES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

function nodeOfEvent(event) {
  const mark = event.target.closest ? event.target.closest("[data-node]") : null;
  return mark ? Number(mark.dataset.node) : -1;
}

function listenToGraph(part) {
  const { viewport } = part;
  viewport.addEventListener("keydown", (event) => keyInGraph(part, event));
  viewport.addEventListener("focusin", (event) => {
    const node = nodeOfEvent(event);
    if (node >= 0 && node !== part.chosen) chooseNode(part, node);
  });
  viewport.addEventListener("click", (event) => {
    const node = nodeOfEvent(event);
    if (node >= 0 && !part.dragged) focusNode(part, node);
  });
  viewport.addEventListener("pointerover", (event) => pointAtNode(part, nodeOfEvent(event)));
  viewport.addEventListener("pointerleave", () => part.chosen >= 0 && pointAtNode(part, part.chosen));
  viewport.addEventListener("wheel", (event) => wheelInGraph(part, event), { passive: false });
  listenToDrags(part);
}

// What was pointed at stays until something else is: the panel beside can be reached.
function pointAtNode(part, node) {
  if (node < 0 || part.drag || node === (part.hovered >= 0 ? part.hovered : part.chosen)) return;
  part.hovered = node === part.chosen ? -1 : node;
  showNode(part);
}

function keyInGraph(part, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { key } = event;
  const node = nodeOfEvent(event);
  if (key === "+" || key === "=") zoomGraph(part, part.zoom * ZOOM.step);
  else if (key === "-") zoomGraph(part, part.zoom / ZOOM.step);
  else if (key === "0") resetGraph(part);
  else if (key === "Escape" && part.chosen >= 0) chooseNode(part, -1);
  else if (GRAPH_MOVES.has(key) && node >= 0) focusNode(part, nodeTowards(part, node, key));
  else return;
  event.preventDefault();
}

function wheelInGraph(part, event) {
  if (!event.ctrlKey) return; // scrolling pans
  event.preventDefault();
  const edge = part.viewport.getBoundingClientRect();
  const at = { x: event.clientX - edge.left, y: event.clientY - edge.top };
  zoomGraph(part, part.zoom * Math.exp(-Math.min(Math.max(event.deltaY, -40), 40) / 150), at);
}

// A mouse drags; a finger scrolls, which the browser does better.
function listenToDrags(part) {
  const { viewport } = part;
  viewport.addEventListener("pointerdown", (event) => {
    part.dragged = false;
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    part.drag = { x: event.clientX, y: event.clientY, left: viewport.scrollLeft, top: viewport.scrollTop };
  });
  viewport.addEventListener("pointermove", (event) => {
    if (!part.drag) return;
    const [x, y] = [event.clientX - part.drag.x, event.clientY - part.drag.y];
    if (!part.dragged && Math.hypot(x, y) < DRAG_FROM) return;
    if (!part.dragged) viewport.setPointerCapture(event.pointerId);
    part.dragged = true;
    viewport.classList.add("dragging");
    viewport.scrollLeft = part.drag.left - x;
    viewport.scrollTop = part.drag.top - y;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    viewport.addEventListener(end, () => {
      part.drag = null;
      viewport.classList.remove("dragging");
    });
  }
}
