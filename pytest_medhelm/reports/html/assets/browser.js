// The instance browser: its state is the part of the address behind #, so that views can be bookmarked and Back works.
"use strict";
(() => {
  const { make, counted } = medhelm;
  const KEYS = ["benchmark", "model", "status", "min", "max", "slice", "harm", "disagree", "flagged", "marked", "q",
    "sort", "page", "of", "instance"];
  const element = (id) => document.getElementById(id);
  const root = element("browser");
  if (!root) return;
  const single = element("leaderboard");
  let board, results, shownInstance, lastRow, searching = 0;

  medhelm.hash = (view) => {
    const parts = KEYS.filter((key) => view[key] !== undefined && view[key] !== "")
      .map((key) => `${key}=${encodeURIComponent(view[key])}`);
    return `#${parts.join("&") || "all"}`;
  };

  // Of an instance: its id, and its benchmark where the list shows several.
  medhelm.address = (view, instance) => {
    const name = board.data.benchmarks[board.benchmarkOf[instance]].name;
    return { instance: board.data.ids[instance], of: view.benchmark === name ? undefined : name, page: view.page };
  };

  function readHash() {
    const text = location.hash.slice(1);
    const view = {};
    const decode = (part) => { try { return decodeURIComponent(part.replaceAll("+", " ")); } catch { return part; } };
    if (!text.includes("=") && text.includes("/")) {
      const cut = text.indexOf("/");
      return { benchmark: decode(text.slice(0, cut)), instance: decode(text.slice(cut + 1)) };
    }
    for (const part of text.split("&")) {
      const cut = part.indexOf("=");
      const key = part.slice(0, cut);
      if (cut > 0 && KEYS.includes(key) && part.length > cut + 1) view[key] = decode(part.slice(cut + 1));
    }
    return view;
  }

  const isOurs = () => !single || location.hash === "#all" || Object.keys(readHash()).length > 0;

  function go(view, keep = false) {
    if (keep) location.replace(medhelm.hash(view));
    else location.hash = medhelm.hash(view);
  }

  function place(view) {
    const name = view.of ?? view.benchmark;
    for (const entry of board.data.benchmarks) {
      if (name !== undefined && entry.name !== name) continue;
      for (let at = entry.first; at < entry.first + entry.count; at += 1) {
        if (board.data.ids[at] === view.instance) return at;
      }
    }
    return -1;
  }

  // The instances of a view in their order, the search included; made again only when the view is another.
  function listOf(view) {
    const { page, of, instance, ...rest } = view;
    const key = medhelm.hash(rest);
    if (!results || results.key !== key) {
      const { sort, ...unsorted } = rest;
      const asked = medhelm.hash(unsorted);
      const before = results;
      searching += 1;
      results = { key, asked, selection: medhelm.select(board, rest), hits: new Set(), whole: !view.q };
      if (view.q && before && before.asked === asked && before.whole) {
        results.hits = before.hits;
        results.whole = true;
      } else if (view.q) search(view);
      results.list = view.q ? results.selection.list.filter((at) => results.hits.has(at)) : results.selection.list;
    }
    return results.list;
  }

  async function search(view) {
    const mine = searching;
    const { selection, hits } = results;
    const progress = element("progress");
    const bar = progress.querySelector("progress");
    const text = progress.querySelector("span");
    progress.hidden = false;
    let ended = "";
    try {
      await medhelm.search(board, selection, view.q, (found, done, all) => {
        found.forEach((at) => hits.add(at));
        bar.max = all;
        bar.value = done;
        text.textContent = `Searched ${Math.round(100 * done / all)} %: ${counted(hits.size, "instance")} found so far.`;
        if (found.length) renew(selection, hits);
      }, () => mine !== searching);
    } catch (error) { ended = error.message; }
    if (mine !== searching) return;
    results.whole = !ended;
    progress.hidden = true;
    renew(selection, hits);
    say(ended || medhelm.countText(board, selection, results.list));
  }

  function renew(selection, hits) {
    results.list = selection.list.filter((at) => hits.has(at));
    const view = readHash();
    if (view.instance === undefined) {
      medhelm.showList(parts, board, view, results.list);
      nothing();
      element("count").textContent = medhelm.countText(board, selection, results.list);
    } else steps(view);
  }

  function nothing() {
    element("none").hidden = results.list.length > 0 || !results.whole || !board.count;
  }

  const parts = { table: element("list"), head: element("list-head"), rows: element("list-rows"), pager: element("pager") };

  function say(text) {
    element("said").textContent = text;
  }

  async function show() {
    const ours = isOurs();
    if (single) {
      single.hidden = ours;
      root.hidden = !ours;
    }
    if (!ours) return;
    const view = readHash();
    const list = listOf(view);
    medhelm.showFilters(element("filters"), board, view);
    const active = ["benchmark", "model", "status", "min", "max", "slice", "harm", "disagree", "flagged", "marked", "q"]
      .filter((key) => view[key] !== undefined).length;
    element("active").textContent = active ? ` (${active} in use)` : "";
    element("list-view").hidden = view.instance !== undefined;
    element("instance-view").hidden = view.instance === undefined;
    if (view.instance !== undefined) {
      await open(view);
      return;
    }
    const was = shownInstance;
    shownInstance = undefined;
    document.title = `Instances of suite ${board.data.suite}`;
    medhelm.showList(parts, board, view, list);
    const text = medhelm.countText(board, results.selection, list);
    element("count").textContent = text;
    if (results.whole) say(text);
    nothing();
    if (was !== undefined) {
      const row = parts.rows.querySelector(`[data-instance="${lastRow}"] a`);
      if (row) row.focus();
    }
  }

  async function open(view) {
    const instance = place(view);
    const heading = element("instance-title");
    const box = element("instance");
    if (shownInstance === instance && instance >= 0) return;
    shownInstance = instance;
    lastRow = instance;
    steps(view);
    box.replaceChildren();
    if (instance < 0) {
      heading.textContent = "Not found";
      box.append(make("p", { class: "warn" }, `There is no instance ${medhelm.visible(view.instance)} here` +
        (board.data.part ? ": this file holds a part of the suite only." : ".")));
      heading.focus();
      return;
    }
    const entry = board.data.benchmarks[board.benchmarkOf[instance]];
    heading.replaceChildren(make("span", { class: "soft" }, entry.title), " ", make("bdi", {}, medhelm.visible(view.instance)));
    document.title = `${medhelm.visible(view.instance)}, ${entry.title}`;
    try {
      const texts = await medhelm.textsOf(board, instance);
      if (shownInstance !== instance) return;
      medhelm.showInstance(box, board, instance, order(texts, view), view.q);
    } catch (error) {
      box.replaceChildren(make("p", { class: "warn" }, error.message));
    }
    window.scrollTo(0, 0);
    heading.focus();
  }

  // The model that was asked for stands first.
  function order(texts, view) {
    const first = texts.records.filter((record) => record.model === view.model);
    return { ...texts, records: [...first, ...texts.records.filter((record) => record.model !== view.model)] };
  }

  function steps(view) {
    const list = results.list;
    const at = list.indexOf(shownInstance);
    const to = (id, target) => {
      const link = element(id);
      if (target === undefined) link.removeAttribute("href");
      else link.href = medhelm.hash({ ...view, ...medhelm.address(view, target) });
      link.setAttribute("aria-disabled", String(target === undefined));
    };
    to("previous", at > 0 ? list[at - 1] : undefined);
    to("next", at >= 0 ? list[at + 1] : undefined);
    element("position").textContent = at < 0 ? "" : `${(at + 1).toLocaleString("en")} of ${list.length.toLocaleString("en")}`;
    const { instance, of, ...rest } = view;
    element("back").href = medhelm.hash(rest);
  }

  function moved(step) {
    const view = readHash();
    if (view.instance !== undefined) {
      const link = element(step > 0 ? "next" : "previous");
      if (link.hasAttribute("href")) location.hash = link.hash;
      return;
    }
    const links = [...parts.rows.querySelectorAll("th a")];
    const at = links.indexOf(document.activeElement);
    const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step];
    if (next) next.focus();
  }

  function key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !element("shortcuts").checked || root.hidden) return;
    if (event.target.closest("input, select, textarea, dialog")) {
      return;
    }
    const inText = event.target.closest("pre, .scroll");
    const actions = {
      j: () => moved(1), k: () => moved(-1),
      ArrowDown: () => parts.rows.contains(document.activeElement) && (moved(1), true),
      ArrowUp: () => parts.rows.contains(document.activeElement) && (moved(-1), true),
      ArrowRight: () => readHash().instance !== undefined && !inText && (moved(1), true),
      ArrowLeft: () => readHash().instance !== undefined && !inText && (moved(-1), true),
      Escape: () => { if (readHash().instance !== undefined) location.hash = element("back").hash; else if (!element("progress").hidden) stop(); else return false; return true; },
      "/": () => {
        if (readHash().instance !== undefined) location.hash = element("back").hash;
        element("filter-fold").open = true;
        setTimeout(() => element("filters").elements.q.focus(), 0);
      },
      "?": () => element("help").showModal(),
    };
    if (!Object.hasOwn(actions, event.key)) return;
    if (actions[event.key]() !== false) event.preventDefault();
  }

  function stop() {
    searching += 1;
    element("progress").hidden = true;
    if (results) results.whole = false;
    say(`Stopped: ${counted(results.list.length, "instance")} found so far.`);
    results.key = ""; // a stopped search is made again when it is asked for again
  }

  function filtered(keep) {
    const form = element("filters");
    const view = medhelm.readFilters(form);
    if (view.benchmark !== readHash().benchmark) delete view.slice;
    go(view, keep);
  }

  async function start() {
    try {
      board = await medhelm.loadIndex();
    } catch (error) {
      element("loading").textContent = error.message;
      return;
    }
    element("loading").remove();
    element("body").hidden = false;
    const form = element("filters");
    medhelm.buildFilters(form, board);
    medhelm.showNotes(element("notes"), board);
    element("filter-fold").open = window.innerWidth > 700;
    form.addEventListener("submit", (event) => { event.preventDefault(); results = null; filtered(false); show(); });
    form.addEventListener("change", (event) => { if (event.target.name !== "q") filtered(false); });
    form.addEventListener("input", (event) => { if (event.target.type === "number") filtered(true); });
    element("clear").addEventListener("click", () => { go({}); form.elements.benchmark.focus(); });
    element("stop").addEventListener("click", stop);
    element("print").addEventListener("click", () => window.print());
    for (const id of ["help-open", "help-open-too"]) element(id).addEventListener("click", () => element("help").showModal());
    element("help-close").addEventListener("click", () => element("help").close());
    document.addEventListener("keydown", key);
    window.addEventListener("hashchange", show);
    await show();
  }

  start();
})();
