// Losses and scores along the epochs; a click on a point lets one hear it.
"use strict";

escuta.curves = (() => {
  const { make, say } = escuta;
  let charts = [];
  let box = null;
  let more = false;

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // All that one chart shows: {title, note, series: [{label, colour, dash, values}], lines: [{value, words}], noise, score}
  const plans = () => {
    const { runs } = escuta.page;
    const several = runs.length > 1;
    const named = (view, words) => (several ? `${view.name}: ${words}` : words);
    const losses = { title: say("loss"), hint: say("lower_is_better"), series: [], lines: [], best: "val_loss" };
    runs.forEach((view, run) => {
      const checkpoints = view.checkpoints.filter((one) => one.epoch !== null);
      losses.series.push({ label: named(view, "val_loss"), run, points: points(checkpoints, (one) => one.val_loss) });
      if (!several) losses.series.push({ label: "train_loss", run, quiet: true, points: points(checkpoints, (one) => one.train_loss) });
    });
    const base = runs[0].checkpoints.find((one) => one.name === "epoch_0")?.val_loss;
    if (!several && typeof base === "number") losses.lines.push({ value: base, words: say("base") });
    const names = [...new Set(runs.flatMap((view) => view.scores.map((score) => score.name)))];
    return [losses, ...names.map((name) => scorePlan(name, named))].filter((plan) => plan.series.some((one) => one.points.length));
  };

  const points = (checkpoints, value) =>
    checkpoints.map((one) => [one.place, value(one), one.name]).filter(([, y]) => y !== null && y !== undefined);

  const scorePlan = (name, named) => {
    const { runs } = escuta.page;
    const [first] = runs.map((view) => view.scores.find((score) => score.name === name)).filter(Boolean);
    const hint = { higher: say("higher_is_better"), lower: say("lower_is_better") }[first.better] ?? first.unit;
    const plan = { title: first.title, hint, series: [], lines: [], score: first, best: "score", main: first.main };
    runs.forEach((view, run) => {
      const at = view.scores.findIndex((score) => score.name === name);
      if (at < 0) return;
      plan.series.push({ label: named(view, first.title), run, points: points(view.checkpoints, (one) => one.means[at]) });
    });
    const base = runs[0].byName.get("epoch_0")?.means[runs[0].scores.indexOf(first)];
    if (runs.length === 1 && typeof base === "number") plan.lines.push({ value: base, words: say("base"), noise: first.noise });
    if (first.ceiling !== null) plan.lines.push({ value: first.ceiling, words: say("real_clips"), real: true });
    return plan;
  };

  const colours = () => ["--val", "--train", "--third", "--fourth"].map(style);

  const chart = (plan) => {
    const xs = [...new Set(plan.series.flatMap((one) => one.points.map(([x]) => x)))].sort((a, b) => a - b);
    const data = [xs, ...plan.series.map((one) => {
      const known = new Map(one.points.map(([x, y]) => [x, y]));
      return xs.map((x) => known.get(x) ?? null);
    })];
    const readout = make("p", { class: "readout" });
    const figure = make("figure", { class: "chart" },
      make("figcaption", {}, make("b", {}, plan.title), " ", make("span", { class: "soft" }, plan.hint)));
    const holder = make("div", { class: "plot", role: "img", "aria-label": describe(plan) });
    figure.append(holder, readout);
    const idle = () => legend(plan, readout);
    const values = [...plan.series.flatMap((one) => one.points.map(([, y]) => y)), ...plan.lines.map((line) => line.value)];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = (high - low) * 0.08 || Math.abs(high) * 0.08 || 1;
    const axis = { stroke: style("--soft"), font: "12px system-ui, sans-serif", ticks: { show: false }, grid: { stroke: style("--line"), width: 1 } };
    const plot = new uPlot({
      width: 320, height: 180, legend: { show: false }, padding: [8, 16, 0, 0],
      cursor: { y: false, points: { size: 8 }, drag: { x: false, y: false }, focus: { prox: 24 } },
      scales: { x: { time: false, range: (u, from, to) => [Math.min(from, 0), Math.max(to, from + 1)] }, y: { range: [low - margin, high + margin] } },
      axes: [
        { ...axis, grid: { show: false }, size: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], space: 40 },
        { ...axis, size: 52, values: (u, ticks) => ticks.map((tick) => tickLabel(tick, plan.score, high - low)) },
      ],
      series: [{}, ...plan.series.map((one, index) => ({
        stroke: one.quiet ? style("--train") : colours()[one.run === 0 ? 0 : one.run % 4],
        width: one.quiet || one.points.length > 200 ? 1.25 : 2, spanGaps: true, points: { show: one.points.length <= 40, size: one.quiet ? 4 : 6 },
      }))],
      hooks: {
        drawClear: [(u) => backdrop(u, plan)],
        draw: [(u) => stars(u, plan)],
        setCursor: [(u) => (u.cursor.idx === null || u.cursor.idx === undefined ? idle() : read(plan, data, u.cursor.idx, readout))],
      },
    }, data, holder);
    plot.over.addEventListener("click", () => {
      const index = plot.cursor.idx;
      if (index === null || index === undefined) return;
      const near = plan.series.map((one) => [one, one.points.find(([x]) => x === xs[index])]).find(([, point]) => point);
      if (!near) return;
      escuta.table.choose(near[0].run, near[1][2], escuta.table.chosen().text, { keepPosition: escuta.deck.isPlaying() });
      escuta.table.reveal();
    });
    idle();
    charts.push({ plot, holder });
    return figure;
  };

  const tickLabel = (tick, score, range) => {
    const percent = score && score.unit === "" && score.name !== "speaker_similarity";
    const value = percent ? tick * 100 : tick;
    const span = percent ? range * 100 : range;
    const digits = span >= 8 ? 0 : span >= 0.8 ? 1 : span >= 0.08 ? 2 : 3;
    return value.toLocaleString(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }) + (percent ? " %" : "");
  };

  const legend = (plan, readout) => {
    const items = plan.series.map((one) => make("span", { class: one.quiet ? "key thin" : `key run${one.run % 4}` }, one.label));
    if (plan.series.length < 2 && plan.score) items.shift();
    const lines = plan.lines.map((line) => make("span", { class: line.real ? "key real" : "key base" }, line.words));
    readout.replaceChildren(...items, ...lines);
  };

  const read = (plan, data, index, readout) => {
    const point = plan.series.flatMap((one) => one.points).find(([x]) => x === data[0][index]);
    const title = escuta.page.runs.map((view) => view.byName.get(point[2])).find(Boolean).title;
    const found = plan.series.map((one, at) => [one, data[at + 1][index]]).filter(([, y]) => y !== null);
    const words = found.map(([one, y]) => `${plan.series.length > 1 ? `${one.label} ` : ""}${plan.score ? escuta.number(y, plan.score) : y.toFixed(4)}`);
    readout.replaceChildren(make("b", {}, title), ` ${words.join(" · ")}`);
  };

  // Lines and the band of noise, behind the curves.
  const backdrop = (u, plan) => {
    const { ctx } = u;
    const { left, width } = u.bbox;
    ctx.save();
    for (const line of plan.lines) {
      if (line.noise) {
        const [top, bottom] = [u.valToPos(line.value + line.noise, "y", true), u.valToPos(line.value - line.noise, "y", true)];
        ctx.fillStyle = style("--band");
        const [from, to] = [Math.max(top, u.bbox.top), Math.min(bottom, u.bbox.top + u.bbox.height)];
        if (to > from) ctx.fillRect(left, from, width, to - from);
      }
      const y = Math.round(u.valToPos(line.value, "y", true));
      ctx.strokeStyle = style(line.real ? "--real" : "--val");
      ctx.lineWidth = devicePixelRatio * 1.5;
      ctx.setLineDash(line.real ? [2 * devicePixelRatio, 3 * devicePixelRatio] : [6 * devicePixelRatio, 5 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(left, y);
      ctx.lineTo(left + width, y);
      ctx.stroke();
    }
    ctx.restore();
  };

  // The best checkpoints, and the one that was chosen.
  const stars = (u, plan) => {
    const { ctx } = u;
    ctx.save();
    const chosen = escuta.table.chosen();
    const column = escuta.takes.columns().find((one) => one.name === chosen.name);
    if (column) {
      const x = Math.round(u.valToPos(column.place, "x", true));
      ctx.strokeStyle = style("--soft");
      ctx.globalAlpha = 0.55;
      ctx.lineWidth = devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(x, u.bbox.top);
      ctx.lineTo(x, u.bbox.top + u.bbox.height);
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
    ctx.font = `${16 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.strokeStyle = style("--paper");
    ctx.fillStyle = style("--star");
    ctx.lineWidth = 4 * devicePixelRatio;
    for (const one of plan.series.filter((series) => !series.quiet)) {
      const point = one.points.find(([, , name]) => name === escuta.page.runs[one.run].best[plan.best]);
      if (!point) continue;
      const [x, y] = [u.valToPos(point[0], "x", true), u.valToPos(point[1], "y", true)];
      ctx.strokeText("★", x, y);
      ctx.fillText("★", x, y);
    }
    ctx.restore();
  };

  const describe = (plan) => {
    const words = plan.series.filter((one) => one.points.length).map((one) => {
      const write = (y) => (plan.score ? escuta.number(y, plan.score) : y.toFixed(4));
      const [first, last] = [one.points[0], one.points.at(-1)];
      return say("curve", { label: one.label, first: write(first[1]), last: write(last[1]), n: one.points.length });
    });
    return [plan.title, ...words, ...plan.lines.map((line) => `${line.words}: ${escuta.number(line.value, plan.score)}`)].join(". ");
  };

  const refresh = () => {
    charts.forEach(({ plot }) => plot.destroy());
    charts = [];
    const all = plans();
    const [first, rest] = [all.filter((plan) => !plan.score || plan.main), all.filter((plan) => plan.score && !plan.main)];
    box.replaceChildren();
    if (!all.length) {
      box.append(make("p", { class: "soft" }, say("no_loss")));
      return;
    }
    box.append(make("div", { class: "charts" }, first.map(chart)));
    if (rest.length) {
      const inside = make("div", { class: "charts" });
      const opened = () => {
        more = details.open;
        if (more && !inside.children.length) inside.append(...rest.map(chart));
        fit();
      };
      const details = make("details", { open: more, ontoggle: opened }, make("summary", {}, say("more_scores", { n: rest.length })), inside);
      if (more) inside.append(...rest.map(chart));
      box.append(details);
    }
    fit();
  };

  const fit = () => charts.forEach(({ plot, holder }) => {
    const width = Math.floor(holder.clientWidth);
    if (width > 60 && width !== plot.width) plot.setSize({ width, height: 180 });
  });

  const build = () => {
    box = make("div", {});
    new ResizeObserver(fit).observe(box);
    return make("section", { class: "curves", "aria-label": say("curves") }, box);
  };

  return { build, refresh, redraw: () => charts.forEach(({ plot }) => plot.redraw(false)) };
})();
