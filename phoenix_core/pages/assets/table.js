// Sorts and filters the tables of a page; it asks nobody for anything, and remembers
// nothing. Without it a page shows the same, in the order that it was written in.
"use strict";

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function valueOf(cell, isNumber) {
  const text = cell.dataset.sort ?? cell.textContent.trim();
  if (!isNumber) return text;
  return text === "" ? NaN : Number(text);
}

function isEmpty(value) {
  return value === "" || Number.isNaN(value);
}

function compare(one, other) {
  return typeof one === "number" ? one - other : collator.compare(one, other);
}

// Lines without a value come last, whichever way the others are sorted.
function sortRows(table, column, direction, order, isNumber) {
  for (const body of table.tBodies) {
    const rows = Array.from(body.rows, (row) => ({
      row,
      place: order.get(row),
      value: valueOf(row.cells[column], isNumber),
    }));
    rows.sort((a, b) => {
      if (direction === "none") return a.place - b.place;
      const gap = isEmpty(a.value) - isEmpty(b.value);
      if (gap || isEmpty(a.value)) return gap || a.place - b.place;
      const turn = direction === "ascending" ? 1 : -1;
      return turn * compare(a.value, b.value) || a.place - b.place;
    });
    body.append(...rows.map((entry) => entry.row));
  }
}

function makeSortable(table) {
  const order = new Map(Array.from(table.querySelectorAll("tbody tr"), (r, i) => [r, i]));
  const heads = table.tHead.rows[0].cells;
  for (const [column, head] of Array.from(heads).entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: "none" };
      const direction = next[head.getAttribute("aria-sort")] ?? "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      if (direction !== "none") head.setAttribute("aria-sort", direction);
      sortRows(table, column, direction, order, head.dataset.kind === "number");
    });
  }
}

// "text" is in the cell, "!text" is not, "=A" is all of it; "<0.8", ">=2015-04" compare.
function testOf(words, isNumber) {
  const [, sign, given] = words.trim().match(/^([<>]=?|[=!])?\s*(.*)$/s);
  if (given === "") return null;
  const text = given.toLowerCase();
  const has = (cell) => cell.textContent.toLowerCase().includes(text);
  if (!sign) return has;
  if (sign === "!") return (cell) => !has(cell);
  const limit = isNumber ? Number(given) : given;
  const holds = {
    "<": (n) => n < 0,
    "<=": (n) => n <= 0,
    ">": (n) => n > 0,
    ">=": (n) => n >= 0,
    "=": (n) => n === 0,
  }[sign];
  return (cell) => {
    const value = valueOf(cell, isNumber);
    return !isEmpty(value) && holds(compare(value, limit));
  };
}

function makeFilterable(table) {
  const heads = Array.from(table.tHead.rows[0].cells);
  const line = table.tHead.insertRow();
  line.className = "filters";
  const count = document.createElement("p");
  count.className = "filtered";
  count.setAttribute("role", "status");
  const inputs = heads.map((head) => {
    const input = document.createElement("input");
    input.type = "search";
    input.size = 3;
    input.autocomplete = "off";
    input.spellcheck = false;
    input.setAttribute("aria-label", `filter ${head.textContent}`);
    input.title = "text, !text, =text, <0.8, >=2015-04";
    line.insertCell().append(input);
    return input;
  });
  const rows = Array.from(table.querySelectorAll("tbody tr"));
  const show = () => {
    const tests = inputs.map((i, n) => testOf(i.value, heads[n].dataset.kind === "number"));
    let shown = 0;
    for (const row of rows) {
      row.hidden = !tests.every((test, n) => !test || test(row.cells[n]));
      shown += row.hidden ? 0 : 1;
    }
    const all = `${rows.length} ${rows.length === 1 ? "line" : "lines"}`;
    count.textContent = shown === rows.length ? all : `${shown} of ${all}`;
  };
  table.before(count);
  table.addEventListener("input", show);
  show();
}

for (const table of document.querySelectorAll("table.filterable")) makeFilterable(table);
for (const table of document.querySelectorAll("table.sortable")) makeSortable(table);
