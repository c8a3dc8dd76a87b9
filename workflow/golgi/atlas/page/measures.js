// What pages about concepts count: experts, overlaps and rank correlations. Nothing here touches the page.

/** Ranks from 1, ties at their average. */
function midranks(values) {
  const order = Uint32Array.from(values, (_, place) => place).sort((a, b) => values[a] - values[b]);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let stop = start + 1;
    while (stop < order.length && values[order[stop]] === values[order[start]]) stop += 1;
    for (let place = start; place < stop; place += 1) ranks[order[place]] = (start + stop + 1) / 2;
    start = stop;
  }
  return ranks;
}

/** Spearman's rho of two lists; NaN where one of them does not vary, or there are fewer than two pairs. */
function spearman(first, second) {
  const a = midranks(first);
  const b = midranks(second);
  const middle = (a.length + 1) / 2; // the mean of ranks, with ties or without
  let product = 0;
  let squareA = 0;
  let squareB = 0;
  for (let place = 0; place < a.length; place += 1) {
    product += (a[place] - middle) * (b[place] - middle);
    squareA += (a[place] - middle) ** 2;
    squareB += (b[place] - middle) ** 2;
  }
  return squareA > 0 && squareB > 0 ? product / Math.sqrt(squareA * squareB) : NaN;
}

/** Whether an AP, stored in 32 bits, reaches a threshold: compared in 32 bits, as the study's tables do. */
function reaches(ap, threshold) {
  return ap >= Math.fround(threshold);
}

/** The experts of a chunk at a threshold: sizes by concept, rows(concept) and aps(concept), best first. */
function expertsAt(chunk, threshold) {
  const { start, row, ap } = chunk.columns;
  const concepts = start.length - 1;
  const sizes = new Uint32Array(concepts);
  for (let concept = 0; concept < concepts; concept += 1) {
    let stop = start[concept];
    while (stop < start[concept + 1] && reaches(ap[stop], threshold)) stop += 1; // AP falls within a concept
    sizes[concept] = stop - start[concept];
  }
  return {
    threshold,
    concepts,
    sizes,
    rows: (concept) => row.subarray(start[concept], start[concept] + sizes[concept]),
    aps: (concept) => ap.subarray(start[concept], start[concept] + sizes[concept]),
  };
}

/** Numbers of shared experts, concepts x concepts, row-major; the diagonal holds the numbers of experts. */
function sharedCounts(experts) {
  const n = experts.concepts;
  const shared = new Uint32Array(n * n);
  const { starts, concepts } = conceptsByUnit(experts);
  for (let row = 0; row + 1 < starts.length; row += 1) {
    for (let first = starts[row]; first < starts[row + 1]; first += 1) {
      const line = concepts[first] * n;
      for (let second = first; second < starts[row + 1]; second += 1) shared[line + concepts[second]] += 1;
    }
  }
  for (let a = 0; a < n; a += 1) for (let b = 0; b < a; b += 1) shared[a * n + b] = shared[b * n + a];
  return shared;
}

/** The concepts of every unit, rising: those of a row stand from starts[row] to before starts[row + 1]. */
function conceptsByUnit(experts) {
  let units = 0;
  for (let concept = 0; concept < experts.concepts; concept += 1) {
    for (const row of experts.rows(concept)) units = Math.max(units, row + 1);
  }
  const starts = new Uint32Array(units + 1);
  for (let concept = 0; concept < experts.concepts; concept += 1) {
    for (const row of experts.rows(concept)) starts[row + 1] += 1;
  }
  for (let row = 0; row < units; row += 1) starts[row + 1] += starts[row];
  const concepts = new Uint16Array(starts[units]);
  const next = starts.slice();
  for (let concept = 0; concept < experts.concepts; concept += 1) {
    for (const row of experts.rows(concept)) concepts[next[row]++] = concept;
  }
  return { starts, concepts };
}

/** |A and B| / |A or B| of shared counts; 0 where there is no expert on either side. */
function jaccardOf(shared, n) {
  const jaccard = new Float32Array(n * n);
  for (let a = 0; a < n; a += 1) {
    for (let b = 0; b < n; b += 1) {
      const union = shared[a * n + a] + shared[b * n + b] - shared[a * n + b];
      jaccard[a * n + b] = union > 0 ? shared[a * n + b] / union : 0;
    }
  }
  return jaccard;
}

/** The pairs above the diagonal of a matrix, row by row. */
function upperTriangle(matrix, n) {
  const values = [];
  for (let a = 0; a < n; a += 1) for (let b = a + 1; b < n; b += 1) values.push(matrix[a * n + b]);
  return values;
}

/** Units that are experts of both concepts: [{row, a: AP, b: AP}], the one with the higher lower AP first. */
function sharedUnits(experts, a, b) {
  const ofB = new Map();
  const apB = experts.aps(b);
  experts.rows(b).forEach((row, place) => ofB.set(row, apB[place]));
  const apA = experts.aps(a);
  const units = [];
  experts.rows(a).forEach((row, place) => {
    if (ofB.has(row)) units.push({ row, a: apA[place], b: ofB.get(row) });
  });
  const weaker = (unit) => Math.min(unit.a, unit.b);
  return units.sort((x, y) => weaker(y) - weaker(x) || x.row - y.row);
}

/** How many of the rows lie in each band of `bandsOf`. */
function countByBand(bands, rows) {
  const counts = new Uint32Array(bands.length);
  for (const row of rows) counts[bandAt(bands, row)] += 1;
  return counts;
}

/** How deep in its model a layer lies: 0 the first, 1 the last. */
function relativeDepth(model, layer) {
  return model.layers > 1 ? layer / (model.layers - 1) : 0;
}

/** The median of the numbers that are there; NaN of none. */
function medianOf(values) {
  const sorted = Float64Array.from(values).filter((value) => !Number.isNaN(value)).sort();
  const middle = sorted.length >> 1;
  if (!sorted.length) return NaN;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Mean of a matrix over pairs of one category, and over pairs of two; NaN where there is no such pair. */
function meansByKinship(matrix, concepts) {
  const sums = { within: [0, 0], between: [0, 0] };
  for (let a = 0; a < concepts.length; a += 1) {
    for (let b = a + 1; b < concepts.length; b += 1) {
      const sum = sums[concepts[a].category === concepts[b].category ? "within" : "between"];
      sum[0] += matrix[a * concepts.length + b];
      sum[1] += 1;
    }
  }
  return { within: sums.within[0] / sums.within[1], between: sums.between[0] / sums.between[1] };
}
