// The page: what it consists of, its keys, and how it takes in a new view of the runs.
"use strict";

(() => {
  const { make, say } = escuta;
  let parts = {};

  const header = () => {
    const { runs } = escuta.page;
    const tests = escuta.page.blind ?? []; // a server has them
    parts.header.replaceChildren(...runs.map((view, run) => make("div", { class: "about-run" },
      make("h1", {}, view.name, view.running ? make("span", { class: "live", title: say("running") }) : null),
      make("p", { class: "facts soft" }, view.facts.map((fact) => make("span", {}, fact))),
      verdict(view),
      tests[run] ? make("p", {}, make("a", { class: "quiet", href: tests[run] }, say("blind"))) : null)));
    document.title = `${runs.map((view) => view.name).join(", ")} · escuta`;
  };

  const verdict = (view) => {
    const named = (name) => view.byName.get(name)?.title;
    const { best } = view;
    const lines = [];
    if (named(best.score)) lines.push(make("p", {}, make("b", { class: "star" }, "★ "), make("b", {}, say("best_score_is", { title: named(best.score) })), " ", best.reason, verdictWords(view)));
    if (named(best.val_loss) && best.val_loss !== best.score) {
      lines.push(make("p", {}, make("b", { class: "star" }, best.score ? "☆ " : "★ "), say("best_loss_is", { title: named(best.val_loss) })));
    }
    return lines.length ? make("div", { class: "verdict" }, lines) : null;
  };

  // "Better" is said only of what the noise does not explain.
  const verdictWords = (view) => {
    const { verdicts } = view.byName.get(view.best.score);
    const deciding = view.scores.filter((score) => score.main);
    const list = (kind) => deciding.filter((score) => (verdicts[score.name] ?? "same") === kind).map((score) => score.title);
    const sentences = [["better", "better_than_base"], ["worse", "worse_than_base"], ["same", "same_as_base"]]
      .map(([kind, words]) => [list(kind), words]).filter(([found]) => found.length)
      .map(([found, words]) => say(words, { scores: found.join(", ") }));
    return sentences.length ? ` ${sentences.join(" ")}` : "";
  };

  const notes = () => {
    const found = escuta.page.runs.flatMap((view) => view.notes.filter(([kind]) => kind !== "info").map((note) => [view, ...note]));
    parts.notes.replaceChildren(...found.map(([view, kind, text]) => make("p", { class: `note ${kind}`, role: "note" },
      escuta.page.runs.length > 1 ? make("b", {}, `${view.name}: `) : null, text)));
  };

  // The numbers of the chosen checkpoint beside base, best and real clips.
  const numbers = () => {
    const chosen = escuta.table.chosen();
    const view = escuta.page.runs[chosen.run];
    const one = view?.byName.get(chosen.name);
    if (!view || !view.scores.length || !one) return parts.numbers.replaceChildren();
    const others = [["epoch_0", say("base")], ["", one.title]];
    if (view.best.score && view.best.score !== one.name) others.push([view.best.score, say("best_column", { title: view.byName.get(view.best.score)?.title ?? view.best.score })]);
    const known = others.map(([name, title]) => [name ? view.byName.get(name) : one, title]).filter(([checkpoint]) => checkpoint);
    const head = make("tr", {}, make("th", { scope: "col" }, say("score")), known.map(([, title]) => make("th", { scope: "col" }, title)),
      make("th", { scope: "col" }, say("real_clips")), make("th", { scope: "col" }, say("spread")), make("th", { scope: "col" }, say("against_base")));
    const body = view.scores.map((score, at) => make("tr", {},
      make("th", { scope: "row", title: score.by }, score.title, " ", make("span", { class: "soft" }, unit(score))),
      known.map(([checkpoint]) => make("td", {}, escuta.number(checkpoint.means[at], score))),
      make("td", {}, escuta.number(score.ceiling, score)),
      make("td", {}, score.spread === null ? "–" : `± ${escuta.number(score.spread, score)}`),
      make("td", { class: "words" }, against(score, one))));
    parts.numbers.replaceChildren(make("h2", {}, say("numbers_of", { title: one.title })),
      make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": say("numbers_of", { title: one.title }) }, make("table", {}, make("thead", {}, head), make("tbody", {}, body))),
      make("p", { class: "soft" }, say("spread_means")));
  };

  const unit = (score) => ({ higher: "↑", lower: "↓" }[score.better] ?? "") + (score.unit ? ` ${score.unit}` : "");

  const against = (score, checkpoint) => {
    if (!score.main || checkpoint.name === "epoch_0" || !checkpoint.means.length) return "";
    const verdict = checkpoint.verdicts[score.name];
    return make("span", { class: verdict ?? "same" }, say({ better: "is_better", worse: "is_worse" }[verdict] ?? "is_same"));
  };

  const about = () => {
    parts.about.replaceChildren(...escuta.page.runs.flatMap((view) => [
      make("h2", {}, escuta.page.runs.length > 1 ? say("about_named", { name: view.name }) : say("about")),
      ...view.notes.filter(([kind]) => kind === "info").map(([, text]) => make("p", {}, text)),
      view.reference?.name ? make("p", {}, say("reference_is", { file: view.reference.name })) : null,
      view.command ? make("p", {}, say("missing"), make("code", { class: "command" }, view.command)) : null,
      view.data.length ? make("details", {}, make("summary", {}, say("data", { n: view.data.length })),
        make("ul", { class: "data" }, view.data.map((line) => make("li", {}, line)))) : null,
      view.settings.length ? make("details", {}, make("summary", {}, say("settings", { n: view.settings.length })),
        make("dl", { class: "settings" }, view.settings.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))))) : null,
      view.scores.length ? make("details", {}, make("summary", {}, say("measured_by")),
        make("dl", { class: "settings" }, view.scores.map((score) => make("div", {}, make("dt", {}, score.title), make("dd", {}, score.by || "–"))))) : null,
    ].filter(Boolean)));
  };

  const typing = (target) => target.closest?.("input, textarea, select") && target.type !== "range";

  const keys = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const { deck, table } = escuta;
    const slider = event.target.type === "range";
    const pressed = event.target.closest?.("button, summary, a");
    const actions = {
      1: () => deck.hear("A"), 2: () => deck.hear("B"),
      l: () => deck.loop(), a: () => table.hold(),
      " ": pressed || slider ? null : () => deck.toggle(),
      ArrowLeft: slider ? null : () => (event.shiftKey ? deck.seek(deck.position() - 1) : table.step(-1)),
      ArrowRight: slider ? null : () => (event.shiftKey ? deck.seek(deck.position() + 1) : table.step(1)),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };

  // Take in what is known now; what plays goes on.
  escuta.update = (page) => {
    escuta.page = page;
    escuta.takes.refresh();
    header();
    notes();
    escuta.table.refresh();
    escuta.curves.refresh();
    numbers();
    about();
    if (!escuta.deck.isPlaying()) escuta.table.ready();
  };

  const begin = () => {
    escuta.page = JSON.parse(document.getElementById("run").textContent);
    parts = { header: make("header", {}), notes: make("div", { class: "notes" }), numbers: make("section", { class: "numbers" }), about: make("footer", { class: "about-runs" }) };
    const main = make("main", {}, parts.notes, escuta.curves.build(), escuta.table.build(), parts.numbers);
    document.body.append(make("div", { class: "paper" }, parts.header, main, parts.about), escuta.deck.build());
    escuta.deck.onchange((onlyPosition) => {
      if (!onlyPosition) escuta.table.mark();
      escuta.table.showPosition();
    });
    escuta.table.onchange(() => {
      numbers();
      escuta.curves.redraw();
    });
    escuta.update(escuta.page);
    document.addEventListener("keydown", keys);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      escuta.curves.refresh();
      escuta.deck.redraw();
    });
    performance.mark("escuta-shown");
  };

  begin();
})();
