// The index of tokens: which units fire on a token or need it before them. Nothing here touches the page.

const TOKEN_MARKS = { " ": "␣", "\n": "⏎", "\t": "⇥" };

/** A token as the atlas writes it: white space made visible. */
function readableToken(typed) {
  return typed.replace(/[ \n\t]/g, (sign) => TOKEN_MARKS[sign]);
}

/** A readable token without the one space before it. */
function wordOfToken(text) {
  return text.length > 1 && text[0] === "␣" ? text.slice(1) : text;
}

/**
 * The index over the rows of chunk `search`, sorted by token: where each token's begin (`start`), the same
 * rows by unit (`unitStart`, `ofUnit`), and what tokens are called.
 */
function tokenIndex({ token, row, role, strength }, texts, units) {
  const index = { token, row, role, strength, texts, lower: new Map(), words: new Map() };
  index.start = startsOf(token, texts.length);
  index.unitStart = startsOf(row, units);
  index.ofUnit = new Uint32Array(row.length);
  const next = index.unitStart.slice();
  for (let k = 0; k < row.length; k++) index.ofUnit[next[row[k]]++] = k;
  // For each role of how many units a token is one.
  index.units = [new Uint32Array(texts.length), new Uint32Array(texts.length)];
  for (let k = 0; k < token.length; k++) index.units[role[k]][token[k]]++;
  for (let id = 0; id < texts.length; id++) {
    if (index.start[id] === index.start[id + 1]) continue;
    const lower = wordOfToken(texts[id]).toLowerCase();
    index.lower.set(id, lower);
    if (!index.words.has(lower)) index.words.set(lower, []);
    index.words.get(lower).push(id);
  }
  return index;
}

function startsOf(keys, size) {
  const starts = new Uint32Array(size + 1);
  for (let k = 0; k < keys.length; k++) starts[keys[k] + 1]++;
  for (let key = 0; key < size; key++) starts[key + 1] += starts[key];
  return starts;
}

/**
 * The units of which a token is known in a role: `rank` by row is 0 of others, higher the nearer the text is
 * (the same; but for a space before it; but for capitals), then the stronger. `strength` is of all its forms.
 */
function tokenMatch(index, role, typed, units) {
  const text = readableToken(typed);
  const word = wordOfToken(text);
  const match = { text, role, forms: new Set() };
  match.rank = new Float64Array(units);
  match.strength = new Float64Array(units);
  for (const id of index.words.get(word.toLowerCase()) || []) {
    const form = index.texts[id];
    const nearness = form === text ? 3 : wordOfToken(form) === word ? 2 : 1;
    for (let k = index.start[id]; k < index.start[id + 1]; k++) {
      if (index.role[k] !== role) continue;
      const row = index.row[k];
      match.forms.add(id);
      match.strength[row] = Math.max(match.strength[row], index.strength[k]);
      match.rank[row] = Math.max(match.rank[row], nearness);
    }
  }
  // Strengths are shares: these order what is equally near.
  for (let row = 0; row < units; row++) {
    if (match.rank[row]) match.rank[row] = 10 * match.rank[row] + match.strength[row];
  }
  return match;
}

/** Tokens of a role that begin with what is typed, those of most units first. */
function tokensBeginning(index, role, typed, most) {
  const begun = wordOfToken(readableToken(typed)).toLowerCase();
  const units = index.units[role];
  const found = [];
  for (const [id, lower] of index.lower) if (units[id] && lower.startsWith(begun)) found.push(id);
  return found.sort((a, b) => units[b] - units[a] || a - b).slice(0, most).map((id) => index.texts[id]);
}

/** Tokens of a role like the one typed: those that begin with it, then those a letter or two away. */
function tokensNear(index, role, typed, most) {
  const begun = typed ? tokensBeginning(index, role, typed, most) : [];
  const word = wordOfToken(readableToken(typed)).toLowerCase();
  const limit = word.length > 4 ? 2 : 1;
  const units = index.units[role];
  const found = [];
  for (const [id, lower] of index.lower) {
    const distance = units[id] ? editDistance(word, lower, limit) : limit + 1;
    if (distance <= limit) found.push({ id, distance });
  }
  found.sort((a, b) => a.distance - b.distance || units[b.id] - units[a.id] || a.id - b.id);
  const near = found.map(({ id }) => index.texts[id]);
  return [...new Set([...begun.slice(0, most / 2), ...near, ...begun])].slice(0, most);
}

/** Letters to change, put in or leave out between two words; more than `limit` where it is not within it. */
function editDistance(first, second, limit) {
  if (Math.abs(first.length - second.length) > limit) return limit + 1;
  let above = Array.from({ length: second.length + 1 }, (_, k) => k);
  for (let i = 1; i <= first.length; i++) {
    const here = [i];
    for (let k = 1; k <= second.length; k++) {
      const same = above[k - 1] + (first[i - 1] === second[k - 1] ? 0 : 1);
      here.push(Math.min(same, above[k] + 1, here[k - 1] + 1));
    }
    if (Math.min(...here) > limit) return limit + 1;
    above = here;
  }
  return above[second.length];
}

/** A unit's tokens of a role, strongest first: [{id, text, strength}]. */
function tokensOfUnit(index, row, role) {
  const found = [];
  for (let at = index.unitStart[row]; at < index.unitStart[row + 1]; at++) {
    const k = index.ofUnit[at];
    if (index.role[k] !== role) continue;
    found.push({ id: index.token[k], text: index.texts[index.token[k]], strength: index.strength[k] });
  }
  return found.sort((a, b) => b.strength - a.strength || a.id - b.id);
}
