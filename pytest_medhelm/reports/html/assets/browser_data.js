// The data of the instance browser: loading, filtering, sorting and searching. No document is touched here but to load.
"use strict";
window.medhelm = window.medhelm || {};
(() => {
  const KEPT = 12; // chunks held in memory
  const kept = new Map();
  const waiting = new Map();
  let version = ""; // of the index, where a server makes chunks of a suite that grows

  // Called by the data files: JSON as a string.
  medhelm.take = (key, text) => {
    const entry = waiting.get(key);
    if (entry) entry.resolve(JSON.parse(text));
  };

  function load(key) {
    const embedded = document.getElementById(`data-${key}`);
    if (embedded) return Promise.resolve(JSON.parse(embedded.textContent));
    const known = waiting.get(key);
    if (known) return known.promise;
    const entry = {};
    entry.promise = new Promise((resolve, reject) => { Object.assign(entry, { resolve, reject }); });
    waiting.set(key, entry);
    const script = document.createElement("script");
    script.src = `browser/${encodeURIComponent(key)}.js${version && `?version=${version}`}`;
    const done = () => { script.remove(); waiting.delete(key); };
    script.addEventListener("load", () => { done(); entry.reject(new Error(missing(key))); });
    script.addEventListener("error", () => { done(); entry.reject(new Error(missing(key))); });
    document.head.append(script);
    return entry.promise;
  }

  const missing = (key) => `The data file browser/${key}.js is missing or not whole: keep the folder “browser” beside ` +
    "this page, or type “medhelm report” with the folder of the suite.";

  // The instances of a chunk by public id; the ones used last are kept.
  medhelm.chunk = async (key) => {
    const found = kept.get(key) || (await load(key)).instances;
    kept.delete(key);
    kept.set(key, found);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    return found;
  };

  medhelm.loadIndex = async () => read(await load("index"));

  function read(data) {
    version = data.version || "";
    const count = data.ids.length;
    const total = data.records.model.length;
    const board = {
      data, count, total,
      benchmarkOf: new Uint16Array(count),
      start: new Uint32Array(count + 1),
      quality: new Float32Array(total), // 0 worst to 1 best, NaN where missing
      apart: new Float32Array(count), // range of the models' main scores, -1 where there are not two
      spread: new Float32Array(count), // largest range between the judges of one answer, -1 where there are not two
      marks: new Map(),
      models: data.models.map((entry) => entry.name),
      cells: data.benchmarks.map(() => []),
      has: { harm: false, flagged: false, spread: false, apart: false },
    };
    const number = new Map(data.benchmarks.map((entry, place) => [entry.name, place]));
    const modelNumber = new Map(board.models.map((name, place) => [name, place]));
    for (const cell of data.cells) {
      if (number.has(cell.benchmark)) board.cells[number.get(cell.benchmark)][modelNumber.get(cell.model)] = cell;
    }
    let instance = 0;
    data.benchmarks.forEach((entry, place) => {
      entry.first = instance;
      for (const end = instance + entry.count; instance < end; instance += 1) {
        board.benchmarkOf[instance] = place;
        board.start[instance + 1] = board.start[instance] + data.counts[instance];
        measure(board, instance);
      }
    });
    data.benchmarks.forEach((entry, place) => {
      const reasons = new Map(board.cells[place].flatMap((cell) => Object.entries(cell.marks)));
      if (!reasons.size) return;
      for (let at = entry.first; at < entry.first + entry.count; at += 1) {
        if (reasons.has(data.ids[at])) board.marks.set(at, reasons.get(data.ids[at]));
      }
    });
    return board;
  }

  function measure(board, instance) {
    const { model, score, harm, flagged, spread, variant } = board.data.records;
    const cells = board.cells[board.benchmarkOf[instance]];
    const sums = new Map();
    let metric, widest = -1;
    for (let at = board.start[instance]; at < board.start[instance + 1]; at += 1) {
      const cell = cells[model[at]];
      const [worst, best] = cell ? cell.scale : [0, 1];
      board.quality[at] = score[at] === null || best === worst ? NaN : (score[at] - worst) / (best - worst);
      if (harm[at] > 0) board.has.harm = true;
      if (flagged[at]) board.has.flagged = true;
      if (spread[at] !== null && spread[at] > widest) widest = spread[at];
      metric = metric || (cell && cell.main_metric);
      // What an instance comes to is what the unchanged one does.
      if (variant[at] > 1 || Number.isNaN(board.quality[at]) || !cell || cell.main_metric !== metric) continue;
      const [sum, n] = sums.get(model[at]) || [0, 0];
      sums.set(model[at], [sum + board.quality[at], n + 1]);
    }
    board.spread[instance] = widest;
    const means = [...sums.values()].map(([sum, n]) => sum / n);
    board.apart[instance] = means.length < 2 ? -1 : Math.max(...means) - Math.min(...means);
    if (board.apart[instance] > 0) board.has.apart = true;
    if (widest > 0) board.has.spread = true;
  }

  medhelm.keyOf = (board, instance) => {
    const entry = board.data.benchmarks[board.benchmarkOf[instance]];
    return `${entry.key}-${Math.floor((instance - entry.first) / entry.per_chunk)}`;
  };

  medhelm.textsOf = async (board, instance) => {
    const found = (await medhelm.chunk(medhelm.keyOf(board, instance)))[board.data.ids[instance]];
    if (!found) throw new Error("This instance is not in the data any more: the suite has grown, load the page again.");
    return found;
  };

  // Which records a view of the list wants: a function of a record's place.
  function recordTest(board, view) {
    const { model, status, score, harm, flagged, spread } = board.data.records;
    const wanted = view.model === undefined ? -1 : board.models.indexOf(view.model);
    const states = board.data.statuses;
    const least = { marked: 1, moderate: 2, severe: 3 }[view.harm];
    const low = view.min === undefined ? -Infinity : Number(view.min);
    const high = view.max === undefined ? Infinity : Number(view.max);
    const ranged = view.min !== undefined || view.max !== undefined;
    const judges = { judges: 0.0001, "judges-half": 0.5 }[view.disagree];
    return (at) =>
      (view.model === undefined || model[at] === wanted) &&
      (view.status === undefined || states[status[at]] === view.status ||
        (view.status === "failed" && states[status[at]] !== "ok")) &&
      (!ranged || (score[at] !== null && score[at] >= low && score[at] <= high)) &&
      (least === undefined || harm[at] >= least) &&
      (!view.flagged || flagged[at] === 1) &&
      (judges === undefined || (spread[at] !== null && spread[at] >= judges));
  }

  function instanceTest(board, view) {
    const places = new Set();
    board.data.benchmarks.forEach((entry, place) => {
      if (view.benchmark === undefined || entry.name === view.benchmark) places.add(place);
    });
    const cut = (view.slice || "").indexOf("=");
    const [name, value] = [(view.slice || "").slice(0, cut), (view.slice || "").slice(cut + 1)];
    const codes = board.data.benchmarks.map((entry) => {
      const slices = Object.hasOwn(entry.slices, name) ? entry.slices[name] : null;
      return slices && slices.values.includes(value) ? [slices.codes, slices.values.indexOf(value)] : null;
    });
    const models = { models: 0.0001, "models-half": 0.5 }[view.disagree];
    return (instance) => {
      const place = board.benchmarkOf[instance];
      if (!places.has(place)) return false;
      if (view.slice !== undefined) {
        const slice = codes[place];
        if (!slice || slice[0][instance - board.data.benchmarks[place].first] !== slice[1]) return false;
      }
      return (models === undefined || board.apart[instance] >= models) && (!view.marked || board.marks.has(instance));
    };
  }

  // The instances with at least one record that is wanted, sorted, and how many records that are.
  medhelm.select = (board, view) => {
    const wanted = recordTest(board, view);
    const wantedInstance = instanceTest(board, view);
    const { harm } = board.data.records;
    const list = [];
    const order = new Float64Array(board.count);
    let records = 0;
    for (let instance = 0; instance < board.count; instance += 1) {
      if (!wantedInstance(instance)) continue;
      let found = 0, worst = 2, best = -1, severe = 0;
      for (let at = board.start[instance]; at < board.start[instance + 1]; at += 1) {
        if (!wanted(at)) continue;
        found += 1;
        if (board.quality[at] < worst) worst = board.quality[at];
        if (board.quality[at] > best) best = board.quality[at];
        if (harm[at] > severe) severe = harm[at];
      }
      if (!found) continue;
      records += found;
      list.push(instance);
      order[instance] = {
        score: worst, best: -best, models: -board.apart[instance], judges: -board.spread[instance], id: 0,
      }[view.sort] ?? worst - 10 * severe;
    }
    list.sort((first, second) => order[first] - order[second] || first - second);
    return { list, records, wanted };
  };

  // Looks for a text in instances, chunk after chunk; calls back with the hits of each, stops when told.
  medhelm.search = async (board, selection, text, tell, stopped) => {
    const chunks = new Map();
    for (const instance of selection.list) {
      const key = medhelm.keyOf(board, instance);
      if (chunks.has(key)) chunks.get(key).push(instance);
      else chunks.set(key, [instance]);
    }
    const needle = text.toLowerCase();
    const within = (candidate) => Boolean(candidate) && candidate.toLowerCase().includes(needle);
    let done = 0;
    for (const [key, instances] of chunks) {
      if (stopped()) return;
      const texts = await medhelm.chunk(key);
      if (stopped()) return;
      const hits = instances.filter((instance) => {
        const view = texts[board.data.ids[instance]];
        return view && holds(view, within, selection.wanted, board.start[instance]);
      });
      done += 1;
      tell(hits, done, chunks.size);
      // Let the page breathe, also where all data is in memory.
      await new Promise((next) => { setTimeout(next, 0); });
    }
  };

  function holds(view, within, wanted, start) {
    return within(view.id) ||
      view.prompts.some((messages) => messages.some((message) => within(message.content))) ||
      view.references.some(within) ||
      view.records.some((record, place) => wanted(start + place) && (
        within(record.answer) || within(record.thinking) || record.verdicts.some((verdict) => verdict.tries.some(
          (entry) => within(entry.reply) || Object.values(entry.reasons || {}).some(within)
            || (entry.items || []).some((item) => within(item.criterion) || within(item.reason))))));
  }
})();
