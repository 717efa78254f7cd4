// On pages that `medhelm serve` shows: how far the run is, and what is new. Parts of a page that are marked data-live
// (and have an id) follow by themselves, in place; what cannot waits for the button. No script of a page may add
// nodes to such a part.
"use strict";
(() => {
  const SECONDS = 2, SECONDS_IDLE = 5;
  const at = (id) => document.getElementById(id);
  const bar = at("live");
  let shown = bar.dataset.version, record = Number(bar.dataset.record), seen = shown;
  const parts = () => [...document.querySelectorAll("[data-live]")];
  const whole = document.querySelector("[data-live-whole]") !== null; // nothing to lose: a page that waits
  const auto = at("live-auto");
  try { auto.checked = sessionStorage.getItem("live") !== "off"; } catch { auto.checked = true; }
  auto.addEventListener("change", () => {
    try { sessionStorage.setItem("live", auto.checked ? "on" : "off"); } catch { /* not kept, then */ }
    if (auto.checked) poll();
  });
  at("live-choice").hidden = parts().length === 0;
  at("live-reload").addEventListener("click", () => location.reload());

  // Makes a part of the page what it is on the fresh one, node by node, so that focus, scroll position and what is
  // folded open stay; returns whether all of it could be done without taking anything from under the reader's hands.
  function renew(old, fresh) {
    if (old.isEqualNode(fresh)) return true;
    if (old.nodeType === Node.TEXT_NODE) { old.data = fresh.data; return true; }
    if (order(old) !== order(fresh)) return false;
    for (const { name, value } of fresh.attributes ?? []) {
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const name of ["class", "title"]) if (fresh.hasAttribute && !fresh.hasAttribute(name)) old.removeAttribute(name);
    const [had, has] = [[...old.childNodes], [...fresh.childNodes]];
    const least = Math.min(had.length, has.length);
    let first = 0, last = 0; // as many from the start and from the end are alike
    while (first < least && had[first].nodeName === has[first].nodeName) first += 1;
    while (last < least - first && had.at(-1 - last).nodeName === has.at(-1 - last).nodeName) last += 1;
    const gone = had.slice(first, had.length - last);
    let done = !gone.some((node) => node.contains(document.activeElement));
    if (done) {
      for (const node of has.slice(first, has.length - last)) old.insertBefore(node, had[had.length - last] ?? null);
      gone.forEach((node) => node.remove());
    }
    for (let place = 0; place < first; place += 1) done = renew(had[place], has[place]) && done;
    for (let place = 1; place <= last; place += 1) done = renew(had.at(-place), has.at(-place)) && done;
    return done;
  }

  // How the reader has sorted and filtered a table.
  const order = (node) => node.nodeName !== "TABLE" ? "" : [...node.querySelectorAll("th, tr")].map((cell) =>
    (cell.hidden ? "-" : "") + (cell.getAttribute("aria-sort") || "none").replace("none", "")).join("");

  // Returns whether everything that is shown is new.
  async function exchange() {
    const answer = await fetch(location.pathname, { cache: "no-store" });
    if (!answer.ok || !document.getSelection().isCollapsed) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    if (!fresh) return false;
    const done = parts().map((part) => {
      const other = page.getElementById(part.id);
      return Boolean(other) && renew(part, document.adoptNode(other));
    });
    if (!done.every(Boolean)) return false;
    shown = fresh.dataset.version;
    record = Number(fresh.dataset.record);
    return true;
  }

  function say(state) {
    at("live-mark").textContent = state.mark;
    at("live-mark").className = "live-" + state.progress;
    at("live-text").textContent = state.text;
    const added = state.last_record - record, waiting = state.version !== shown;
    const news = !waiting ? "" : added > 0 ? "There are new results" : "Something changed";
    // For who cannot see the button; only a change of words is announced, not every further result.
    if (at("live-news").textContent !== news) at("live-news").textContent = news;
    at("live-reload").textContent =
      added > 1 ? `Show ${added} new results` : added === 1 ? "Show 1 new result" : "Show what changed";
    at("live-reload").hidden = !waiting;
  }

  let timer = 0;
  async function poll() {
    clearTimeout(timer);
    let wait = SECONDS_IDLE;
    if (!document.hidden) {
      try {
        const started = performance.now();
        const answer = await fetch("status.json", { cache: "no-store" });
        if (!answer.ok) throw new Error(String(answer.status));
        const state = await answer.json();
        if (whole && state.version !== shown) return location.reload();
        if (state.version !== seen && auto.checked && parts().length) { await exchange(); seen = state.version; }
        if (!whole) say(state);
        wait = state.progress === "running" ? SECONDS : SECONDS_IDLE;
        wait = Math.max(wait, 5 * (performance.now() - started) / 1000);
      } catch {
        at("live-mark").textContent = "No connection";
        at("live-mark").className = "live-gone";
        at("live-text").textContent = "medhelm serve does not answer: it was stopped, or the token is no longer good.";
      }
    }
    timer = setTimeout(poll, wait * 1000);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  poll();
})();
