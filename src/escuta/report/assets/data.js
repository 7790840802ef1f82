// What is shown, and the small things that every other file of the page needs.
"use strict";

const escuta = {
  page: null, // the document; view.py describes it
};

// Look up a word of the page: say("seconds", {n: 3}).
escuta.say = (key, values = {}) =>
  (escuta.page.texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

// Make an element: make("p", {class: "soft"}, "text", child). Text never becomes markup.
escuta.make = (tag, attributes = {}, ...children) => {
  const name = tag.split(":");
  const element = name[1] ? document.createElementNS("http://www.w3.org/2000/svg", name[1]) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) element.style.setProperty(key, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
};

// The address of a file that a run names; an exported page carries its files with it.
escuta.address = (folder, file) => {
  const address = folder + encodeURIComponent(file);
  return escuta.page.files?.[folder + file] ?? address;
};

escuta.number = (value, score) => {
  if (value === null || value === undefined) return "–";
  const language = document.documentElement.lang;
  const write = (number, digits) =>
    number.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  if (score && score.unit === "" && score.name !== "speaker_similarity") return `${write(100 * value, 1)} %`;
  const size = Math.abs(value);
  return write(value, size >= 100 ? 0 : size >= 10 ? 1 : 2);
};

escuta.seconds = (value) => escuta.say("seconds", { n: escuta.number(value) });

// Levels from 0 to 1 along time; peaks.py writes them.
escuta.levels = (peaks) => {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return Array.from(peaks, (digit) => (digits.indexOf(digit) / 63) ** 2);
};

// Where a checkpoint is in its training, in epochs: 2 is the end of epoch 2, 2.5 in the midst of epoch 3.
escuta.place = (view) => {
  let before = { epoch: 0, step: 0 };
  const checkpoints = view.checkpoints;
  checkpoints.forEach((one, index) => {
    if (one.epoch !== null) {
      before = one;
      one.place = one.epoch;
      return;
    }
    const after = checkpoints.slice(index).find((later) => later.epoch !== null);
    const length = after && after.step > before.step ? after.step - before.step : null;
    one.place = before.epoch + (length ? (one.step - before.step) / length : 0.5);
  });
};

// What was heard beside what was asked: [kind, words], kind "same", "missing" or "added".
escuta.differences = (asked, heard) => {
  const words = (text) => text.split(/\s+/).filter(Boolean);
  const plain = (word) => word.toLocaleLowerCase().replace(/[^\p{L}\p{N}\p{M}]/gu, "");
  const [a, b] = [words(asked), words(heard)];
  const same = (i, j) => plain(a[i]) === plain(b[j]);
  const longest = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i][j] = same(i, j) ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const found = [];
  const note = (kind, word) => {
    const last = found.at(-1);
    if (last && last[0] === kind) last[1] += ` ${word}`;
    else found.push([kind, word]);
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && same(i, j)) {
      note("same", a[i]);
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && longest[i + 1][j] >= longest[i][j + 1])) {
      note("missing", a[i]);
      i += 1;
    } else {
      note("added", b[j]);
      j += 1;
    }
  }
  return found;
};

// The words of a sentence as they were heard: what was left out is struck, what was put in is underlined.
escuta.heard = (asked, heard) => {
  const tags = { same: "span", missing: "del", added: "ins" };
  return escuta.differences(asked, heard).flatMap(([kind, words]) => [escuta.make(tags[kind], {}, words), " "]);
};
