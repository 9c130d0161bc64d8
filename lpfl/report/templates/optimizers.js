"use strict";
(() => {
  const table = document.querySelector(".matrix");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const search = document.getElementById("search");
  const shown = document.getElementById("shown");
  const rank = { d: 9, l: 8, n: 7, i: 6, x: 5, u: 4, v: 3, e: 2, c: 1, o: 0 };
  document.body.classList.add("scripted");
  document.querySelector(".tools").hidden = false;

  const count = () => {
    const seen = rows.filter((row) => row.offsetParent !== null).length;
    shown.textContent = `${seen} of ${rows.length}`;
  };
  const find = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = `${row.cells[0].textContent} ${row.dataset.claims}`.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    count();
  };
  const value = (row, column) => {
    if (column === 0) return row.cells[0].textContent.toLowerCase();
    if (column === 1) {
      const found = [...row.cells[1].children];
      return found.reduce((sum, b) => sum + Number(b.textContent) * 1000 ** (rank[b.className] - 7), 0);
    }
    return rank[row.cells[column].className[0]] ?? 0;
  };
  const sort = (header) => {
    const column = header.cellIndex;
    const up = header.getAttribute("aria-sort") ? header.getAttribute("aria-sort") !== "ascending" : column === 0;
    for (const other of table.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", up ? "ascending" : "descending");
    const keyed = rows.map((row) => [value(row, column), row]);
    keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1));
    body.append(...keyed.map(([, row]) => row));
  };
  let programs = null;
  const unpack = async () => {
    const text = atob(document.getElementById("programs").textContent);
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  };
  const show = async (event) => {
    programs ??= unpack();
    event.target.querySelector("pre").textContent = (await programs)[Number(event.target.dataset.program)];
  };
  for (const mark of document.querySelectorAll("[data-program]")) {
    const details = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = "Program that shows it";
    details.append(summary, document.createElement("pre"));
    details.dataset.program = mark.dataset.program;
    details.addEventListener("toggle", show, { once: true });
    mark.replaceWith(details);
  }
  const open = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) target.open = true;
  };
  for (const header of table.tHead.rows[1].cells) {
    header.tabIndex = 0;
    header.addEventListener("click", () => sort(header));
    header.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(header); });
  }
  search.addEventListener("input", find);
  for (const radio of document.querySelectorAll("[name=show]")) radio.addEventListener("change", count);
  window.addEventListener("hashchange", open);
  open();
  count();
})();
