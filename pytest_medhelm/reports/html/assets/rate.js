// Rating by keyboard. What is chosen is sent at once, one after the other; the server stores it and says so.
"use strict";
(() => {
  const page = document.getElementById("rate"), form = page.querySelector("form");
  const state = document.getElementById("state"), here = location.pathname;
  const lines = () => [...form.querySelectorAll("fieldset:not([hidden])")];
  let line = 0, whole = page.dataset.whole === "true", sending = Promise.resolve();

  const given = () => {
    const said = new FormData(form);
    if (form.querySelector("[data-choice]")) return { choice: said.get("choice") };
    const scores = {};
    for (const set of form.querySelectorAll("[data-criterion]")) {
      const value = said.get(set.dataset.criterion);
      if (value !== null) scores[set.dataset.criterion] = Number(value);
    }
    return { scores, severity: said.get("severity") || "", kinds: said.getAll("kinds"), wrong: said.get("wrong") || "" };
  };
  const send = async () => {
    try {
      const answer = await fetch(here, { method: "POST", body: JSON.stringify(given()),
        headers: { "Content-Type": "application/json", "X-Medhelm-Form": page.dataset.form } });
      const told = await answer.json();
      state.textContent = answer.ok ? "saved" : told.sentence;
      state.className = answer.ok ? "good" : "bad";
      if (!answer.ok) return false;
      whole = told.whole;
      document.getElementById("done").textContent = told.done;
      return true;
    } catch {
      state.textContent = "NOT saved: the server cannot be reached. Press Enter to try again.";
      state.className = "bad";
      return false;
    }
  };
  const save = () => (sending = sending.then(send));
  const mark = () => {
    form.querySelector("[data-kinds]")?.toggleAttribute("hidden", ["", "none"].includes(given().severity));
    line = Math.max(0, Math.min(line, lines().length - 1));
    lines().forEach((set, number) => set.classList.toggle("here", number === line));
  };
  const go = (name) => location.assign(name || ".");
  const next = async () => {
    await (state.className === "bad" ? save() : sending);
    if (state.className === "bad") return;
    if (whole) return go(page.dataset.after);
    line = lines().findIndex((set) => !set.querySelector(":checked") && !set.matches("[data-kinds]"));
    state.textContent = "something is left to say";
    mark();
  };
  const choose = (digit) => {
    const inputs = [...lines()[line].querySelectorAll("input")];
    const input = inputs.find((each) => each.value === digit) || (isNaN(inputs[0].value) && inputs[digit - 1]);
    if (!input) return;
    input.checked = input.type === "radio" || !input.checked;
    if (input.type === "radio") line += 1;
    mark();
    save();
  };
  form.addEventListener("change", (event) => {
    const set = event.target.closest("fieldset");
    if (set) line = lines().indexOf(set);
    mark();
    save();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("before").addEventListener("click", () => go(page.dataset.before));
  document.getElementById("after").addEventListener("click", next);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const writes = event.target.matches("input[type=text]"), key = event.key;
    if (writes && !["Enter", "Escape"].includes(key)) return;
    if (writes) event.target.blur();
    else if (/^[0-9]$/.test(key)) choose(key);
    else if (event.target.matches("pre") && key.startsWith("Arrow")) return; // scrolls the text
    else if (key === "ArrowDown" || key === "ArrowUp") line += key === "ArrowDown" ? 1 : -1;
    else if (key === "w") form.querySelector("[name=wrong]")?.focus();
    else if (key === "b" && page.dataset.before) go(page.dataset.before);
    else if (key === "Enter" && !event.target.matches("button, summary")) next();
    else return;
    event.preventDefault();
    mark();
    lines()[line].scrollIntoView({ block: "nearest" });
  });
  mark();
})();
