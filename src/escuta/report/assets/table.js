// The sounds: a row for each sentence of each run, a column for each checkpoint. Only what is in sight exists.
"use strict";

escuta.table = (() => {
  const { make, say, takes, deck } = escuta;
  const SPARE = 2; // columns beyond each edge
  const MAIN = { character_error_rate: "short_errors", speaker_similarity: "short_voice", naturalness: "short_natural" };
  let parts = {};
  let rows = []; // {text, run, element, cells: Map, strip, loudest, heard}
  let chosen = { run: 0, name: null, text: null, seed: null };
  let held = { run: 0, name: "epoch_0" }; // what A is: of the sentence that plays
  let drawn = [-1, -1]; // the columns that exist
  let room = 0; // width that they were drawn for
  const listeners = [];

  const width = () => (matchMedia("(max-width: 40rem)").matches ? 188 : 208);
  const still = () => (matchMedia("(max-width: 40rem)").matches ? 104 : 330); // of reference and base, at the left
  const tell = () => listeners.forEach((listener) => listener(chosen));

  const comparison = (text, run = chosen.run) =>
    takes.find(held.run, held.name, text) ?? takes.find(run, "epoch_0", text) ?? takes.find(run, "reference", text);

  // Hear a sound that was chosen in the table or in a curve.
  const choose = (run, name, text, { keepPosition = false, seed = null, play = true } = {}) => {
    const take = takes.find(run, name, text, seed);
    const aside = name === "reference" || name === "epoch_0";
    if (aside) held = { run, name };
    else chosen = { run, name, text, seed };
    if (play && take?.file) {
      if (aside) deck.audition("A", take, { keepPosition });
      else deck.audition("B", take, { keepPosition, beside: comparison(text, run) });
    }
    mark();
    requestAnimationFrame(tell); // the sound comes first
  };

  const press = (run, name, text, seed) => {
    const playing = deck.take();
    const take = takes.find(run, name, text, seed);
    if (playing && take && playing.key === take.key) deck.toggle();
    else choose(run, name, text, { seed });
  };

  const cell = (row, name, column) => {
    const take = takes.find(row.run, name, row.text);
    const checkpoint = escuta.page.runs[row.run].byName.get(name);
    const about = { class: "cell", role: "gridcell", "aria-colindex": column, "data-name": name };
    const best = marks(row.run, name);
    const title = name === "reference" ? say("reference") : (checkpoint ?? takes.columns().find((one) => one.name === name))?.title ?? say("base");
    const head = make("span", { class: "head" }, make("b", {}, title), best.map(([sign, words]) =>
      make("span", { class: "star", title: words, role: "img", "aria-label": words }, sign)));
    if (!take || !take.file) {
      const why = take ? say("file_missing") : checkpoint?.gap || (checkpoint || name === "reference" ? say("not_spoken") : say("not_in_run"));
      return make("div", { ...about, class: "cell empty", tabindex: -1 }, head, make("p", { class: "gap" }, why));
    }
    const sound = make("span", { class: "sound", "--share": take.seconds / row.longest },
      escuta.shape(take, row.loudest), escuta.spectrogram(take), make("span", { class: "cursor" }));
    const words = [spoken(row.run, take), row.text].filter(Boolean).join(", ");
    const button = make("button", { type: "button", class: "sample", tabindex: -1, onclick: () => press(row.run, name, row.text, null) },
      make("span", { class: "line" }, head, name === "reference" ? null : make("span", { class: take.cut ? "seconds cut" : "seconds", title: take.cut ? say("cut") : null }, take.cut ? say("cut_short") : escuta.seconds(take.seconds))),
      make("span", { class: "hidden" }, words), sound);
    return make("div", about, button, scores(row.run, take), seeds(row, name));
  };

  const marks = (run, name) => {
    const { best } = escuta.page.runs[run];
    const found = [];
    if (best.score === name) found.push(["★", say("best_by_score")]);
    if (best.val_loss === name) found.push([best.score ? "☆" : "★", say("best_by_loss")]);
    return found;
  };

  const scores = (run, take) => {
    const found = escuta.page.runs[run].scores.map((score, index) => [score, take.scores[index]]).filter(
      ([score, value]) => score.main && value !== null && value !== undefined);
    if (!found.length) return null;
    return make("dl", { class: "scores" }, found.map(([score, value]) =>
      make("div", { title: score.title }, make("dt", {}, say(MAIN[score.name] ?? score.title)), make("dd", {}, escuta.number(value, score)))));
  };

  const spoken = (run, take) =>
    escuta.page.runs[run].scores.map((score, index) => [score, take.scores[index]])
      .filter(([score, value]) => score.main && value !== null && value !== undefined)
      .map(([score, value]) => `${score.title} ${escuta.number(value, score)}`).join(", ");

  const seeds = (row, name) => {
    const all = name === "reference" ? [] : takes.seeds(row.run, name, row.text);
    if (all.length < 2) return null;
    return make("div", { class: "seeds" }, say("seeds"), all.map((seed) =>
      make("button", { type: "button", tabindex: -1, "aria-label": say("seed_of", { n: seed }),
        onclick: () => press(row.run, name, row.text, seed) }, String(seed))));
  };

  const row = (text, run, number) => {
    const view = escuta.page.runs[run];
    const sentence = view.sentences.indexOf(text);
    const spokenTakes = view.checkpoints.flatMap((one) => one.takes.filter((take) => take.sentence === sentence));
    const longest = Math.max(1, view.reference?.seconds ?? 0, ...spokenTakes.map((take) => take.seconds));
    const loudest = Math.max(0.05, ...spokenTakes.slice(0, 40).flatMap((take) => escuta.levels(take.peaks)));
    const found = { text, run, longest, loudest, cells: new Map() };
    found.strip = make("div", { class: "strip" });
    found.aside = make("div", { class: "aside" });
    found.heard = make("p", { class: "hearing" });
    const again = escuta.page.runs.slice(0, run).some((other) => other.sentences.includes(text)); // said above already
    const head = make("div", { class: "sentence", role: "rowheader" }, make("p", { class: "text" },
      make("span", { class: again ? "hidden" : "number" }, String(number)), make("span", { class: again ? "hidden" : null }, text),
      escuta.page.runs.length > 1 ? make("span", { class: "run" }, view.name) : null), found.heard);
    found.element = make("div", { class: again ? "row again" : "row", role: "row" }, head, found.aside, found.strip);
    return found;
  };

  const build = () => {
    parts.grid = make("div", { class: "grid", role: "grid", "aria-label": say("samples"), onkeydown: walk });
    parts.slider = make("input", { type: "range", min: 0, step: 1, "aria-label": say("timeline"), oninput: slide });
    parts.ends = make("div", { class: "ends" });
    parts.jump = make("div", { class: "jump" });
    parts.grid.addEventListener("scroll", () => requestAnimationFrame(() => fill()), { passive: true });
    new ResizeObserver(() => {
      if (parts.grid.clientWidth === room) return;
      stretch();
      fill(true);
      reveal();
    }).observe(parts.grid);
    parts.none = make("p", { class: "soft" }, say("no_samples"));
    parts.timeline = make("div", { class: "timeline" }, make("div", { class: "rail" }, parts.slider, parts.ends), parts.jump);
    return make("section", { class: "listen", "aria-labelledby": "listen" },
      make("h2", { id: "listen" }, say("samples")), parts.none, parts.timeline, parts.grid);
  };

  const refresh = () => {
    const columns = takes.columns();
    const texts = takes.sentences();
    const names = new Set(columns.map((one) => one.name));
    const isFirst = !rows.length;
    const hadFocus = parts.grid.contains(document.activeElement);
    if (!names.has(chosen.name) || !texts.includes(chosen.text)) {
      const { best, checkpoints } = escuta.page.runs[0];
      const last = checkpoints.findLast((one) => one.takes.length && one.name !== "epoch_0");
      const name = [best.score, best.val_loss].find((one) => names.has(one)) ?? last?.name ?? columns[0]?.name ?? null;
      chosen = { run: 0, name, text: texts[0] ?? null, seed: null };
    }
    rows = texts.flatMap((text, number) => escuta.page.runs.flatMap((view, run) =>
      view.sentences.includes(text) ? [row(text, run, number + 1)] : []));
    const spoken = escuta.page.runs.some((view) => view.checkpoints.length);
    parts.grid.hidden = parts.timeline.hidden = !spoken;
    parts.none.hidden = spoken;
    parts.grid.replaceChildren(...rows.map((one) => one.element));
    parts.grid.setAttribute("aria-colcount", columns.length + 2);
    parts.slider.max = Math.max(columns.length - 1, 0);
    for (const one of rows) {
      one.aside.replaceChildren(cell(one, "reference", 1), cell(one, "epoch_0", 2));
    }
    parts.ends.replaceChildren(...columns.length > 1 ? [columns[0], columns.at(-1)].map((one) => make("span", {}, one.title)) : []);
    parts.jump.replaceChildren(...jumps());
    drawn = [-1, -1];
    stretch();
    if (isFirst) reveal();
    else fill();
    if (hadFocus) focus();
  };

  // Make room for all columns, drawn or not.
  const stretch = () => rows.forEach((one) =>
    one.element.style.setProperty("--width", `${still() + takes.columns().length * width()}px`));

  const jumps = () => {
    const { best } = escuta.page.runs[0];
    const found = [[best.score, say("go_best_score")], [best.val_loss, say("go_best_loss")], [takes.columns().at(-1)?.name, say("go_last")]];
    return found.filter(([name]) => name && name !== "epoch_0").map(([name, words]) =>
      make("button", { type: "button", class: "quiet", onclick: () => { choose(0, name, chosen.text); reveal(); } }, words));
  };

  // Draw the columns that are in sight, and drop the others.
  const fill = (anew = false) => {
    const columns = takes.columns();
    const inSight = Math.ceil(parts.grid.clientWidth / width()) + SPARE;
    const first = Math.max(0, Math.floor(parts.grid.scrollLeft / width()) - SPARE);
    const last = Math.min(columns.length, first + inSight + SPARE);
    if (anew !== true && drawn[0] === first && drawn[1] === last) return;
    drawn = [first, last];
    room = parts.grid.clientWidth;
    for (const one of rows) {
      one.strip.style.paddingLeft = `${first * width()}px`;
      const before = anew === true ? new Map() : one.cells;
      one.cells = new Map(columns.slice(first, last).map((column, index) =>
        [column.name, before.get(column.name) ?? cell(one, column.name, first + index + 3)]));
      const wanted = [...one.cells.values()];
      const focused = one.strip.contains(document.activeElement) ? document.activeElement : null;
      if (!focused || anew === true) {
        one.strip.replaceChildren(...wanted);
      } else {
        for (const old of [...one.strip.children]) if (!wanted.includes(old)) old.remove();
        wanted.forEach((element, index) => {
          if (one.strip.children[index] !== element) one.strip.insertBefore(element, one.strip.children[index] ?? null);
        });
      }
    }
    mark();
  };

  // Show which checkpoint is chosen, what plays, and what was heard of it.
  const mark = () => {
    const playing = deck.take();
    const at = takes.columns().findIndex((one) => one.name === chosen.name);
    parts.slider.value = Math.max(at, 0);
    parts.slider.setAttribute("aria-valuetext", takes.columns()[at]?.title ?? "");
    let stop = false;
    for (const one of rows) {
      const isRow = one.text === chosen.text && one.run === chosen.run;
      for (const element of one.element.querySelectorAll(".cell")) {
        const { name } = element.dataset;
        const isHere = playing && playing.run === one.run && playing.name === name && (playing.text === one.text);
        element.classList.toggle("chosen", name === chosen.name);
        element.classList.toggle("a", name === held.name && one.run === held.run);
        element.classList.toggle("current", Boolean(isHere));
        const target = element.querySelector(".sample") ?? element;
        target.tabIndex = isRow && name === chosen.name && !stop ? 0 : -1;
        stop ||= target.tabIndex === 0;
      }
      hearing(one);
    }
    if (!stop) (parts.grid.querySelector(".sample") ?? {}).tabIndex = 0;
  };

  const hearing = (one) => {
    const take = takes.find(one.run, chosen.name, one.text, chosen.seed) ?? takes.find(one.run, chosen.name, one.text);
    if (!take || take.heard === null) return one.heard.replaceChildren();
    const rate = take.scores[take.view.scores.findIndex((score) => score.name === "character_error_rate")];
    const words = rate === 0 ? say("heard_all") : escuta.heard(one.text, take.heard);
    one.heard.replaceChildren(make("span", { class: "who" }, say("heard_of", { title: take.title })), " ", ...[words].flat());
  };

  const showPosition = () => {
    const take = deck.take();
    for (const one of parts.grid.querySelectorAll(".current .cursor")) {
      one.style.left = `${Math.min(100, (100 * deck.position()) / Math.max(take.seconds, 0.01))}%`;
    }
  };

  // Bring the chosen column into sight.
  const reveal = () => {
    const left = takes.columns().findIndex((one) => one.name === chosen.name) * width();
    const inSight = parts.grid.clientWidth - still();
    if (left >= 0 && (left < parts.grid.scrollLeft || left + width() > parts.grid.scrollLeft + inSight)) {
      parts.grid.scrollLeft = Math.max(0, left - (inSight - width()) / 2);
    }
    fill();
    mark();
  };

  const slide = () => {
    const column = takes.columns()[parts.slider.valueAsNumber];
    if (!column) return;
    choose(chosen.run, column.name, chosen.text, { play: deck.isPlaying(), keepPosition: true });
    reveal();
  };

  // Go some checkpoints on, to hear the next one at the same position.
  const step = (by, play = true) => {
    const columns = takes.columns();
    const at = columns.findIndex((one) => one.name === chosen.name);
    const next = columns[Math.min(Math.max(at + by, 0), columns.length - 1)];
    if (!next || next.name === chosen.name) return;
    choose(chosen.run, next.name, chosen.text, { keepPosition: true, play });
    reveal();
  };

  const climb = (by, play = true) => {
    const at = rows.findIndex((one) => one.text === chosen.text && one.run === chosen.run);
    const next = rows[at + by];
    if (!next) return;
    const same = next.text === chosen.text;
    choose(next.run, chosen.name, next.text, { keepPosition: same, play });
  };

  const focus = () => parts.grid.querySelector('.cell [tabindex="0"], .cell[tabindex="0"]')?.focus({ preventScroll: false });

  // Arrows walk from cell to cell; whoever listens hears each as they come by.
  const walk = (event) => {
    const moves = { ArrowLeft: () => step(-1, deck.isPlaying()), ArrowRight: () => step(1, deck.isPlaying()),
      ArrowUp: () => climb(-1, deck.isPlaying()), ArrowDown: () => climb(1, deck.isPlaying()),
      Home: () => step(-Infinity, deck.isPlaying()), End: () => step(Infinity, deck.isPlaying()) };
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    move();
    focus();
  };

  const hold = () => {
    const take = deck.take("B");
    if (!take) return;
    held = { run: take.run, name: take.name };
    deck.audition("A", take, { keepPosition: true });
    mark();
  };

  const ready = () => {
    if (chosen.text !== null) deck.prepare(comparison(chosen.text), takes.find(chosen.run, chosen.name, chosen.text));
  };

  return { build, refresh, ready, choose, step, hold, mark, reveal, showPosition, chosen: () => chosen, onchange: (listener) => listeners.push(listener) };
})();
