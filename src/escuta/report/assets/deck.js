// Two sounds, A and B, that play at the same position: one is heard, the other runs along without a sound, so that
// changing between them leaves no gap.
"use strict";

escuta.deck = (() => {
  const CLOSE_SECONDS = 0.004; // two sounds that are so close are left alone
  const FAR_SECONDS = 0.25; // beyond, the silent one jumps; below, it hurries or dawdles, which nobody hears
  const { make, say } = escuta;
  const tracks = { A: null, B: null }; // {take, audio, wave}
  let heard = "B";
  let loop = false;
  let clicked = null; // when a sound was asked for, until it is heard
  let parts = null;
  const listeners = [];
  const delays = []; // milliseconds from a click to its sound
  const offsets = []; // seconds between both sounds when one took over

  const other = (letter) => (letter === "A" ? "B" : "A");
  const current = () => tracks[heard];
  const isPlaying = () => Boolean(current() && !current().audio.paused && !current().audio.ended);
  const position = () => current()?.audio.currentTime ?? 0;
  const tell = () => {
    show();
    listeners.forEach((listener) => listener());
  };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const draw = (letter) => {
    const track = tracks[letter];
    const box = parts[letter].wave;
    track.wave?.destroy();
    const longest = Math.max(...["A", "B"].map((one) => tracks[one]?.take.seconds ?? 0), 0.1);
    for (const one of ["A", "B"]) {
      if (tracks[one]) parts[one].wave.style.width = `${(100 * tracks[one].take.seconds) / longest}%`;
    }
    const levels = escuta.levels(track.take.peaks);
    const loudest = Math.max(0.05, ...levels);
    const room = Math.max(3, Math.floor(box.clientWidth / Math.max(levels.length, 1))); // of one bar
    track.wave = WaveSurfer.create({
      container: box,
      media: track.audio,
      peaks: [levels.map((level) => level / loudest)],
      duration: track.take.seconds,
      height: "auto",
      barWidth: Math.ceil(room / 2),
      barGap: Math.floor(room / 2),
      barRadius: 3,
      barMinHeight: 2,
      cursorWidth: 2,
      waveColor: colour("--wave"),
      progressColor: colour(letter === "A" ? "--a" : "--b"),
      cursorColor: colour("--ink"),
      dragToSeek: { debounceTime: 0 },
      cspNonce: document.querySelector("script[nonce]")?.nonce,
    });
    track.wave.once("ready", () => track.audio.paused && track.audio.currentTime && track.wave.setTime(track.audio.currentTime));
    track.wave.on("interaction", (time) => {
      hear(letter);
      seek(time);
    });
  };

  // Put a sound into a slot; what was there goes on until `keep` has taken over.
  const load = (letter, take) => {
    if (!take || !take.file) return;
    const before = tracks[letter];
    if (before?.take.key === take.key && before.take.file === take.file && !before.audio.error) {
      before.take = take;
      return;
    }
    const audio = new Audio();
    audio.preload = "auto";
    audio.src = escuta.takes.url(take);
    audio.muted = letter !== heard;
    audio.onended = () => ended(letter);
    audio.onerror = () => {
      if (tracks[letter]?.audio !== audio) return;
      parts.status.textContent = say("cannot_play", { file: take.file });
      tell();
    };
    before?.wave?.destroy();
    tracks[letter] = { take, audio, wave: null };
    requestAnimationFrame(() => tracks[letter]?.audio === audio && draw(letter)); // the sound comes first
    return before?.audio;
  };

  const start = async (audio, at) => {
    if (audio.readyState < 1) await new Promise((ready) => audio.addEventListener("loadedmetadata", ready, { once: true }));
    if (Math.abs(audio.currentTime - at) > 0.001) audio.currentTime = Math.min(at, audio.duration);
    try {
      await audio.play();
    } catch (error) {
      if (error.name !== "AbortError") parts.status.textContent = say("press_play");
      return false;
    }
    return true;
  };

  // Play what is in the slot that is heard, the other one silently beside it.
  const play = async (at = position(), leaving = null) => {
    const track = current();
    if (!track) return;
    parts.status.textContent = "";
    const silent = tracks[other(heard)];
    if (silent && at >= silent.take.seconds) silent.audio.pause();
    const when = leaving && !leaving.paused ? () => leaving.currentTime : () => at;
    const begun = await start(track.audio, when());
    if (begun && clicked !== null) {
      delays.push(performance.now() - clicked);
      clicked = null;
    }
    leaving?.pause();
    if (begun && silent && position() < silent.take.seconds) start(silent.audio, position());
    tell();
    follow();
  };

  const pause = () => {
    for (const track of Object.values(tracks)) track?.audio.pause();
    tell();
  };

  const toggle = () => {
    if (isPlaying()) return pause();
    clicked = performance.now();
    const audio = current()?.audio;
    return play(audio && (audio.ended || audio.currentTime >= audio.duration) ? 0 : position());
  };

  const seek = (time) => {
    for (const track of Object.values(tracks)) {
      if (track) track.audio.currentTime = Math.min(Math.max(time, 0), track.take.seconds);
    }
    tell();
  };

  // Change to A or B at the same position.
  const hear = (letter) => {
    if (!tracks[letter] || letter === heard) return;
    const [from, to] = [tracks[heard], tracks[letter]];
    heard = letter;
    const at = from.audio.currentTime;
    if (from.audio.paused && !from.audio.ended) {
      to.audio.currentTime = Math.min(at, to.take.seconds);
    } else if (!to.audio.paused) {
      offsets.push(to.audio.currentTime - at);
    } else if (at < to.take.seconds) {
      start(to.audio, from.audio.ended ? 0 : at);
    }
    to.audio.playbackRate = 1;
    to.audio.muted = false;
    from.audio.muted = true;
    tell();
    follow();
  };

  const ended = (letter) => {
    if (letter !== heard) return;
    if (loop) return play(0);
    pause();
  };

  // While playing, keep the silent sound beside the one that is heard, and the clock right.
  let following = false;
  const follow = () => {
    if (following) return;
    following = true;
    const step = () => {
      keepTogether();
      showPosition();
      if (isPlaying()) requestAnimationFrame(step);
      else following = false;
    };
    requestAnimationFrame(step);
  };

  const keepTogether = () => {
    const [loud, silent] = [current()?.audio, tracks[other(heard)]?.audio];
    if (!loud || !silent || loud.paused || silent.paused || silent.seeking || loud.seeking) return;
    const apart = silent.currentTime - loud.currentTime;
    if (Math.abs(apart) > FAR_SECONDS) silent.currentTime = loud.currentTime;
    const rate = Math.abs(apart) < CLOSE_SECONDS ? 1 : Math.min(Math.max(1 - 3 * apart, 0.7), 1.3);
    if (Math.abs(silent.playbackRate - rate) > 0.01) silent.playbackRate = rate;
  };

  // Hear `take` in slot `letter`, from the beginning or where the sound is now.
  const audition = (letter, take, { keepPosition = false, beside = null } = {}) => {
    if (!take || !take.file) return;
    clicked = performance.now();
    const was = heard;
    const playing = isPlaying();
    const at = keepPosition ? Math.min(position(), Math.max(0, take.seconds - 0.05)) : 0;
    const loud = current()?.audio;
    heard = letter;
    const replaced = load(letter, take);
    if (beside) load(other(letter), beside)?.pause();
    current().audio.muted = false;
    current().audio.playbackRate = 1;
    const silent = tracks[other(letter)];
    if (silent) silent.audio.muted = true;
    const leaving = keepPosition && playing ? (was === letter ? replaced : loud) : null;
    if (leaving && leaving !== replaced) leaving.muted = true;
    if (!leaving) {
      replaced?.pause();
      silent?.audio.pause();
    }
    play(at, leaving === replaced ? leaving : null);
  };

  // Put sounds into the slots without playing them.
  const prepare = (a, b) => {
    for (const [letter, take] of [["A", a], ["B", b]]) load(letter, take)?.pause();
    if (!tracks[heard]) heard = other(heard);
    tell();
  };

  const clear = (letter) => {
    tracks[letter]?.audio.pause();
    tracks[letter]?.wave?.destroy();
    tracks[letter] = null;
  };

  const showPosition = () => {
    const seconds = current()?.take.seconds ?? 0;
    parts.seek.max = Math.max(seconds, tracks[other(heard)]?.take.seconds ?? 0); // as wide as the longer sound
    parts.seek.value = position();
    const words = say("position", { at: escuta.number(position()), of: escuta.number(seconds) });
    parts.seek.setAttribute("aria-valuetext", words);
    parts.clock.textContent = words;
    listeners.forEach((listener) => listener(true));
  };

  const show = () => {
    document.body.classList.toggle("playing", isPlaying());
    parts.play.setAttribute("aria-label", say(isPlaying() ? "pause" : "play"));
    parts.play.disabled = !current();
    for (const letter of ["A", "B"]) {
      const track = tracks[letter];
      parts[letter].row.classList.toggle("heard", heard === letter);
      parts[letter].button.setAttribute("aria-pressed", String(heard === letter));
      parts[letter].button.disabled = !track;
      parts[letter].name.textContent = track ? track.take.title : say("nothing_here");
    }
    parts.loop.setAttribute("aria-pressed", String(loop));
    const text = current()?.take.name === "reference" ? tracks.B?.take.text : current()?.take.text;
    parts.text.textContent = text ?? "";
    showPosition();
  };

  const build = () => {
    const row = (letter) => {
      const name = make("span", { class: "name" });
      const mark = make("span", { class: "letter", "aria-hidden": "true" }, letter);
      const button = make("button", { type: "button", class: "slot", onclick: () => hear(letter) }, mark, name);
      const wave = make("div", { class: "wave" });
      parts[letter] = { button, name, wave, row: make("div", { class: `track ${letter}` }, button, make("div", { class: "lane" }, wave)) };
      return parts[letter].row;
    };
    parts = {};
    parts.play = make("button", { type: "button", class: "play", onclick: toggle }, make("span", { class: "icon" }));
    parts.clock = make("span", { class: "clock" });
    parts.text = make("p", { class: "said" });
    parts.seek = make("input", {
      type: "range", min: 0, step: 0.01, value: 0, "aria-label": say("position_name"), class: "seek",
      oninput: (event) => seek(Number(event.target.value)),
    });
    parts.loop = make("button", { type: "button", class: "quiet", onclick: () => { loop = !loop; tell(); } }, say("loop"));
    parts.hold = make("button", { type: "button", class: "quiet", onclick: () => escuta.table.hold() }, say("hold"));
    parts.status = make("p", { class: "status", role: "status" });
    return make("section", { class: "deck", "aria-label": say("deck") },
      make("div", { class: "controls" }, parts.play, parts.clock),
      make("div", { class: "tracks" }, row("A"), row("B"), parts.seek),
      make("div", { class: "about" }, parts.text, parts.status,
        make("div", { class: "switches" }, parts.loop, parts.hold, make("span", { class: "keys" }, say("keys")))));
  };

  const redraw = () => {
    for (const letter of ["A", "B"]) if (tracks[letter]) draw(letter);
  };

  return {
    build, audition, prepare, clear, hear, toggle, pause, seek, redraw, position, isPlaying,
    heard: () => heard,
    take: (letter = heard) => tracks[letter]?.take ?? null,
    audio: (letter = heard) => tracks[letter]?.audio ?? null,
    loop: () => { loop = !loop; tell(); },
    onchange: (listener) => listeners.push(listener),
    measured: () => ({ delays, offsets }),
  };
})();
