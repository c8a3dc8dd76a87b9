// A table to sort by its columns and to leaf through: lists too long to show whole.

/**
 * A sortable, paged table.
 *
 * columns: [{head, cell(row) -> node|string, by(row) -> number|string, number, falls}]; those with `by` can
 * be sorted by, and `falls` puts high values first at the first press. options: caption, noun, size (rows a
 * page), empty (said without rows), rowHead (the first column names the row), sort: {column, falling} or none
 * for the order of the rows, which the third press gives back, onSort(sort). The element has a method
 * set(rows).
 */
function listing(columns, rows, options = {}) {
  const state = { rows, page: 0, sort: options.sort || null, size: options.size || 20 };
  const parts = listingParts(columns, options, sortBy);
  const element = el("div", {}, parts.table, parts.empty, parts.pager);

  function sortBy(at) {
    state.sort = nextSort(state.sort, at, Boolean(columns[at].falls), !options.sort);
    state.page = 0;
    arrange();
    if (options.onSort) options.onSort(state.sort);
    announce(sortSaid(state.sort, columns));
  }

  function arrange() {
    state.order = sortedRows(state.rows, state.sort && columns[state.sort.column], state.sort);
    draw();
  }

  function draw() {
    const first = state.page * state.size;
    const seen = state.order.slice(first, first + state.size);
    fill(parts.body, seen.map((row) => listingRow(columns, row, options.rowHead)));
    parts.table.hidden = !state.order.length;
    parts.empty.hidden = state.order.length > 0;
    markSorted(columns, parts.heads, state.sort);
    drawPager(parts.pager, state, options.noun || "row", turn);
  }

  function turn(step) {
    state.page += step;
    draw();
    announce(parts.pager.querySelector(".shown").textContent);
  }

  element.set = (changed) => {
    state.rows = changed;
    state.page = 0;
    arrange();
  };
  arrange();
  return element;
}

function listingParts(columns, { caption, empty }, sortBy) {
  const heads = columns.map((column, at) => listingHead(column, () => sortBy(at)));
  const body = el("tbody", {});
  return {
    heads, body, pager: el("div", { class: "pager row" }),
    empty: el("p", { class: "quiet" }, empty || "Nothing to list."),
    table: el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      el("table", { class: "listing" }, el("caption", {}, caption), el("thead", {}, el("tr", {}, heads)),
        body)),
  };
}

/** A column of numbers: by(row) -> number, text(number) -> string. */
function numberColumn(head, by, text) {
  return { head, number: true, falls: true, by, cell: (row) => text(by(row)) };
}

/** Words for those who hear the page, and see no table around a number. */
function unseen(text) {
  return el("span", { class: "visually-hidden" }, text);
}

const toThousandth = (value) => share(value, 3);

function nextSort(sort, column, falls, natural) {
  if (!sort || sort.column !== column) return { column, falling: falls };
  if (natural && sort.falling !== falls) return null;
  return { column, falling: !sort.falling };
}

function sortSaid(sort, columns) {
  if (!sort) return "In the first order again.";
  return `Sorted by ${columns[sort.column].head}, ${sort.falling ? "falling" : "rising"}.`;
}

const collator = new Intl.Collator("en", { numeric: true });

function sortedRows(rows, column, sort) {
  if (!column) return rows;
  const keys = rows.map((row) => column.by(row));
  const order = keys.map((_, at) => at);
  const sign = sort.falling ? -1 : 1;
  const missing = keys.map((key) => Number(key === null || key === undefined || Number.isNaN(key)));
  const texts = keys.some((key) => typeof key === "string");
  const compare = texts ? (a, b) => collator.compare(keys[a], keys[b]) : (a, b) => keys[a] - keys[b];
  // What is not there comes last, whichever way the column is sorted.
  order.sort((a, b) => missing[a] - missing[b] || (missing[a] ? 0 : sign * compare(a, b)) || a - b);
  return order.map((at) => rows[at]);
}

function listingHead(column, onSort) {
  const kind = column.number ? "number" : null;
  if (!column.by) return el("th", { scope: "col", class: kind }, column.head);
  return el("th", { scope: "col", class: kind },
    el("button", { type: "button", class: "sorter", on: { click: onSort } },
      column.head, el("span", { class: "arrow", "aria-hidden": "true" })));
}

function markSorted(columns, heads, sort) {
  heads.forEach((head, at) => {
    if (!columns[at].by) return;
    const here = sort && sort.column === at;
    head.setAttribute("aria-sort", here ? (sort.falling ? "descending" : "ascending") : "none");
    head.querySelector(".arrow").textContent = here ? (sort.falling ? " ▾" : " ▴") : "";
  });
}

function listingRow(columns, row, rowHead) {
  return el("tr", {}, columns.map((column, at) => {
    const names = rowHead && at === 0;
    const attributes = { class: column.number ? "number" : null, scope: names ? "row" : null };
    return el(names ? "th" : "td", attributes, column.cell(row));
  }));
}

function drawPager(pager, state, noun, turn) {
  const total = state.order.length;
  const first = state.page * state.size;
  const last = Math.min(first + state.size, total);
  pager.hidden = total <= state.size;
  const focused = document.activeElement && pager.contains(document.activeElement)
    ? document.activeElement.dataset.step : null;
  const button = (step, text, disabled) =>
    el("button", { type: "button", disabled, data: { step }, on: { click: () => turn(step) } }, text);
  const shown = `${count(first + 1)} to ${count(last)} of ${plural(total, noun)}`;
  fill(pager, button(-1, "Previous", !state.page), button(1, "Next", last >= total),
    el("span", { class: "shown quiet small" }, shown));
  if (!focused) return;
  const again = pager.querySelector(`button[data-step="${focused}"]:not(:disabled)`);
  (again || pager.querySelector("button:not(:disabled)")).focus();
}
