// The blind test: pairs are fetched ahead and answered by key; an answer is stored while the next pair plays.
"use strict";

const ROUND = 20; // answers until the result is shown
const address = (path) => `${location.pathname.replace(/\/$/, "")}/${path}`;
const find = (id) => document.getElementById(id);
const sounds = [...document.querySelectorAll(".sound")];
const choices = [...document.querySelectorAll("[data-preferred]")];

let pair = null; // the one on the screen: {question, text, audios, heard, shown}
let before = null; // the pair before, to be corrected
const queue = []; // promises of the pairs to come
let side = 0; // of the sound heard last: 0 or 1
let count = 0; // answers of this round
let total = Number(document.body.dataset.answers);
let storing = Promise.resolve(); // answers are stored one after another

const problem = (words) => {
  find("problem").textContent = words;
  find("problem").hidden = !words;
};

const ask = async (path, body) => {
  const request = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(address(path), request);
  if (answer.ok) return answer;
  const found = await answer.json().catch(() => ({ problem: `${answer.status} ${answer.statusText}` }));
  throw new Error(found.problem);
};

const show = (name) => {
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== name;
};

// Fetch a pair and both its sounds, whole.
const fetchPair = async () => {
  const { question, text } = await (await ask("ask", {})).json();
  const blobs = await Promise.all([1, 2].map(async (number) => (await ask(`sound/${question}/${number}`)).blob()));
  const audios = blobs.map((blob) => new Audio(URL.createObjectURL(blob)));
  audios.forEach((audio, number) => {
    audio.addEventListener("ended", () => afterSound(number));
    for (const event of ["play", "pause"]) audio.addEventListener(event, paint);
  });
  return { question, text, audios, heard: [false, false], shown: 0 };
};

const promise = () => {
  const coming = fetchPair();
  coming.catch(() => {}); // told when it is waited for
  return coming;
};

const forget = (one) => one?.audios.forEach((audio) => URL.revokeObjectURL(audio.src));

const quiet = () => pair?.audios.forEach((audio) => audio.pause());

const hear = (number) => {
  quiet();
  side = number;
  pair.heard[number] = true;
  pair.audios[number].currentTime = 0;
  pair.audios[number].play().catch((error) => error.name === "AbortError" || problem(error.message));
  find("hint").textContent = "";
};

// The second follows the first by itself.
const afterSound = (number) => {
  if (number === 0 && !pair.heard[1]) hear(1);
};

const pause = () => {
  const audio = pair.audios[side];
  if (!audio.paused) audio.pause();
  else if (audio.ended) hear(side);
  else audio.play();
};

const paint = () => {
  if (!pair) return;
  sounds.forEach((button, number) => {
    const audio = pair.audios[number];
    button.classList.toggle("playing", !audio.paused);
    button.querySelector("i").style.width = `${audio.duration ? (100 * audio.currentTime) / audio.duration : 0}%`;
  });
  if (pair.audios.some((audio) => !audio.paused)) requestAnimationFrame(paint);
};

const present = (one) => {
  pair = one;
  pair.shown = performance.now();
  const words = find("count").dataset.words;
  find("count").textContent = words.replace("{n}", count + 1).replace("{of}", ROUND);
  find("progress").value = count;
  find("text").textContent = pair.text;
  find("back").disabled = !before;
  show("pair");
  hear(0);
};

const begin = () => {
  problem("");
  count = 0;
  forget(before);
  before = null;
  proceed();
};

const proceed = async () => {
  try {
    const one = await (queue.shift() ?? promise());
    if (!queue.length) queue.push(promise());
    present(one);
  } catch (error) {
    queue.length = 0;
    problem(error.message);
  }
};

const answer = (preferred) => {
  if (!pair.heard.every(Boolean)) {
    find("hint").textContent = find("hint").dataset.words;
    return;
  }
  quiet();
  const body = { question: pair.question, preferred, seconds: (performance.now() - pair.shown) / 1000 };
  storing = storing.then(() => ask("answer", body)).catch((error) => problem(error.message));
  count += 1;
  total += 1;
  forget(before);
  before = pair;
  pair = null;
  if (count >= ROUND) result();
  else proceed();
};

