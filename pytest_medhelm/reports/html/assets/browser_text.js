// Texts that a model wrote, on the page: as text only, cut where long, invisible signs made visible, compared by word.
"use strict";
(() => {
  const CUT = 4000;
  const WORDS = 800; // each side, for a comparison word by word: its cost is their product
  const SENTENCES = 4000;
  const HITS = 200;
  // Controls but tab and line ends, direction marks, invisible and tag characters. Joiners stay: scripts need them.
  const HIDDEN = /([\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}])\1*/gu;

  // An element with attributes and children; a string becomes text, never markup.
  medhelm.make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === undefined || value === null || value === false) continue;
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (key === "class") element.className = value;
      else element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  };
  const make = medhelm.make;

  medhelm.visible = (text) => text.replace(HIDDEN, (run, sign) => {
    const name = `U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    const times = run.length / sign.length;
    return times > 1 ? `⟦${name} × ${times.toLocaleString("en")}⟧` : `⟦${name}⟧`;
  });

  function cutAt(text, limit) {
    const end = text.charCodeAt(limit - 1) >= 0xd800 && text.charCodeAt(limit - 1) < 0xdc00 ? limit - 1 : limit;
    return text.slice(0, end);
  }

  // Fills an element with a text; what was searched for is marked.
  function fill(element, text, query) {
    const shown = medhelm.visible(text);
    element.textContent = "";
    const lower = query ? shown.toLowerCase() : "";
    const needle = query ? query.toLowerCase() : "";
    let from = 0;
    // Lower case can be longer than the text; then the places would not fit.
    if (query && lower.length === shown.length) {
      for (let hits = 0; hits < HITS; hits += 1) {
        const at = lower.indexOf(needle, from);
        if (at < 0) break;
        element.append(shown.slice(from, at), make("mark", {}, shown.slice(at, at + needle.length)));
        from = at + needle.length;
      }
    }
    element.append(shown.slice(from));
  }

  // A text in a box of its own, cut where it is long, with a button for the rest.
  medhelm.textBox = (text, { label, query, limit = CUT, empty = "(none)" }) => {
    const box = make("pre", { dir: "auto", tabindex: 0, role: "group", "aria-label": label });
    if (!text) {
      box.append(make("span", { class: "soft" }, empty));
      return box;
    }
    const hit = query ? text.toLowerCase().indexOf(query.toLowerCase()) : -1;
    const shown = Math.max(limit, hit + 1000);
    if (text.length <= shown * 1.2) {
      fill(box, text, query);
      return box;
    }
    fill(box, cutAt(text, shown), query);
    const button = make("button", { type: "button" }, `Show all ${text.length.toLocaleString("en")} characters`);
    const rest = make("p", { class: "more" }, `… ${(text.length - shown).toLocaleString("en")} characters more. `, button);
    button.addEventListener("click", () => {
      fill(box, text, query);
      rest.remove();
      box.focus();
    });
    return make("div", {}, box, rest);
  };

  const words = (text) => text.match(/[\p{L}\p{N}\p{M}]+(?:[.,'’/-][\p{L}\p{N}\p{M}]+)*|[^\s\p{L}\p{N}\p{M}]/gu) || [];
  const sentences = (text) => text.split(/(?<=[.!?。！？؟])\s+|\n+/u).map((part) => part.trim()).filter(Boolean);
  const plain = (part) => part.toLowerCase().replace(/[\s\p{P}]+/gu, " ").trim();

  // The longest common subsequence of two short lists, as runs [what, parts] with what = "both", "left" or "right".
  function align(left, right, same) {
    const wide = right.length + 1;
    const length = new Uint16Array((left.length + 1) * wide);
    for (let i = left.length - 1; i >= 0; i -= 1) {
      for (let j = right.length - 1; j >= 0; j -= 1) {
        length[i * wide + j] = same(left[i], right[j])
          ? length[(i + 1) * wide + j + 1] + 1
          : Math.max(length[(i + 1) * wide + j], length[i * wide + j + 1]);
      }
    }
    const runs = [];
    const add = (what, part) => {
      if (runs.length && runs[runs.length - 1][0] === what) runs[runs.length - 1][1].push(part);
      else runs.push([what, [part]]);
    };
    let i = 0, j = 0;
    while (i < left.length || j < right.length) {
      if (i < left.length && j < right.length && same(left[i], right[j])) { add("both", right[j]); i += 1; j += 1; }
      else if (j >= right.length || (i < left.length && length[(i + 1) * wide + j] >= length[i * wide + j + 1])) {
        add("left", left[i]); i += 1;
      } else { add("right", right[j]); j += 1; }
    }
    return runs;
  }

  // A word or two that happen to be in both, amid words that are not, say nothing: they count as changed.
  function calmed(runs) {
    const calm = [];
    let [left, right] = [[], []];
    const flush = () => {
      if (left.length) calm.push(["left", left]);
      if (right.length) calm.push(["right", right]);
      [left, right] = [[], []];
    };
    runs.forEach(([what, parts], at) => {
      const chance = what === "both" && at > 0 && at < runs.length - 1 &&
        parts.filter((part) => /[\p{L}\p{N}]/u.test(part)).length < 3;
      if (what === "both" && !chance) {
        flush();
        calm.push([what, parts]);
        return;
      }
      if (what !== "right") left.push(...parts);
      if (what !== "left") right.push(...parts);
    });
    flush();
    return calm;
  }

  function glued(parts) {
    // Signs that close stand at the word before.
    return parts.join(" ").replace(/ ([.,;:!?%)\]}])/g, "$1").replace(/([([{]) /g, "$1");
  }

  // The reference against an answer, or a sentence why not. The work is bounded whatever the texts are.
  medhelm.compare = (reference, answer) => {
    const box = make("pre", { dir: "auto", tabindex: 0, role: "group", "aria-label": "Reference and answer compared" });
    const long = Math.max(reference.length, answer.length) > 200000;
    const [left, right] = long ? [[], []] : [words(reference), words(answer)];
    const mark = { both: "span", left: "del", right: "ins" };
    if (!long && left.length <= WORDS && right.length <= WORDS) {
      const same = (first, second) => first === second || first.toLowerCase() === second.toLowerCase();
      for (const [what, parts] of calmed(align(left, right, same))) {
        box.append(make(mark[what], {}, medhelm.visible(glued(parts))), " ");
      }
      return make("div", {}, legend("Compared word by word, letter case aside; one or two shared words amid others do not count."), box);
    }
    const [lines, others] = long ? [[], []] : [sentences(reference), sentences(answer)];
    if (long || lines.length > SENTENCES || others.length > SENTENCES) {
      return make("p", {}, "Too long to be compared here.");
    }
    const [known, said] = [new Set(lines.map(plain)), new Set(others.map(plain))];
    for (const line of others) box.append(make(known.has(plain(line)) ? "span" : "ins", {}, medhelm.visible(line)), "\n");
    for (const line of lines) if (!said.has(plain(line))) box.append(make("del", {}, medhelm.visible(line)), "\n");
    return make("div", {}, legend(`Longer than ${WORDS} words, so compared by whole sentences.`), box);
  };

  const AROUND = 60; // signs that are kept of what did not change, on either side

  // What is other in a text than in another one, exactly, spaces and letter case included; the rest is left out.
  medhelm.changes = (before, after) => {
    const box = make("pre", { dir: "auto", tabindex: 0, role: "group", "aria-label": "What was changed" });
    const pieces = (text) => text.match(/\s+|[^\s]+/gu) || [];
    const [left, right] = [pieces(before), pieces(after)];
    let start = 0, end = 0;
    const least = Math.min(left.length, right.length);
    while (start < least && left[start] === right[start]) start += 1;
    while (end < least - start && left[left.length - 1 - end] === right[right.length - 1 - end]) end += 1;
    const middle = (parts) => parts.slice(start, parts.length - end);
    const [old, now] = [middle(left), middle(right)];
    const long = old.length > 4 * WORDS || now.length > 4 * WORDS;
    const runs = [["both", left.slice(0, start)],
      ...(long ? [["left", old], ["right", now]] : align(old, now, (one, other) => one === other)),
      ["both", right.slice(right.length - end)]];
    const mark = { left: "del", right: "ins" };
    runs.forEach(([what, parts], place) => {
      const text = parts.join("");
      if (!text) return;
      if (what !== "both") {
        box.append(make(mark[what], {}, medhelm.visible(text).replace(/ /g, "\u00b7")));
        return;
      }
      const kept = text.length <= 2 * AROUND + 5 ? text
        : place === 0 ? `… ${text.slice(-AROUND)}`
          : place === runs.length - 1 ? `${text.slice(0, AROUND)} …`
            : `${text.slice(0, AROUND)} … ${text.slice(-AROUND)}`;
      box.append(medhelm.visible(kept));
    });
    const note = before === after ? "The request is the same."
      : "Spaces among what was changed are shown as dots.";
    return make("div", {}, make("p", { class: "soft" }, `${note} `, make("ins", {}, "new"), ", ", make("del", {}, "taken out"), "."), box);
  };

  const legend = (how) => make("p", { class: "soft" }, `${how} `, make("ins", {}, "only in the answer"), ", ",
    make("del", {}, "only in the reference"), ", the rest in both.");

  medhelm.isShort = (text) => words(text.slice(0, 400)).length < 4;

  medhelm.number = (value) => {
    if (value === null || value === undefined) return "–";
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
  };
  medhelm.counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
})();
