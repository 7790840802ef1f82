// Which sounds there are: a take is one sound, a column one checkpoint of all runs.
"use strict";

escuta.takes = (() => {
  let columns = []; // {name, place, title}: of all runs together, in the order of training

  const refresh = () => {
    const found = new Map();
    for (const view of escuta.page.runs) {
      escuta.place(view);
      view.byName = new Map(view.checkpoints.map((checkpoint) => [checkpoint.name, checkpoint]));
      for (const one of view.checkpoints) {
        if (one.name !== "epoch_0" && !found.has(one.name)) found.set(one.name, one);
      }
    }
    columns = [...found.values()].sort((one, other) => one.place - other.place);
  };

  // The texts of all runs; each is a row, whichever runs speak it.
  const sentences = () => [...new Set(escuta.page.runs.flatMap((view) => view.sentences))];

  // A sound, or null: `name` is a checkpoint's, or "reference".
  const find = (run, name, text, seed = null) => {
    const view = escuta.page.runs[run];
    const about = { run, name, text, key: `${run}/${name}/${text}/${seed ?? ""}` };
    if (name === "reference") {
      const reference = view.reference;
      if (!reference) return null;
      const picture = { file: reference.picture, index: 0, of: 1 };
      return { ...reference, ...about, title: escuta.say("reference"), view, picture, scores: [], heard: null };
    }
    const checkpoint = view.byName.get(name);
    const sentence = view.sentences.indexOf(text);
    const index = checkpoint
      ? checkpoint.takes.findIndex((take) => take.sentence === sentence && (seed === null || take.seed === seed))
      : -1;
    if (index < 0) return null;
    const take = checkpoint.takes[index];
    const there = checkpoint.takes.filter((one) => one.file);
    const picture = { file: take.peaks ? checkpoint.picture : "", index: there.indexOf(take), of: there.length };
    const title = escuta.page.runs.length > 1 ? `${view.name} · ${checkpoint.title}` : checkpoint.title;
    return { ...about, ...take, seed: take.seed, title, view, checkpoint, picture };
  };

  // All seeds that a checkpoint spoke a sentence with.
  const seeds = (run, name, text) => {
    const view = escuta.page.runs[run];
    const sentence = view.sentences.indexOf(text);
    return (view.byName.get(name)?.takes ?? []).filter((take) => take.sentence === sentence).map((take) => take.seed);
  };

  return { refresh, sentences, find, seeds, columns: () => columns, url: (take) => escuta.address(take.view.samples, take.file) };
})();

// The shape of a sound as a drawing that takes the colour of its text.
escuta.shape = (take, loudest) => {
  const { make } = escuta;
  const levels = escuta.levels(take.peaks);
  const reach = levels.map((level) => 1 + 18 * Math.min(1, level / loudest));
  const across = (index) => ((index + 0.5) * 100) / levels.length;
  const above = reach.map((height, index) => `${across(index).toFixed(1)} ${(20 - height).toFixed(1)}`);
  const below = reach.map((height, index) => `${across(index).toFixed(1)} ${(20 + height).toFixed(1)}`).reverse();
  const path = levels.length ? `M0 20L${above.join("L")}L100 20L${below.join("L")}Z` : "";
  const svg = make("svg:svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true", class: "shape" });
  svg.append(make("svg:path", { d: path }));
  return svg;
};

// The spectrogram of a sound: its part of a picture that holds several, one below the other.
escuta.spectrogram = (take) => {
  const { file, index, of } = take.picture;
  if (!file || index < 0) return null;
  const element = escuta.make("div", { class: "spectrogram", "aria-hidden": "true" });
  element.style.backgroundImage = `url("${escuta.address(take.view.pictures, file)}")`;
  element.style.backgroundSize = `100% ${100 * of}%`;
  element.style.backgroundPosition = `0 ${of > 1 ? (100 * index) / (of - 1) : 0}%`;
  return element;
};
