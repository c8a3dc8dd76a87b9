// Chunks: where the atlas's numbers are. A chunk comes as a script, for a page opened from a folder may not
// fetch, or lies in the page itself, inert.

const KEPT_BYTES = 150e6;
const DTYPES = {
  F32: Float32Array, F64: Float64Array, I32: Int32Array, U32: Uint32Array, I16: Int16Array, U16: Uint16Array,
  U8: Uint8Array,
};
const NO_CONCEPT = 65535;
const NO_GRAPH = 65535;

const chunks = new Map(); // name -> {promise, bytes}, least recently used first
const arriving = new Map(); // name -> what to do with the chunk when its script has run
const layouts = new Map(); // model -> where the rows of each site and layer begin
const inert = new Map(); // name -> <script> of the single-file form
let studyHead = null;

window.golgiChunk = (name, head, data) => {
  const take = arriving.get(name);
  if (take) take({ head, data });
};

function findInertChunks() {
  for (const node of document.querySelectorAll('script[type="application/json"][data-chunk]')) {
    inert.set(node.dataset.chunk, node);
  }
}

function loadChunk(name) {
  const known = chunks.get(name);
  if (known) {
    chunks.delete(name);
    chunks.set(name, known);
    return known.promise;
  }
  const entry = { bytes: 0, promise: null };
  entry.promise = readChunk(name).then((source) => {
    const chunk = decodeChunk(source);
    entry.bytes = chunk.bytes;
    dropOldChunks(name);
    return chunk;
  });
  entry.promise.catch(() => chunks.delete(name));
  chunks.set(name, entry);
  return entry.promise;
}

function dropOldChunks(newest) {
  let total = 0;
  for (const entry of chunks.values()) total += entry.bytes;
  for (const [name, entry] of chunks) {
    if (total <= KEPT_BYTES) return;
    if (name === newest || name === "study" || !entry.bytes) continue;
    total -= entry.bytes;
    chunks.delete(name);
  }
}

function readChunk(name) {
  const node = inert.get(name);
  if (node) return Promise.resolve().then(() => JSON.parse(node.textContent));
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const finish = (act, value) => {
      arriving.delete(name);
      script.remove(); // with it goes the text, which is larger than the numbers in it
      act(value);
    };
    const missing = () => new Error(`The file data/${name}.js of this atlas is missing or damaged.`);
    arriving.set(name, (source) => finish(resolve, source));
    script.onerror = () => finish(reject, missing());
    script.onload = () => { if (arriving.has(name)) finish(reject, missing()); };
    script.src = "data/" + name.split("/").map(encodeURIComponent).join("/") + ".js";
    document.head.append(script);
  });
}

function decodeChunk({ head, data }) {
  const parsed = typeof head === "string" ? JSON.parse(head) : head;
  const chunk = { head: parsed, columns: {}, shapes: {}, bytes: 1000 };
  if (typeof head === "string") chunk.bytes += 2 * head.length;
  if (!data) return chunk;
  const bytes = bytesOfBase64(data);
  chunk.bytes += bytes.length;
  readTensors(bytes, chunk);
  return chunk;
}

function bytesOfBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place++) bytes[place] = binary.charCodeAt(place);
  return bytes;
}

// A safetensors file: the length of its header (64 bits, little endian), the header as JSON, the numbers.
function readTensors(bytes, chunk) {
  const first = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, first)));
  for (const [name, { dtype, shape, data_offsets: [start, stop] }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const Numbers = DTYPES[dtype];
    const part = bytes.subarray(first + start, first + stop);
    const aligned = part.byteOffset % Numbers.BYTES_PER_ELEMENT ? part.slice() : part;
    const length = part.length / Numbers.BYTES_PER_ELEMENT;
    chunk.columns[name] = new Numbers(aligned.buffer, aligned.byteOffset, length);
    chunk.shapes[name] = shape;
  }
}

function study() {
  return studyHead;
}

async function loadStudy() {
  findInertChunks();
  studyHead = (await loadChunk("study")).head;
  return studyHead;
}

// Both take a name or what the name stands for, and stop with a message a page can show.
function modelNamed(name) {
  if (typeof name === "object") return name;
  const model = study().models.find((each) => each.name === name);
  if (!model) throw notFound(`This study has no model “${name}”.`);
  return model;
}

function checkpointNamed(model, name) {
  if (typeof name === "object") return name;
  const found = modelNamed(model).checkpoints.find((each) => each.name === String(name));
  const told = modelNamed(model).name;
  if (!found) throw notFound(`The model ${told} has no checkpoint “${name}” in this study.`);
  return found;
}

// The untrained twin of a model, undefined where the study has none.
function twinOf(model) {
  return modelNamed(model).checkpoints.find((each) => each.untrained);
}

function lastTrained(model) {
  const trained = modelNamed(model).checkpoints.filter((each) => !each.untrained);
  return trained.length ? trained[trained.length - 1] : modelNamed(model).checkpoints[0];
}

