"""The tables of speaking in docs/benchmarks.md, in both languages."""

import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from bench.breakdown import PARTS
from bench.figures import (
    FIGURES,
    Sections,
    best_read,
    bound_seconds,
    median_step,
    peak_bytes,
    percentile_95,
    seconds,
    training_speeds,
)
from bench.words import WORDS

DECIMAL_COMMA = ("pt-BR/benchmarks.md",)
"""Pages where a number has a comma."""

Words = Mapping[str, str]


def tables(result: Mapping[str, Any], page: str) -> str:
    """All that one page says of what was measured."""
    sections, words = result["sections"], WORDS[page]
    parts = [_figures(result, words), _details(sections, words)]
    parts += [_curve(sections, words), _lengths(sections, words), _breakdown(sections, words), _gpu(sections, words)]
    return f"{joined(parts, page)}\n\n{machines(sections, words)}"


def joined(parts: Sequence[str], page: str) -> str:
    """Those parts that say something, with numbers as the page's language writes them."""
    text = "\n\n".join(part for part in parts if part)
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text) if page in DECIMAL_COMMA else text


def spread(values: Sequence[float], form: str = "{:.2f}", unit: str = " s") -> str:
    """Median, and the least and the most."""
    middle, least, most = (form.format(value) for value in (median(values), min(values), max(values)))
    return f"{middle}{unit} ({least}–{most})" if len(values) > 1 else f"{middle}{unit}"


def _figures(result: Mapping[str, Any], words: Words) -> str:
    sections = result["sections"]
    lines = []
    for name, figure in FIGURES.items():
        value = result["ratios"][name]
        if value is None:
            continue
        ours, beside = _cells(name, sections)
        times, sign = (" ×", "≥") if figure.at_least and figure.target > 1 else ("", "≥" if figure.at_least else "≤")
        of = figure.of(sections)
        form = "{:.1f}" if times else "{:.3f}" if figure.at_least else "{:.2f}"
        ratio = spread(of, form, times)
        met = words["yes"] if figure.met(value) else words["no"]
        lines.append(f"| {words[name]} | {ours} | {beside} | {ratio} | {sign} {figure.target:g}{times} | {met} |")
    return "\n".join([words["figures"], rule(6), *lines])


def _cells(name: str, sections: Sections) -> tuple[str, str]:
    """What stands for escuta and what it is compared with."""
    match name:
        case "warm_7s" | "checkpoint_to_sample":
            runs = sections[FIGURES[name].section]
            return spread(seconds(runs["escuta"])), spread(seconds(runs["coqui"]), "{:.1f}")
        case "batch_8":
            batch = sections["batch"]
            return spread(seconds(batch["escuta"]["8"])), spread(seconds(batch["coqui"]), "{:.1f}")
        case "step_over_bandwidth_bound":
            bound = sections["bound"]
            return f"{1000 * median_step(bound):.1f} ms", f"{1000 * bound_seconds(bound):.1f} ms"
        case "memory_over_peer":
            ours, theirs = (f"{value / 1e9:.2f} GB" for value in peak_bytes(sections))
            return ours, theirs
        case "stall_over_copy":
            weights = sections["stall"]["weights"]
            put, copy = percentile_95(weights["put_seconds"]), median(weights["copy_seconds"])
            return f"{1000 * put:.0f} ms", f"{1000 * copy:.0f} ms"
        case _:
            pairs = sections["throughput"]["pairs"]
            speeds = [
                [len(pair[kind]["step_seconds"]) / pair[kind]["seconds"] for pair in pairs]
                for kind in ("speaking", "silent")
            ]
            return f"{median(speeds[0]):.3f}", f"{median(speeds[1]):.3f}"


