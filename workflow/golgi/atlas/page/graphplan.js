// Lays out a unit's graph in pixels: context to the left, activating tokens to the right. Draws nothing.

const PLAN = {
  row: 28, box: 22, padding: 7, gap: 24, dot: 10, dotGap: 9, longest: 150, margin: 8,
  betweenTrees: 0.45, betweenLoneTrees: 0.12, betweenStacks: 40, font: "13px system-ui, sans-serif",
};
const MOST_ROWS = { trees: 15, lone: 8 }; // from which on trees go side by side where the page has room
let measuring = null;

/**
 * A plan of the nodes of loadGraph in at most `room` pixels, or as many as the widest tree takes: {width,
 * height, boxes by node [{text, left, right, middle, width}], order: nodes depth first as drawn, children by
 * node (-1: the activating tokens), columns: nodes by distance from above to below, firstRight: where the
 * first stack ends}.
 */
function planGraph(nodes, room) {
  const children = graphChildren(nodes);
  const widths = nodes.map((node) => (node.token < 0 ? PLAN.dot : boxWidthOf(node.text)));
  const stacks = graphStacks(nodes, children, widths, room - 2 * PLAN.margin);
  const boxes = [];
  let left = PLAN.margin;
  for (const { rows, columns } of stacks) {
    for (const [node, row] of rows) boxes[node] = boxOfNode(nodes[node], widths[node], row, left, columns);
    left += columns.width + PLAN.betweenStacks;
  }
  const order = stacks.flatMap(({ roots }) => roots).flatMap((root) => depthFirst(children, root));
  return {
    boxes, order, children, columns: nodesByDistance(nodes, order, boxes, stacks),
    width: left - PLAN.betweenStacks + PLAN.margin,
    height: PLAN.row * Math.max(0, ...stacks.map(({ rows }) => rowsTaken(rows))) + 2 * PLAN.margin,
    firstRight: PLAN.margin + (stacks.length ? stacks[0].columns.width : 0),
  };
}

// How much a path that ends here stands for: observations x expected activation.
function pathStrength({ count: observations, value }) {
  return Number.isNaN(value) ? -Infinity : observations * value;
}

// The children of every node, under -1 the activating tokens, those with the strongest path first.
function graphChildren(nodes) {
  const best = nodes.map(pathStrength);
  const stronger = (a, b) => (best[a] === best[b] ? a - b : best[b] - best[a]);
  for (let node = nodes.length - 1; node >= 0; node--) {
    const { parent } = nodes[node];
    if (parent >= 0) best[parent] = Math.max(best[parent], best[node]);
  }
  const children = new Map([[-1, []]]);
  nodes.forEach((node, place) => {
    if (!children.has(node.parent)) children.set(node.parent, []);
    children.get(node.parent).push(place);
  });
  for (const list of children.values()) list.sort(stronger);
  return children;
}

function depthFirst(children, root) {
  return [root, ...(children.get(root) || []).flatMap((child) => depthFirst(children, child))];
}

// The row of every node of some trees: one for each leaf, parents amid their children.
function rowsOfTrees(children, roots, between) {
  const rows = new Map();
  let following = 0;
  const settle = (node) => {
    const below = children.get(node) || [];
    below.forEach(settle);
    if (below.length) rows.set(node, (rows.get(below[0]) + rows.get(below[below.length - 1])) / 2);
    else rows.set(node, following++);
  };
  for (const root of roots) {
    settle(root);
    following += between;
  }
  return rows;
}

function rowsTaken(rows) {
  return Math.max(-1, ...rows.values()) + 1;
}

// As few stacks as keep to the height, evenly filled, fewer where the width lacks.
function graphStacks(nodes, children, widths, room) {
  const lone = nodes.every((node) => node.parent < 0);
  const between = lone ? PLAN.betweenLoneTrees : PLAN.betweenTrees;
  const roots = children.get(-1);
  const trees = roots.map((root) => rowsTaken(rowsOfTrees(children, [root], between)));
  const wanted = sideBySide(trees, lone ? MOST_ROWS.lone : MOST_ROWS.trees, between).length;
  for (let limit = Math.max(0, ...trees); ; limit += 0.5) {
    const stacks = sideBySide(trees, limit, between).map((stack) => {
      const here = stack.map((tree) => roots[tree]);
      const rows = rowsOfTrees(children, here, between);
      return { roots: here, rows, columns: columnsOf(nodes, [...rows.keys()], widths) };
    });
    const gaps = (stacks.length - 1) * PLAN.betweenStacks;
    const total = stacks.reduce((sum, { columns }) => sum + columns.width, gaps);
    if (stacks.length < 2 || (stacks.length <= wanted && total <= room)) return stacks;
  }
}

// Trees of so many rows each, in order, below each other until `most` rows are full, then beside.
function sideBySide(trees, most, between) {
  const stacks = [];
  let filled = 0;
  trees.forEach((rows, tree) => {
    filled += between + rows;
    if (!stacks.length || filled > most + 1e-9) {
      stacks.push([]);
      filled = rows;
    }
    stacks[stacks.length - 1].push(tree);
  });
  return stacks;
}

// Right edges by distance, from the left of the stack, and its width; little gap beside wildcards alone.
function columnsOf(nodes, places, widths) {
  const widest = [];
  for (const place of places) {
    const { distance } = nodes[place];
    widest[distance] = Math.max(widest[distance] || 0, widths[place]);
  }
  const rights = [];
  let reach = 0;
  widest.forEach((width, distance) => {
    if (distance) reach += Math.min(width, widest[distance - 1]) <= PLAN.dot ? PLAN.dotGap : PLAN.gap;
    rights.push(reach);
    reach += width;
  });
  return { rights: rights.map((right) => reach - right), width: reach };
}

function boxOfNode(node, width, row, left, columns) {
  const right = left + columns.rights[node.distance];
  return {
    right, width, left: right - width, middle: PLAN.margin + (row + 0.5) * PLAN.row,
    text: node.token < 0 ? "" : fittedText(node.text, PLAN.longest - 2 * PLAN.padding),
  };
}

function nodesByDistance(nodes, order, boxes, stacks) {
  const stackOf = new Map(stacks.flatMap(({ rows }, stack) => [...rows.keys()].map((node) => [node, stack])));
  const columns = [];
  for (const node of order) (columns[nodes[node].distance] = columns[nodes[node].distance] || []).push(node);
  const above = (a, b) => stackOf.get(a) - stackOf.get(b) || boxes[a].middle - boxes[b].middle;
  return columns.map((column) => column.sort(above));
}

function boxWidthOf(text) {
  return Math.min(Math.max(textWidth(text) + 2 * PLAN.padding, PLAN.box), PLAN.longest);
}

function textWidth(text) {
  if (!measuring) {
    measuring = document.createElement("canvas").getContext("2d");
    measuring.font = PLAN.font;
  }
  return measuring.measureText(text).width;
}

// A text cut in its middle where it takes more than `room` pixels.
function fittedText(text, room) {
  if (textWidth(text) <= room) return text;
  const signs = Array.from(text);
  for (let kept = signs.length - 1; kept > 0; kept--) {
    const head = Math.ceil(kept / 2);
    const cut = `${signs.slice(0, head).join("")}…${signs.slice(signs.length - (kept - head)).join("")}`;
    if (textWidth(cut) <= room) return cut;
  }
  return "…";
}
