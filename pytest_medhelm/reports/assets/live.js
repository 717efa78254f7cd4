// On pages that `medhelm serve` shows: how far the run is, and what is new. Parts of a page that are marked data-live
// are exchanged where they stand, unless somebody is at work in them; everything else waits for the button.
"use strict";
(() => {
  const SECONDS = 2, SECONDS_IDLE = 10;
  const at = (id) => document.getElementById(id);
  const bar = at("live");
  let shown = bar.dataset.version, record = Number(bar.dataset.record), seen = shown;
  const parts = () => [...document.querySelectorAll("[data-live]")];
  const auto = at("live-auto");
  try { auto.checked = sessionStorage.getItem("live") !== "off"; } catch { auto.checked = true; }
  auto.addEventListener("change", () => {
    try { sessionStorage.setItem("live", auto.checked ? "on" : "off"); } catch { /* not kept, then */ }
    if (auto.checked) poll();
  });
  at("live-reload").addEventListener("click", () => location.reload());

  const busy = (part) => {
    const selection = document.getSelection();
    return part.contains(document.activeElement) ||
      (selection && !selection.isCollapsed && selection.containsNode(part, true));
  };

  // Returns whether everything that is shown is new.
  async function exchange() {
    const answer = await fetch(location.pathname, { cache: "no-store" });
    if (!answer.ok) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    if (!fresh) return false;
    let whole = parts().length > 0;
    for (const part of parts()) {
      const other = page.getElementById(part.id);
      if (!other || busy(part)) { whole = false; continue; }
      if (part.innerHTML !== other.innerHTML) part.replaceChildren(...document.adoptNode(other).childNodes);
    }
    whole = whole && !page.querySelector("[data-live-rest]");
    if (whole) { shown = fresh.dataset.version; record = Number(fresh.dataset.record); }
    return whole;
  }

  function say(state) {
    at("live-mark").textContent = state.mark;
    at("live-mark").className = "live-" + state.progress;
    at("live-text").textContent = state.text;
    const added = state.last_record - record, waiting = state.version !== shown;
    const news = !waiting ? "" : added > 0 ? (added === 1 ? "1 new result" : "New results") : "Something changed";
    // Only a change of words is announced, not every further result.
    if (at("live-news").textContent !== news) at("live-news").textContent = news;
    at("live-reload").textContent = added > 1 ? `Show ${added} new results` : "Show it";
    at("live-reload").hidden = !waiting;
    at("live-choice").hidden = parts().length === 0;
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
        if (state.version !== shown && document.querySelector("[data-live-page]")) return location.reload();
        if (state.version !== seen && auto.checked && parts().length) { await exchange(); seen = state.version; }
        say(state);
        wait = state.progress === "running" ? SECONDS : SECONDS_IDLE;
        wait = Math.max(wait, 5 * (performance.now() - started) / 1000);
      } catch {
        at("live-mark").textContent = "No connection";
        at("live-mark").className = "live-gone";
        at("live-text").textContent = "medhelm serve does not answer: it was stopped, or the token is no longer good.";
        wait = SECONDS;
      }
    }
    timer = setTimeout(poll, wait * 1000);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  poll();
})();
