"""The tables of a step of training in docs/benchmarks.md, in both languages."""

from collections.abc import Mapping
from typing import Any

from bench.figures import Sections, seconds
from bench.table import Words, joined, machines, rule, spread, wide
from bench.training_words import WORDS

TARGETS = {"step_batch2_7s": 3.0, "memory_over_peer": 0.7, "features_paid_epochs": 2.0}


def training_tables(result: Mapping[str, Any], page: str) -> str:
    """All that one page says of training, and the machines it was measured on."""
    sections, words = result["sections"], WORDS[page]
    parts = [_figures(result, words), _modes(sections, words), _scaling(result, words), _curves(sections, words)]
    return f"{joined(parts, page)}\n\n{machines(sections, words)}"


def _figures(result: Mapping[str, Any], words: Words) -> str:
    ratios, sections = result["ratios"], result["sections"]
    lines = []
    if "step" in sections:
        step = sections["step"]
        times = [spread(seconds(step[name]), "{:.1f}") for name in ("escuta", "coqui")]
        memories = [f"{max(run['peak_bytes'] for run in step[name]) / 1e9:.1f} GB" for name in ("escuta", "coqui")]
        lines += [
            ("step_batch2_7s", *times, spread(speedups(step), "{:.1f}", " ×"), "≥", " ×"),
            ("memory_over_peer", *memories, f"{ratios['memory_over_peer']:.2f}", "≤", ""),
        ]
    if ratios["features_paid_epochs"] is not None:
        once = spread(sections["features"]["clip_seconds"])
        lines.append(("features_paid_epochs", once, "", f"{ratios['features_paid_epochs']:.2f}", "≤", ""))
    rows = []
    for name, ours, theirs, ratio, sign, times_sign in lines:
        met = ratios[name] >= TARGETS[name] if sign == "≥" else ratios[name] <= TARGETS[name]
        target = f"{sign} {TARGETS[name]:g}{times_sign}"
        rows.append(f"| {words[name]} | {ours} | {theirs} | {ratio} | {target} | {words['yes' if met else 'no']} |")
    return "\n".join([words["figures"], rule(6), *rows])


def _modes(sections: Sections, words: Words) -> str:
    if "modes" not in sections:
        return ""
    modes = {name: mode for name, mode in sections["modes"].items() if name != "machine"}
    rows = [
        (words["seconds"], [f"{mode['seconds']:.1f}" for mode in modes.values()]),
        (words["peak"], [f"{mode['peak_bytes'] / 1e9:.1f}" for mode in modes.values()]),
        (words["told"], [f"{mode['told_bytes'] / 1e9:.1f}" for mode in modes.values()]),
    ]
    return wide(words["modes"], ("", [words.get(name, name) for name in modes]), rows)


def _scaling(result: Mapping[str, Any], words: Words) -> str:
    epochs = result["epoch_seconds_by_clips"]
    if not epochs:
        return ""
    scaling = result["sections"]["scaling"]
    rows = [
        (words["epoch"], [f"{value:.1f}" for value in epochs.values()]),
        (words["clip"], [f"{1000 * value / int(count):.1f}" for count, value in epochs.items()]),
        (words["peak"], [f"{scaling[count]['peak_bytes'] / 1e9:.2f}" for count in epochs]),
    ]
    return wide(words["scaling"], (words["clips"], epochs), rows)


def _curves(sections: Sections, words: Words) -> str:
    if "curves" not in sections:
        return ""
    found = sections["curves"]
    percents = {name: f"{100 * value:.3f}" for name, value in found["difference"].items()}
    return words["curves"].format(steps=found["steps"], bf16=percents["bf16"], noise=percents["noise"])


def speedups(step: Mapping[str, Any]) -> list[float]:
    """How many of our steps one of coqui-tts's takes, pair by pair."""
    return [peer["seconds"] / own["seconds"] for own, peer in zip(step["escuta"], step["coqui"], strict=True)]