// Show the pair before once more; its new answer will take the place of the old one.
const back = () => {
  if (!before) return;
  quiet();
  queue.unshift(Promise.resolve(pair));
  const one = before;
  before = null;
  count -= 1;
  present(one);
};

const percent = (share) => `${Math.round(100 * share)}%`;

const result = async () => {
  quiet();
  if (pair) queue.unshift(Promise.resolve(pair));
  pair = null;
  try {
    await storing;
    fill(await (await ask("result")).json());
  } catch (error) {
    problem(error.message);
    return;
  }
  find("done").textContent = "";
  show("result");
  find("verdict").focus();
};

const fill = ({ verdict, scores, rows }) => {
  find("verdict").textContent = verdict;
  const columns = find("columns");
  while (columns.children.length > 5) columns.lastChild.remove();
  for (const title of [...scores, ""]) {
    const cell = document.createElement(title ? "th" : "td");
    cell.textContent = title;
    columns.append(cell);
  }
  find("rows").replaceChildren(...rows.map((row) => rowOf(row)));
};

const rowOf = (row) => {
  const element = find("row").content.cloneNode(true).firstElementChild;
  const part = (selector) => element.querySelector(selector);
  const number = (value) => (value === null ? "–" : value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 3 }));
  part(".title").textContent = row.title;
  part("small").textContent = row.best.join(" · ");
  part(".bar i").style.left = `${100 * row.low}%`;
  part(".bar i").style.width = `${100 * (row.high - row.low)}%`;
  part(".bar b").style.left = `${100 * row.share}%`;
  part(".range span").textContent = `${percent(row.share)} (${percent(row.low)} – ${percent(row.high)})`;
  part(".chance").textContent = percent(row.chance);
  part(".count").textContent = row.answers;
  part(".loss").textContent = number(row.val_loss);
  for (const score of row.scores) {
    const cell = document.createElement("td");
    cell.textContent = number(score);
    part(".act").before(cell);
  }
  const titles = [...find("columns").cells].map((cell) => cell.textContent);
  [...element.cells].slice(1, -1).forEach((cell, column) => { cell.dataset.title = titles[column + 1]; });
  const button = part("button");
  button.disabled = !row.kept;
  if (!row.kept) button.title = button.dataset.gone;
  button.setAttribute("aria-label", `${button.textContent}: ${row.title}`);
  button.addEventListener("click", () => choose(row.name));
  return element;
};

const choose = async (name) => {
  problem("");
  find("done").textContent = find("done").dataset.busy;
  const buttons = [...document.querySelectorAll("#rows button:enabled")];
  for (const button of buttons) button.disabled = true;
  try {
    find("done").textContent = (await (await ask("choose", { name })).json()).done;
  } catch (error) {
    find("done").textContent = "";
    problem(error.message);
  }
  for (const button of buttons) button.disabled = false;
};

const keys = {
  pair: {
    1: () => hear(0),
    2: () => hear(1),
    ArrowLeft: () => answer("first"),
    ArrowRight: () => answer("second"),
    "=": () => answer("tie"),
    ArrowDown: () => answer("tie"),
    Enter: () => answer(side === 0 ? "first" : "second"),
    " ": pause,
    Backspace: back,
    r: result,
  },
  intro: { Enter: begin, r: () => total && result() },
  result: { Enter: begin },
};

document.addEventListener("keydown", (event) => {
  const section = document.querySelector("main > section:not([hidden])").id;
  const action = keys[section][event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const isPressing = event.target.closest("button, a") && [" ", "Enter"].includes(event.key);
  if (!action || isPressing || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (section === "pair" && !pair) return; // it is still on its way
  event.preventDefault();
  action();
});

find("start").addEventListener("click", begin);
find("peek").addEventListener("click", result);
find("stop").addEventListener("click", result);
find("back").addEventListener("click", back);
find("more").addEventListener("click", begin);
sounds.forEach((button, number) => button.addEventListener("click", () => pair && hear(number)));
choices.forEach((button) => button.addEventListener("click", () => pair && answer(button.dataset.preferred)));
queue.push(promise());