// [{site, layer, start, width}] in the order of the rows.
function bandsOf(model) {
  const { name, sites } = modelNamed(model);
  if (!layouts.has(name)) {
    const bands = [];
    let start = 0;
    for (const site of sites) {
      site.layers.forEach((layer, place) => {
        bands.push({ site: site.name, layer, start, width: site.widths[place] });
        start += site.widths[place];
      });
    }
    layouts.set(name, bands);
  }
  return layouts.get(name);
}

// The place in `bands` of the band that a row lies in.
function bandAt(bands, row) {
  let low = 0;
  let high = bands.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (bands[middle].start <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}

function unitAt(model, row) {
  const bands = bandsOf(model);
  const band = bands[bandAt(bands, row)];
  return { site: band.site, layer: band.layer, unit: row - band.start };
}

function rowOf(model, site, layer, unit) {
  const number = Number(unit);
  const band = bandsOf(model).find((each) => each.site === site && String(each.layer) === String(layer));
  const written = String(unit) === String(number); // no "1.0", no " 1"
  const inside = band && written && Number.isInteger(number) && number >= 0 && number < band.width;
  return inside ? band.start + number : -1;
}

function unitName(model, row) {
  const { site, layer, unit } = unitAt(model, row);
  const place = `${layer}.${unit}`;
  return modelNamed(model).sites.length > 1 ? `${site} ${place}` : place;
}

function chunkName(kind, model, checkpoint) {
  return `${kind}/${modelNamed(model).name}/${checkpointNamed(model, checkpoint).name}`;
}

async function loadUnits(model, checkpoint) {
  return (await loadChunk(chunkName("units", model, checkpoint))).columns;
}

async function loadProfile(model, checkpoint, row) {
  const { profiles } = checkpointNamed(model, checkpoint);
  if (!profiles) return null;
  let part = 0;
  while (part + 1 < profiles.length && profiles[part + 1] <= row) part++;
  const { head, columns, shapes } = await loadChunk(`${chunkName("profiles", model, checkpoint)}/${part}`);
  const place = head.rows ? head.rows.indexOf(row) : row - head.first;
  const [units, concepts] = shapes.ap;
  if (place < 0 || place >= units) return null;
  const levels = columns.ap.subarray(place * concepts, (place + 1) * concepts);
  const ap = Float32Array.from(levels, (x) => x / 65535);
  const each = shapes.neighbour[1];
  const neighbours = [];
  for (let k = place * each; k < (place + 1) * each; k++) {
    const near = { row: columns.neighbour[k], likeness: columns.likeness[k] };
    if (near.row >= 0) neighbours.push(near);
  }
  return { ap, neighbours };
}

async function loadGraph(model, checkpoint, row) {
  const units = await loadUnits(model, checkpoint);
  const part = units.graph ? units.graph[row] : NO_GRAPH;
  if (part === NO_GRAPH || part === undefined) return null;
  const [{ columns }, tokens] = await Promise.all([
    loadChunk(`${chunkName("graphs", model, checkpoint)}/${part}`),
    loadChunk(checkpointNamed(model, checkpoint).tokens),
  ]);
  const place = columns.row.indexOf(row);
  if (place < 0) return null;
  const texts = tokens.head.texts;
  return {
    maximum: columns.maximum[place],
    nodesAll: columns.nodes_all[place],
    pathsAll: columns.paths_all[place],
    scores: { f1: units.f1[row], ...scoresAt(columns, place) },
    nodes: nodesAt(columns, place, texts),
    windows: windowsAt(columns, place, texts),
  };
}

const SCORES = ["precision", "recall", "rank_correlation", "f1_token", "f1_bigram", "f1_trigram",
  "f1_shifted"];

// Named as the columns are: precision, rank_correlation, f1_token, ...
function scoresAt(columns, place) {
  return Object.fromEntries(SCORES.map((name) => [name, columns[name] ? columns[name][place] : NaN]));
}

function nodesAt(columns, place, texts) {
  const nodes = [];
  for (let node = columns.node_start[place]; node < columns.node_start[place + 1]; node++) {
    const token = columns.token[node];
    nodes.push({
      parent: columns.parent[node], token, text: tokenText(texts, token), distance: columns.distance[node],
      importance: columns.importance[node], activation: columns.activation[node], count: columns.count[node],
      value: columns.value[node], rate: columns.rate[node],
    });
  }
  return nodes;
}

function windowsAt(columns, place, texts) {
  const windows = [];
  for (let window = columns.window_start[place]; window < columns.window_start[place + 1]; window++) {
    const tokens = [];
    for (let k = columns.token_start[window]; k < columns.token_start[window + 1]; k++) {
      const id = columns.w_token[k];
      tokens.push({
        id, text: tokenText(texts, id), activation: columns.w_activation[k],
        predicted: columns.w_predicted[k], foretold: columns.w_foretold[k] === 1,
      });
    }
    windows.push({ kind: study().window_kinds[columns.window_kind[window]], tokens });
  }
  return windows;
}

function tokenText(texts, id) {
  if (id < 0) return "any token";
  return texts[id] === undefined ? `token ${id}` : texts[id];
}
