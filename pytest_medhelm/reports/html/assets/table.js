// Tables that sort by their columns and are filtered by text and category, and the notes of a value beside it.
// Without this script all rows are there in their order, and the notes in a corner of the window.
"use strict";
(() => {
  const page = document.documentElement;
  page.classList.add("scripted");
  const rows = (table) => [...table.tBodies].flatMap((body) => [...body.rows]);
  const columns = (table) => [...table.tHead.rows[0].cells];
  const tables = [...document.querySelectorAll("table.sortable")];
  const places = new Map();

  // A value as it is sorted: its number where it has one, else its text; what has neither stands last.
  function key(row, column) {
    const cell = row.cells[column];
    if (!cell) return null;
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    if (cell.classList.contains("heat")) return null;
    const text = cell.innerText.trim();
    const number = /^(?:at least )?-?\d[\d,]*(?:\.\d+)?(?=\s|%|$)/.exec(text);
    if (number && cell.tagName === "TD") return Number(number[0].replace(/[^\d.-]/g, ""));
    return text === "–" || text === "" || cell.classList.contains("soft") ? null : text.toLowerCase();
  }

  function compare(a, b) {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }

  // The first press puts the best (numbers) or the first (names) on top, the second turns it, the third undoes it.
  function sort(table, column) {
    const heads = columns(table), head = heads[column], body = table.tBodies[0];
    if (!places.has(table)) places.set(table, rows(table));
    const original = places.get(table);
    const data = original.filter((row) => !row.classList.contains("group"));
    const keys = new Map(data.map((row) => [row, key(row, column)]));
    const first = [...keys.values()].some((value) => typeof value === "number") ? "descending" : "ascending";
    const now = head.getAttribute("aria-sort");
    const next = now === "none" ? first : now === first ? (first === "ascending" ? "descending" : "ascending") : "none";
    for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", next);
    const sign = next === "descending" ? -1 : 1;
    const order = (a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      return x === null || y === null ? compare(x, y) : sign * compare(x, y);
    };
    body.append(...(next === "none" ? original : [...original.filter((row) => row.classList.contains("group")), ...[...data].sort(order)]));
    filter(table);
  }

  function filter(table) {
    const find = document.querySelector(`[data-filter="${table.id}"]`);
    if (!table.id || !find) return;
    const words = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const category = document.querySelector(`[data-category="${table.id}"]`).value;
    const sorted = columns(table).some((head) => (head.getAttribute("aria-sort") ?? "none") !== "none");
    const shown = new Set();
    let count = 0, total = 0;
    for (const row of rows(table)) {
      if (row.classList.contains("group")) continue;
      const fits = words.every((word) => row.dataset.text.includes(word)) && (!category || row.dataset.category === category);
      row.hidden = !fits;
      total += 1;
      if (fits) { count += 1; shown.add(row.dataset.category); }
    }
    for (const row of rows(table)) {
      if (row.classList.contains("group")) row.hidden = sorted || !shown.has(row.cells[0].textContent.trim());
    }
    document.querySelector(`[data-count="${table.id}"]`).textContent = count === total ? "" : `${count} of ${total} benchmarks`;
  }

  function aside(table, shown) {
    for (const cell of table.querySelectorAll('[data-is="aside"]')) cell.hidden = !shown;
  }

  for (const table of tables) {
    table.addEventListener("click", (event) => {
      const button = event.target.closest("button.sort");
      if (button) sort(table, button.closest("th").cellIndex);
    });
  }
  for (const field of document.querySelectorAll("[data-filter], [data-category]")) {
    field.addEventListener("input", () => filter(document.getElementById(field.dataset.filter ?? field.dataset.category)));
  }
  for (const box of document.querySelectorAll("[data-aside]")) {
    box.addEventListener("change", () => aside(document.getElementById(box.dataset.aside), box.checked));
  }

  // The notes stand beside the value; Esc puts them away until the next one.
  function place(cell) {
    page.classList.remove("quiet");
    const note = cell.querySelector(".tip");
    if (!note) return;
    const at = cell.getBoundingClientRect(), width = note.offsetWidth, height = note.offsetHeight;
    const right = at.right + 6 + width < innerWidth;
    note.style.left = `${Math.max(8, right ? at.right + 6 : at.left - 6 - width)}px`;
    note.style.top = `${Math.max(8, Math.min(at.top, innerHeight - height - 8))}px`;
    note.style.right = note.style.bottom = "auto";
  }
  for (const kind of ["mouseover", "focusin"]) {
    document.addEventListener(kind, (event) => {
      const cell = event.target.closest("td.heat");
      if (cell) place(cell);
    });
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") page.classList.add("quiet"); });

  // A link to a part of the page unfolds it; what is folded is not printed.
  function unfold() {
    const name = decodeURIComponent(location.hash.slice(1));
    const target = name.startsWith("benchmark-") ? document.getElementById(name) : null;
    if (target) { target.open = true; target.scrollIntoView(); }
  }
  addEventListener("hashchange", unfold);
  unfold();
})();