def _details(sections: Sections, words: Words) -> str:
    if not {"bound", "stall", "throughput"} <= sections.keys():
        return ""
    bound, stall, pairs = sections["bound"], sections["stall"], sections["throughput"]["pairs"]
    put = stall["weights"]["put_seconds"]
    return words["details"].format(
        precision=bound["precision"],
        kernel=bound["kernel"],
        difference=f"{100 * bound['loss_difference']:.3f}",
        bandwidth=f"{best_read(bound) / 1e9:.0f}",
        megabytes=f"{bound['bytes_per_code'] / 1e6:.0f}",
        put_50=f"{1000 * median(put):.0f}",
        put_95=f"{1000 * percentile_95(put):.0f}",
        state_95=f"{1000 * percentile_95(stall['optimizer']['put_seconds']):.0f}",
        duty=f"{100 * median(pair['speaking']['duty'] for pair in pairs):.0f}",
        step=f"{median(step for pair in pairs for step in pair['silent']['step_seconds']):.1f}",
    )


def _curve(sections: Sections, words: Words) -> str:
    if "batch" not in sections:
        return ""
    ours = {int(count): median(seconds(runs)) for count, runs in sections["batch"]["escuta"].items()}
    peers = {8: seconds(sections["batch"]["coqui"])[0]}
    if "warm" in sections:
        peers[1] = median(seconds(sections["warm"]["coqui"]))
    rows = [
        ("escuta", [f"{value:.1f}" for value in ours.values()]),
        (words["per_sentence"], [f"{value / count:.2f}" for count, value in ours.items()]),
        ("coqui-tts", [f"{peers[count]:.1f}" if count in peers else "" for count in ours]),
    ]
    return wide(words["curve"], (words["sentences"], ours), rows)


def _lengths(sections: Sections, words: Words) -> str:
    if "lengths" not in sections:
        return ""
    ours, peers = sections["lengths"]["escuta"], sections["lengths"]["coqui"]
    rows = [
        ("escuta", [f"{median(seconds(runs)):.1f}" for runs in ours.values()]),
        ("coqui-tts", [f"{median(seconds(peers[length])):.1f}" for length in ours]),
    ]
    return wide(words["lengths"], (words["speech"], ours), rows)


def _breakdown(sections: Sections, words: Words) -> str:
    if "breakdown" not in sections:
        return ""
    turns = sections["breakdown"]["seconds"]
    row = [f"{median(turn[part] for turn in turns):.2f}" for part in PARTS]
    return wide(words["breakdown"], ("", [words[part] for part in PARTS]), [("escuta", row)])


def _gpu(sections: Sections, words: Words) -> str:
    if "gpu" not in sections:
        return ""
    gpu = sections["gpu"]
    ours = {int(count): median(seconds(runs)) for count, runs in gpu["escuta"].items()}
    row = ("escuta", [f"{value:.2f}" for value in ours.values()])
    title = words["gpu"].format(gpu=gpu["machine"]["gpu"])
    speeds = [training_speeds(pair) for pair in gpu["throughput"]["pairs"]]
    details = words["gpu_details"].format(
        put_95=f"{1000 * percentile_95(gpu['stall']['weights']['put_seconds']):.0f}",
        throughput=spread(speeds, "{:.3f}", ""),
    )
    return f"{wide(title, (words['sentences'], ours), [row])}\n\n{details}"


def machines(sections: Sections, words: Words) -> str:
    """One line for each machine and day, with the sections measured there."""
    groups: dict[str, list[tuple[str, float]]] = {}
    for name, section in sections.items():
        facts = {**section["machine"], "coqui": section["machine"].get("coqui-tts")}
        load = facts.pop("load_average")
        line = words["machine"].format(**facts, sections="{sections}", load="{load}")
        groups.setdefault(line, []).append((name, load))
    lines = (
        line.format(sections=", ".join(name for name, _ in of), load=max(load for _, load in of))
        for line, of in groups.items()
    )
    return "\n".join(lines)


def wide(title: str, head: tuple[str, Iterable[object]], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A table of numbers, under what it is of."""
    columns = list(head[1])
    lines = [f"| {head[0]} | {' | '.join(map(str, columns))} |", rule(len(columns) + 1)]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows]
    return "\n".join([title, "", *lines])


def rule(columns: int) -> str:
    """The line below the head of a table."""
    return "|" + " --- |" * columns
