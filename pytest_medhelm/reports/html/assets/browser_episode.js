// An agent's episode: what must not have happened first, then the checks, then turn by turn what it did to the chart.
"use strict";
(() => {
  const { make, counted, textBox } = medhelm;
  const ENDINGS = {
    ok: "came to an answer", step_limit: "ran out of turns", token_limit: "used up its tokens", cost_limit: "reached its cost",
    time_limit: "ran out of time", loop: "went in a circle", malformed: "could not be read", refused: "declined the work",
    truncated: "was cut off", blocked: "was stopped by a content filter", empty: "said nothing", too_long: "had no room left",
    request_error: "got no answer from its server",
  };

  medhelm.episode = (entry, name, query) => {
    if (!entry) return null;
    const changes = entry.steps.flatMap((step) => step.calls.flatMap((call) => call.changes));
    return make("section", { class: "episode", "aria-label": `Episode of ${name}` },
      entry.safety.length > 0 && make("div", { class: "unsafe", role: "note" },
        make("h5", {}, counted(entry.safety.length, "safety event")), list(entry.safety)),
      make("p", {}, `The agent ${ENDINGS[entry.ending] || entry.ending} after ${counted(entry.steps.length, "turn")}.`),
      entry.checks.length > 0 && make("div", {}, make("h5", {}, "Checks"), make("ul", { class: "checks" },
        entry.checks.map(([text, met]) => make("li", { class: met ? "" : "bad" },
          make("strong", {}, met ? "met" : "missed"), ` ${medhelm.visible(text)}`)))),
      make("h5", {}, "What changed in the chart"),
      changes.length > 0 ? list(changes) : make("p", { class: "soft" }, "Nothing."),
      make("h5", {}, "Timeline"),
      make("ol", { class: "timeline" }, entry.steps.map((step) => turn(step, query))));
  };

  function list(texts) {
    return make("ul", {}, texts.map((text) => make("li", { dir: "auto" }, medhelm.visible(text))));
  }

  function turn(step, query) {
    return make("li", {},
      step.thinking && fold("Thought", () => textBox(step.thinking, { label: "Thought", query })),
      step.calls.length === 0 && step.text && textBox(step.text, { label: "What the agent said", query, limit: 600 }),
      step.problem && make("p", { class: "warn" }, `Not understood: ${medhelm.visible(step.problem)}`),
      step.calls.map((call) => make("div", { class: `call ${call.status}` },
        make("p", {}, make("strong", {}, medhelm.visible(call.tool)), " ",
          make("code", {}, medhelm.visible(short(call.arguments))),
          call.status !== "ok" && " ", call.status !== "ok" && make("span", { class: "badge" }, call.status)),
        call.changes.length > 0 && make("div", { class: "change" }, list(call.changes)),
        fold(call.status === "ok" ? "Result" : "What it was told",
          () => textBox(`${call.arguments}\n\n${call.result}`, { label: "Call and result", query, limit: 1500 }), call.status !== "ok"))));
  }

  function short(text) {
    return text.length > 140 ? `${text.slice(0, 140)} ...` : text;
  }

  function fold(name, fill, open = false) {
    const inside = make("div");
    const box = make("details", {}, make("summary", {}, name), inside);
    box.addEventListener("toggle", () => { if (box.open && !inside.firstChild) inside.append(fill()); });
    box.open = open;
    return box;
  }
})();
