// The list of the instance browser: filters, counts, and a page of rows.
"use strict";
(() => {
  const { make, counted, number } = medhelm;
  const ROWS = 50;
  const PREVIEW_CHUNKS = 12; // loaded for the beginnings of the cases on one page of the list
  const PREVIEW = 160;

  medhelm.statusWords = {
    ok: "answered", unparsed: "not readable", refused: "refused", truncated: "cut off", too_long: "prompt too long",
    blocked: "stopped by a filter", empty: "empty", request_error: "request failed", judge_error: "a judge failed",
    skipped: "not asked",
  };
  const option = (value, text) => make("option", { value }, text);

  function field(label, control) {
    control.id = `filter-${control.name}`;
    const text = make("label", { for: control.id }, label);
    return make("div", { class: control.type }, ...(control.type === "checkbox" ? [control, text] : [text, control]));
  }

  function select(name, label, options, any) {
    return field(label, make("select", { name }, any === undefined ? [] : option("", any), options));
  }

  // The form; what cannot apply to this suite is not offered.
  medhelm.buildFilters = (form, board) => {
    const { data, has } = board;
    const used = new Set(data.records.status);
    const failed = [...used].some((place) => data.statuses[place] !== "ok");
    const statuses = data.statuses.flatMap((status, place) =>
      used.has(place) ? [option(status, `${medhelm.statusWords[status] || status} (${status})`)] : []);
    if (failed && used.has(data.statuses.indexOf("ok"))) statuses.splice(1, 0, option("failed", "anything but answered"));
    const differ = [];
    if (has.apart) differ.push(option("models", "models score differently"),
      option("models-half", "models differ by half the scale or more"));
    if (has.spread) differ.push(option("judges", "judges score differently"),
      option("judges-half", "judges differ by half the scale or more"));
    const sorts = [option("", has.harm ? "worst harm, then lowest score" : "lowest score first")];
    if (has.harm) sorts.push(option("score", "lowest score first"));
    sorts.push(option("best", "highest score first"));
    if (has.apart) sorts.push(option("models", "models disagree most"));
    if (has.spread) sorts.push(option("judges", "judges disagree most"));
    sorts.push(option("id", "benchmark and instance id"));
    const score = (name, label) => field(label, make("input", { name, type: "number", step: "any", inputmode: "decimal" }));
    form.replaceChildren(
      make("div", { class: "fields" },
        select("benchmark", "Benchmark", data.benchmarks.map((entry) => option(entry.name, entry.title)), "all"),
        select("model", "Model", board.models.map((name) => option(name, medhelm.visible(name))), "any"),
        select("status", "Status", statuses, "any"),
        score("min", "Main score from"), score("max", "Main score up to"),
        select("slice", "Group", [], "all"),
        has.harm && select("harm", "Harm marked by judges", [option("marked", "any harm"),
          option("moderate", "moderate or severe"), option("severe", "severe")], "any or none"),
        differ.length > 0 && select("disagree", "Disagreement", differ, "any or none"),
        select("sort", "Order", sorts)),
      make("div", { class: "fields" },
        has.flagged && field("tries to steer the judges", make("input", { type: "checkbox", name: "flagged", value: "1" })),
        board.marks.size > 0 && field("reference marked wrong",
          make("input", { type: "checkbox", name: "marked", value: "1" })),
        field("Text in prompt, answer, reference or judges' reasons",
          make("input", { name: "q", type: "search", autocomplete: "off" })),
        make("button", { type: "submit" }, "Search"),
        make("button", { type: "button", id: "clear" }, "Clear filters")));
  };

  // Shows a state in the form; the groups offered are those of the chosen benchmark.
  medhelm.showFilters = (form, board, view) => {
    const slices = new Map();
    for (const entry of board.data.benchmarks) {
      if (view.benchmark !== undefined && entry.name !== view.benchmark) continue;
      for (const [name, column] of Object.entries(entry.slices)) {
        const values = slices.get(name) || new Set();
        column.values.forEach((value) => values.add(value));
        slices.set(name, values);
      }
    }
    const groups = [...slices].map(([name, values]) => make("optgroup", { label: medhelm.visible(name) },
      [...values].sort().map((value) => option(`${name}=${value}`,
        `${medhelm.visible(name)}: ${medhelm.visible(value) || "(none)"}`))));
    form.elements.slice.replaceChildren(option("", groups.length ? "all" : "none recorded"), ...groups);
    for (const control of form.elements) {
      if (!control.name) continue;
      if (control.type === "checkbox") control.checked = Boolean(view[control.name]);
      else if (document.activeElement !== control || control.type !== "number") control.value = view[control.name] ?? "";
    }
  };

  medhelm.readFilters = (form) => {
    const found = {};
    for (const [name, value] of new FormData(form)) if (value !== "") found[name] = value;
    return found;
  };

  // What a record came to, for one cell of the table.
  function outcome(board, at) {
    const { score, status, harm, flagged } = board.data.records;
    const state = board.data.statuses[status[at]];
    const quality = board.quality[at];
    const shade = Number.isNaN(quality) ? "" : ` q${Math.max(0, Math.min(4, Math.floor(quality * 5)))}`;
    return make("span", { class: "outcome" },
      make("span", { class: `score${shade}` }, number(score[at])),
      state !== "ok" && make("span", { class: "bad" }, medhelm.statusWords[state] || state),
      harm[at] > 0 && make("span", { class: harm[at] > 1 ? "badge worst" : "badge" },
        `${board.data.severities[harm[at]]} harm`),
      flagged[at] === 1 && make("span", { class: "badge" }, "steers judges"));
  }

  // How the further askings of an instance came out, by kind, e.g. "again 1 1; other words 1 0 1".
  function steady(board, places) {
    const { variant, score } = board.data.records;
    return ["", "again", "other words", "unchanged"].map((name, kind) => {
      const own = places.filter((at) => variant[at] === kind);
      return own.length && `${name} ${own.map((at) => number(score[at])).join(" ")}`;
    }).filter(Boolean).join("; ");
  }

  function row(board, view, models, instance) {
    const entry = board.data.benchmarks[board.benchmarkOf[instance]];
    const id = board.data.ids[instance];
    const cells = models.map((name, place) => {
      const found = [], further = [];
      for (let at = board.start[instance]; at < board.start[instance + 1]; at += 1) {
        if (board.data.records.model[at] !== board.models.indexOf(name)) continue;
        if (board.data.records.variant[at]) further.push(at);
        else found.push(outcome(board, at));
      }
      if (further.length) found.push(make("span", { class: "soft" }, steady(board, further)));
      return make("td", { role: "cell", "data-label": medhelm.visible(models[place]) },
        found.length ? found : make("span", { class: "soft" }, "no record"));
    });
    const notes = [
      board.marks.has(instance) && make("span", { class: "badge" }, "reference marked wrong"),
      board.apart[instance] >= 0.5 && make("span", { class: "badge" }, "models disagree"),
      board.spread[instance] >= 0.5 && make("span", { class: "badge" }, "judges disagree"),
    ].filter(Boolean);
    return make("tr", { role: "row", "data-instance": instance },
      make("th", { role: "rowheader", scope: "row" },
        make("a", { href: medhelm.hash({ ...view, ...medhelm.address(view, instance) }) }, medhelm.visible(id)),
        view.benchmark === undefined && make("span", { class: "soft" }, entry.title),
        notes),
      make("td", { role: "cell", class: "case soft", "data-label": "Case" }), cells);
  }

  medhelm.showList = (parts, board, view, list) => {
    const pages = Math.max(1, Math.ceil(list.length / ROWS));
    const page = Math.min(pages, Math.max(1, Number.parseInt(view.page, 10) || 1));
    const shown = list.slice((page - 1) * ROWS, page * ROWS);
    const used = new Set(shown.flatMap((instance) => {
      const found = [];
      for (let at = board.start[instance]; at < board.start[instance + 1]; at += 1) {
        found.push(board.data.records.model[at]);
      }
      return found;
    }));
    const models = board.models.filter((name, place) => used.has(place) && (view.model === undefined || name === view.model));
    const head = make("tr", { role: "row" }, ["Instance", "Case", ...models].map((name) =>
      make("th", { role: "columnheader", scope: "col" },
        medhelm.visible(name).split("/").flatMap((part, place) => place ? ["/", make("wbr"), part] : [part]))));
    parts.head.replaceChildren(head);
    parts.rows.replaceChildren(...shown.map((instance) => row(board, view, models, instance)));
    parts.table.hidden = shown.length === 0;
    pager(parts.pager, view, page, pages);
    preview(parts.rows, board, shown);
  };

  function pager(box, view, page, pages) {
    const link = (to, text, label) => to < 1 || to > pages
      ? make("span", { class: "soft" }, text)
      : make("a", { href: medhelm.hash({ ...view, page: to === 1 ? undefined : to }), "aria-label": label }, text);
    box.hidden = pages < 2;
    box.replaceChildren(link(1 === page ? 0 : 1, "« First", "First page"), link(page - 1, "‹ Previous", "Previous page"),
      make("span", { "aria-current": "page" }, `Page ${page} of ${pages.toLocaleString("en")}`),
      link(page + 1, "Next ›", "Next page"), link(pages === page ? 0 : pages, "Last »", "Last page"));
  }

  // The beginning of each case, without what all cases of its chunk begin with; read after the rows are shown.
  async function preview(rows, board, shown) {
    const keys = [...new Set(shown.map((instance) => medhelm.keyOf(board, instance)))].slice(0, PREVIEW_CHUNKS);
    const first = rows.firstElementChild;
    for (const key of keys) {
      let texts;
      try { texts = await medhelm.chunk(key); } catch { return; }
      if (rows.firstElementChild !== first) return;
      const asked = new Map(Object.values(texts).map((view) => [view.id, question(view)]));
      const start = common([...asked.values()]);
      for (const instance of shown) {
        if (medhelm.keyOf(board, instance) !== key) continue;
        const text = (asked.get(board.data.ids[instance]) || "").slice(start, start + 3 * PREVIEW).replace(/\s+/g, " ").trim();
        const cell = rows.querySelector(`[data-instance="${instance}"] .case`);
        cell.replaceChildren(make("bdi", {}, medhelm.visible(text.slice(0, PREVIEW)) + (text.length > PREVIEW ? "…" : "")));
      }
    }
  }

  function question(view) {
    const messages = view.prompts[0] || [];
    const asked = messages.filter((message) => message.role === "user");
    return asked.length ? asked[asked.length - 1].content : "";
  }

  function common(texts) {
    if (texts.length < 2) return 0;
    let start = texts[0].length;
    for (const text of texts) {
      let at = 0;
      while (at < start && text.charCodeAt(at) === texts[0].charCodeAt(at)) at += 1;
      start = at;
    }
    // The same case all over again is shown whole.
    if (texts.every((text) => text.length === start)) return 0;
    while (start > 0 && !/\s/.test(texts[0][start - 1])) start -= 1;
    return start;
  }

  // What holds for whole benchmarks: invented data, what has no record yet, and what was not asked any more.
  medhelm.showNotes = (box, board) => {
    const { benchmarks, cells } = board.data;
    const title = new Map(benchmarks.map((entry) => [entry.name, entry.title]));
    const listed = (found) => found.length > 12 ? `${found.slice(0, 12).join(", ")} and ${found.length - 12} more` : found.join(", ");
    const note = (head, before, found, after = "") => found.length > 0 && make("p", { class: "warn" },
      make("strong", {}, head), `${before} ${listed(found)}${after}.`);
    const of = (cell) => `${title.get(cell.benchmark) || cell.benchmark} of ${medhelm.visible(cell.model)}`;
    const count = (value) => value.toLocaleString("en");
    const invented = new Set(cells.filter((cell) => cell.sample).map((cell) => cell.benchmark));
    const real = new Set(cells.filter((cell) => !cell.sample && invented.has(cell.benchmark)).map((cell) => cell.model));
    box.replaceChildren(...[
      note("Sample data", ": invented cases in", benchmarks.filter((entry) => invented.has(entry.name)).map((entry) => entry.title),
        real.size > 0 ? ` (but not of ${[...real].map((name) => medhelm.visible(name)).join(", ")})` : ""),
      note("Incomplete", ": instances are missing in", cells.filter((cell) => cell.partial)
        .map((cell) => `${of(cell)} (there should be ${count(cell.n)})`)),
    ].filter(Boolean));
  };

  medhelm.countText = (board, selection, found) => {
    if (!board.count) return "This suite has no records.";
    const shown = counted(found.length, "instance");
    if (found.length === board.count && selection.records === board.total) {
      return `All ${shown}, ${counted(board.total, "answer")}.`;
    }
    return `${shown} of ${board.count.toLocaleString("en")}` +
      (found === selection.list ? `, ${counted(selection.records, "answer")} of ${board.total.toLocaleString("en")}.` : ".");
  };
})();
