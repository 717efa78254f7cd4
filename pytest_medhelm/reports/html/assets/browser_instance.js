// One instance: the request, the reference, and the answers of its models side by side.
"use strict";
(() => {
  const { make, counted, number, textBox } = medhelm;
  const ROLES = { system: "Instructions (system)", user: "Question", assistant: "Assistant", tool: "Tool" };
  const LONG = 1500;
  const AGAIN = "unperturbed"; // the unchanged instance, asked again beside its other wordings

  medhelm.showInstance = (box, board, instance, texts, query) => {
    const place = board.benchmarkOf[instance];
    const rank = new Map(board.models.map((name, place) => [name, place]));
    const kind = (record) => !record.perturbation ? 0 : record.perturbation === AGAIN ? 2 : 1;
    const records = [...texts.records].sort((first, second) => rank.get(first.model) - rank.get(second.model) ||
      kind(first) - kind(second) || first.perturbation.localeCompare(second.perturbation) || first.repeat - second.repeat);
    const slices = Object.entries(texts.slices);
    box.replaceChildren(
      slices.length > 0 && make("p", { class: "soft" },
        slices.map(([name, value]) => `${medhelm.visible(name)}: ${medhelm.visible(String(value))}`).join(" · ")) || "",
      records.some((record) => board.cells[place].some((cell) => cell && cell.sample && cell.model === record.model)) ? make("p", { class: "warn" }, make("strong", {}, "Sample data"), ": an invented case.") : "",
      board.marks.has(instance) ? make("p", { class: "warn" }, make("strong", {}, "Reference marked as wrong"), ": ",
        medhelm.visible(board.marks.get(instance) || "no reason given")) : "",
      jumps(records),
      make("div", { class: "given" },
        make("section", { "aria-label": "Request" }, make("h3", {}, "Request as sent"), prompts(texts, query)),
        make("section", { "aria-label": "Reference" }, make("h3", {}, "Reference answer"), references(texts, query))),
      make("h3", {}, records.length === 1 ? "Answer" : `${records.length} answers side by side`),
      make("div", { class: "side" }, records.map((record) => answer(board, record, texts, query))));
  };

  // Which records a text belongs to, where not to all.
  function whose(texts, name, place) {
    const own = texts.records.filter((record) => record[name] === place);
    const plain = own.filter((record) => !isChanged(record));
    const names = plain.length ? plain.map((record) => record.model) : own.map((record) => record.perturbation.replaceAll("_", " "));
    return [...new Set(names)].map(medhelm.visible).join(", ");
  }

  function prompts(texts, query) {
    if (!texts.prompts.some((messages) => messages.length)) return make("p", { class: "soft" }, "No request was made.");
    // Other wordings are shown at their answers, with what was changed.
    const whole = new Set(texts.records.filter((record) => !isChanged(record)).map((record) => record.prompt));
    const places = [...texts.prompts.keys()].filter((place) => whole.size === 0 || whole.has(place));
    return alike(texts.prompts, places).map((group) => {
      const [first] = group, shown = group.length > 1 ? asked(texts.prompts[first]) : texts.prompts[first];
      return make("div", {},
        places.length > group.length && make("p", { class: "soft" }, `To ${group.map((place) => whose(texts, "prompt", place)).join(", ")}:`),
        shown.length === 0 && make("p", { class: "soft" }, "No request was made."),
        group.length > 1 && group.map((place) => make("div", {},
          make("h4", {}, `${ROLES.system} to ${whose(texts, "prompt", place)} alone`),
          textBox(system(texts.prompts[place]), { label: ROLES.system, query, limit: LONG, empty: "(none)" }))),
        shown.map((message) => {
          const role = ROLES[message.role] || medhelm.visible(message.role);
          return make("div", {}, make("h4", {}, role), textBox(message.content, { label: role, query, limit: LONG }));
        }));
    });
  }

  const asked = (messages) => messages.filter((message) => message.role !== "system");
  const system = (messages) => messages.filter((message) => message.role === "system").map((message) => message.content).join("\n");

  // Requests that differ in their instructions alone are shown once, with what differs.
  function alike(prompts, places) {
    const groups = new Map();
    for (const place of places) {
      const key = JSON.stringify(asked(prompts[place]).map((message) => [message.role, message.content]));
      groups.set(key, [...groups.get(key) || [], place]);
    }
    return [...groups.values()];
  }

  // To the parts of a long instance; the address is that of the instance, so these are no links.
  function jumps(records) {
    const button = (text) => make("button", { type: "button", class: "jump" }, text);
    const line = make("p", { class: "jumps" }, "Go to ", button("request"), " ", button("reference"), " ",
      records.map((record) => [button(title(record)), " "]).flat());
    line.addEventListener("click", (event) => {
      const pressed = event.target.closest("button");
      if (!pressed) return;
      const place = [...line.querySelectorAll("button")].indexOf(pressed);
      const parts = [...document.querySelectorAll("#instance .given > section, #instance .side > article")];
      parts[place].scrollIntoView({ block: "start" });
    });
    return line;
  }

  function references(texts, query) {
    return texts.references.map((text, place) => make("div", {},
      texts.references.length > 1 && make("p", { class: "soft" }, `For ${whose(texts, "reference", place)}:`),
      textBox(text, { label: "Reference answer", query, limit: LONG, empty: "(none was given)" })));
  }

  function title(record) {
    const way = record.perturbation === AGAIN ? ", unchanged again" :
      record.perturbation ? `, ${medhelm.visible(record.perturbation).replaceAll("_", " ")}` : "";
    return medhelm.visible(record.model) + way + (record.repeat ? `, repeat ${record.repeat + 1}` : "");
  }

  const isChanged = (record) => Boolean(record.perturbation) && record.perturbation !== AGAIN;

  // What a variant's request has in other words than the unchanged one to the same model.
  function changed(record, texts) {
    const plain = texts.records.find((other) => other.model === record.model && !other.perturbation);
    if (!isChanged(record) || !plain) return null;
    const text = (place) => texts.prompts[place].map((message) => message.content).join("\n\n");
    const fold = folded("What was changed in the request", () => medhelm.changes(text(plain.prompt), text(record.prompt)));
    fold.open = true;
    return fold;
  }

  function answer(board, record, texts, query) {
    const reference = texts.references[record.reference] || "";
    const main = record.scores[record.main_metric];
    const scale = (record.spans || {})[record.main_metric] || record.scales[record.main_metric];
    return make("article", { "aria-label": title(record) },
      make("h4", {}, make("bdi", {}, title(record))),
      make("p", { class: "verdict" }, make("strong", {}, number(main)),
        ` ${record.main_metric}`, scale && make("span", { class: "soft" }, ` on a scale from ${number(scale[0])} (worst) to ${number(scale[1])} (best)`),
        make("br"), make("span", { class: record.status === "ok" ? "soft" : "bad" },
          `${medhelm.statusWords[record.status] || record.status} (${record.status})`)),
      record.error && make("p", { class: "warn" }, medhelm.visible(record.error)),
      record.flags && record.flags.length > 0 && make("p", { class: "warn" },
        `The answer tries to steer its judges: ${record.flags.join(", ").replaceAll("_", " ")}.`),
      harm(record.harm),
      changed(record, texts),
      medhelm.episode(record.episode, title(record), query),
      make("h5", {}, "Answer"),
      textBox(record.answer, { label: `Answer of ${title(record)}`, query, empty: "(no answer)" }),
      record.label && make("p", {}, "Read as: ", make("strong", {}, medhelm.visible(record.label[1]) || "no usable label"),
        `; right is ${medhelm.visible(record.label[0])}.`),
      !record.label && record.read && make("p", {}, "Read as: ", make("strong", {}, medhelm.visible(record.read)), "."),
      record.confidence && make("p", {}, record.confidence.value === null
        ? `Confidence (${record.confidence.kind}): not known, ${record.confidence.reason}.`
        : `Confidence (${record.confidence.kind}): ${number(record.confidence.value)}.`),
      record.thinking && folded("Thinking", () => textBox(record.thinking, { label: "Thinking", query }),
        Boolean(query) && record.thinking.toLowerCase().includes(query.toLowerCase())),
      reference && record.answer && !medhelm.isShort(reference) && folded("Compare with the reference",
        () => medhelm.compare(reference, record.answer)),
      scores(board, record),
      judges(record, query, board.data.currency),
      people(record),
      make("p", { class: "soft facts" }, facts(record, board.data.currency)));
  }

  // A fold that is filled when it is opened.
  function folded(name, fill, open = false) {
    const inside = make("div");
    const fold = make("details", {}, make("summary", {}, name), inside);
    fold.addEventListener("toggle", () => { if (fold.open && !inside.firstChild) inside.append(fill()); });
    fold.open = open;
    return fold;
  }

  function harm(mark) {
    if (!mark) return null;
    const kinds = mark.kinds.length ? ` (${mark.kinds.join(", ").replaceAll("_", " ")})` : "";
    return make("p", mark.severity === "none" ? { class: "soft" } : { class: "warn" },
      `Harm if used: `, make("strong", {}, mark.severity), `${kinds}; ` +
      `marked so by ${Math.round(mark.agree * mark.marked)} of ${counted(mark.marked, "judge")}.`);
  }

  function scores(board, record) {
    const rank = (name) => name === record.main_metric ? 0 : name.endsWith("_helm") ? 2 : 1;
    const names = Object.keys(record.scores).sort((first, second) =>
      rank(first) - rank(second) || first.localeCompare(second));
    const words = board.data.metrics || {};
    const line = (name, value, note) => make("tr", {},
      make("th", { scope: "row" }, medhelm.visible(name), Object.hasOwn(words, name) && make("span", { class: "soft" }, words[name])),
      make("td", { class: "number" }, value), make("td", {}, note));
    const range = (name) => {
      const [worst, best] = (record.spans || {})[name] || record.scales[name] || [];
      return worst === undefined ? "" : `${number(worst)} worst, ${number(best)} best`;
    };
    const lines = [
      ...names.map((name) => line(name, number(record.scores[name]), range(name) + (name === record.main_metric ? "; main" : ""))),
      ...(record.not_applicable || []).filter((name) => !(name in record.scores)).map((name) =>
        line(name, "–", "does not apply to this instance")),
      ...Object.entries(record.limits || {}).map(([name, [worst, best]]) =>
        line(name, "–", `verdicts are missing: between ${number(worst)} and ${number(best)}`)),
      ...Object.entries(record.absent || {}).map(([name, reason]) => line(name, "–", `not computed: ${medhelm.visible(reason)}`)),
    ];
    if (!(record.main_metric in record.scores) && !lines.some((entry) => entry.textContent.startsWith(record.main_metric))) {
      lines.unshift(line(record.main_metric, "–", "missing: it was not measured"));
    }
    const fold = make("details", {}, make("summary", {}, `Scores (${names.length})`),
      make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `Scores of ${title(record)}` },
        make("table", {}, make("thead", {}, make("tr", {}, ["Score", "Value", "Scale"].map((name) =>
          make("th", { scope: "col" }, name)))), make("tbody", {}, lines))));
    fold.open = names.length <= 4;
    return fold;
  }

  function judges(record, query, currency) {
    if (!record.verdicts.length) return null;
    return make("section", { "aria-label": `Judges of ${title(record)}` }, make("h5", {}, counted(record.verdicts.length, "judge")),
      record.verdicts.map((verdict) => judge(verdict, query, currency)));
  }

  // What was rated outside of the run: by clinicians, or by judges of a table.
  function people(record) {
    if (!record.given.length) return null;
    return make("section", { "aria-label": `Ratings of ${title(record)} by others` }, make("h5", {}, "Rated by others"),
      make("ul", {}, record.given.map((entry) => make("li", {},
        `${entry.kind} ${medhelm.visible(entry.rater)}: `,
        [...Object.entries(entry.scores).map(([name, score]) => `${medhelm.visible(name).replaceAll("_", " ")} ${number(score)}`),
          ...entry.harm ? [`harm ${entry.harm.severity}${entry.harm.kinds.length ? ` (${entry.harm.kinds.join(", ").replaceAll("_", " ")})` : ""}`] : [],
        ].join(", ")))));
  }

  function judge(verdict, query, currency) {
    const values = Object.values(verdict.scores);
    const mean = values.length ? number(values.reduce((sum, value) => sum + value, 0) / values.length) : "no verdict";
    const tries = verdict.tries;
    const served = verdict.served && !verdict.judge.includes(verdict.served) ? ` (${medhelm.visible(verdict.served)})` : "";
    const remarks = [
      verdict.harm && verdict.harm.severity !== "none" && `${verdict.harm.severity} harm`,
      verdict.repaired > 0 && "at the second try",
    ].filter(Boolean);
    const fold = make("details", { class: "judge" },
      make("summary", {}, make("strong", {}, mean), ` ${medhelm.visible(verdict.judge)}${served}`,
        remarks.length > 0 && make("span", { class: "bad" }, ` · ${remarks.join(" · ")}`)),
      make("div", {}, tries.map((entry, place) => make("div", {},
        tries.length > 1 && make("p", { class: "soft" }, `Rating ${place + 1} of ${tries.length}`), given(entry, query))),
        make("p", { class: "soft facts" }, facts(verdict, currency))));
    fold.open = window.innerWidth > 700;
    return fold;
  }

  // A criterion with points: met, not met or missing; what costs points is marked.
  function criterion(item, query) {
    const said = item.met === null ? "missing" : item.met ? "met" : "not met";
    const points = `${item.points > 0 ? "+" : ""}${item.points}`;
    const lost = item.met !== null && item.met !== item.points > 0;
    return make("div", {},
      make("dt", {}, make("strong", { class: item.met === null || lost ? "bad" : "" }, `${said} (${points})`), " ",
        make("span", { dir: "auto" }, medhelm.visible(item.criterion))),
      make("dd", { dir: "auto" }, item.tags.length > 0 && make("p", { class: "soft" }, medhelm.visible(item.tags.join(", "))),
        reasonBox(item.reason, query)));
  }

  function given(entry, query) {
    if (entry.items) {
      const met = entry.items.filter((item) => item.met).length, open = entry.items.filter((item) => item.met === null).length;
      return make("div", {},
        entry.error && make("p", { class: "warn" }, medhelm.visible(entry.error)),
        make("p", { class: "soft" }, `${entry.items.length} criteria: ${met} met, `
          + `${entry.items.length - met - open} not met${open ? `, ${open} missing` : ""}`),
        make("dl", {}, entry.items.map((item) => criterion(item, query))));
    }
    const reasons = entry.reasons || {};
    const names = [...Object.keys(entry.scores), ...Object.keys(reasons).filter((name) => !(name in entry.scores))];
    const marked = entry.harm ? `${entry.harm.severity}${entry.harm.kinds.length ? ` (${entry.harm.kinds.join(", ")})` : ""}` : "";
    const list = names.map((name) => make("div", {},
      make("dt", {}, medhelm.visible(name).replaceAll("_", " "), ": ",
        make("strong", {}, name in entry.scores ? number(entry.scores[name]) : name === "harm" && marked ? marked.replaceAll("_", " ") : "no score")),
      make("dd", { dir: "auto" }, reasonBox(reasons[name], query))));
    return make("div", {},
      entry.error && make("p", { class: "warn" }, medhelm.visible(entry.error)),
      list.length > 0 && make("dl", {}, list),
      entry.reply !== undefined && folded("Reply as it came", () => textBox(entry.reply, { label: "Reply of the judge", query }),
        Boolean(entry.error)));
  }

  function reasonBox(text, query) {
    if (!text) return make("span", { class: "soft" }, "no reason given");
    return textBox(text, { label: "Reason", query, limit: 1000 });
  }

  function facts(entry, currency) {
    const usage = entry.usage || {};
    const parts = [];
    if (usage.prompt_tokens !== undefined) parts.push(`${counted(usage.prompt_tokens, "token")} in`);
    if (usage.completion_tokens !== undefined) parts.push(`${counted(usage.completion_tokens, "token")} out`);
    if (entry.latency) parts.push(entry.latency < 0.01 ? "under 0.01 s" : `${number(entry.latency)} s`);
    if (entry.attempts > 1) parts.push(`${entry.attempts} attempts`);
    if (entry.cost !== null && entry.cost !== undefined) parts.push(`cost ${number(entry.cost)} ${currency || ""}`.trim());
    if (entry.cached) parts.push("read from an earlier run");
    return parts.join(" · ");
  }
})();
