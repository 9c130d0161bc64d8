"use strict";
(() => {
  const table = document.querySelector(".overview");
  const bodies = [...table.tBodies];
  const rows = bodies.flatMap((body) => [...body.rows].slice(1).map((row) => ({ row, pack: body.rows[0].textContent })));
  const field = (id) => document.getElementById(id);
  const [find, kind, pack, found] = ["find", "kind", "pack", "found"].map(field);
  const radios = [...document.querySelectorAll("[name=show]")];
  document.body.classList.add("scripted");
  for (const one of document.querySelectorAll(".tools, .keys")) one.hidden = false;
  for (const one of rows) {
    one.id = one.row.cells[0].textContent;
    one.section = document.getElementById(one.id);
    one.entry = document.querySelector(`.contents a[href="#${CSS.escape(one.id)}"]`)?.parentElement;
    one.link = one.row.querySelector("a");
  }
  const text = (one) => (one.text ??= `${one.row.textContent} ${one.section?.textContent ?? ""}`.toLowerCase());
  const verdict = () => radios.find((radio) => radio.checked).id.slice(5);
  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = verdict();
    let count = 0;
    for (const one of rows) {
      const fits = words.every((word) => text(one).includes(word)) &&
        (!kind.value || one.row.cells[3].textContent.startsWith(kind.value)) &&
        (!pack.value || one.pack === pack.value) &&
        (wanted === "all" || one.row.className === `row-${wanted}`);
      for (const part of [one.row, one.section, one.entry]) if (part) part.hidden = !fits;
      count += fits;
    }
    for (const body of bodies) body.rows[0].hidden = ![...body.rows].slice(1).some((row) => !row.hidden);
    found.textContent = `${count} of ${rows.length}`;
    rove();
    const state = new URLSearchParams();
    if (find.value) state.set("find", find.value);
    if (kind.value) state.set("kind", kind.value);
    if (pack.value) state.set("pack", pack.value);
    if (wanted !== "all") state.set("show", wanted);
    const query = state.toString();
    try {
      history.replaceState(null, "", (query ? `?${query}` : location.pathname) + location.hash);
    } catch { /* a page that may not change its address still filters */ }
  };
  const links = () => rows.filter((one) => one.link && !one.row.hidden).sort((a, b) =>
    a.row.compareDocumentPosition(b.row) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1);
  let open = null;
  const reach = (part, place) => { for (const link of part?.querySelectorAll("a") ?? []) link.tabIndex = place; };
  const enter = (section) => {
    if (!section || section === open) return;
    reach(open, -1);
    reach(section, 0);
    open = section;
  };
  const rove = () => links().forEach((one, place) => { one.link.tabIndex = place ? -1 : 0; });
  const value = (row, column) => {
    const words = row.cells[column].textContent.trim();
    const plain = words.replace(/−/g, "-").replace(/×?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)/, (_, power) =>
      `${words.includes("×") ? "" : "1"}e${[...power].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c) < 0 ? "-" : "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c)).join("")}`);
    const number = parseFloat(plain);
    return column >= 5 ? (Number.isNaN(number) ? Infinity : number) : words.toLowerCase();
  };
  const sort = (head) => {
    const column = head.cellIndex;
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    for (const body of bodies) {
      const keyed = [...body.rows].slice(1).map((row) => [value(row, column), row]);
      keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1));
      body.append(...keyed.map(([, row]) => row));
    }
    rove();
  };
  for (const head of [...table.tHead.rows[0].cells].slice(0, 8)) {
    head.addEventListener("click", () => sort(head));
  }
  table.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.tagName !== "A") return;
    const all = links().map((one) => one.link);
    const next = all[all.indexOf(event.target) + step];
    if (next) { next.focus(); event.preventDefault(); }
  });
  const jump = (step) => {
    const shown = rows.filter((one) => one.section && !one.row.hidden).map((one) => one.section);
    const here = shown.findIndex((section) => section.getBoundingClientRect().top > 40);
    const ahead = here < 0 ? shown.length : here;
    const next = shown[step > 0 ? ahead : Math.max(0, ahead - 2)];
    if (next) location.hash = next.id;
  };
  const clear = () => {
    find.value = kind.value = pack.value = "";
    field("show-all").checked = true;
    apply();
  };
  for (const one of rows) reach(one.section, -1);
  const target = () => enter(document.getElementById(location.hash.slice(1))?.closest(".claim"));
  addEventListener("hashchange", target);
  document.addEventListener("focusin", (event) => enter(event.target.closest(".claim")));
  target();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return clear();
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "/") { event.preventDefault(); find.focus(); }
    if (event.key === "j") jump(1);
    if (event.key === "k") jump(-1);
  });
  const asked = new URLSearchParams(location.search);
  find.value = asked.get("find") ?? "";
  for (const [name, control] of [["kind", kind], ["pack", pack]]) {
    if ([...control.options].some((option) => option.value === asked.get(name))) control.value = asked.get(name);
  }
  const shown = radios.find((radio) => radio.id === `show-${asked.get("show")}`);
  if (shown) shown.checked = true;
  find.addEventListener("input", apply);
  for (const control of [kind, pack, ...radios]) control.addEventListener("change", apply);
  if (asked.size) apply(); else rove();
})();
