"""The tables of docs/benchmarks.md, in both languages, between markers that stay."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

ROWS = ("warm_7s", "batch_8", "step_over_bandwidth_bound", "memory_over_peer")
WORDS = {
    "benchmarks.md": {
        "head": "| what | escuta | coqui-tts | ratio |",
        "warm_7s": "one sentence of 7 s",
        "batch_8": "eight sentences of 7 s",
        "step_over_bandwidth_bound": "one code, over what reading the weights takes",
        "memory_over_peer": "peak memory",
    },
    "pt-BR/benchmarks.md": {
        "head": "| o quê | escuta | coqui-tts | razão |",
        "warm_7s": "uma frase de 7 s",
        "batch_8": "oito frases de 7 s",
        "step_over_bandwidth_bound": "um código, sobre o tempo de ler os pesos",
        "memory_over_peer": "pico de memória",
    },
}


def write_tables(docs: Path, result: Mapping[str, Any]) -> None:
    """Put the table of `result` in its place on both pages."""
    for page, words in WORDS.items():
        text = (docs / page).read_text(encoding="utf-8")
        before, _, rest = text.partition("<!-- sampling -->\n")
        after = rest.partition("<!-- end -->")[2]
        text = f"{before}<!-- sampling -->\n{table(result, words)}\n<!-- end -->{after}"
        (docs / page).write_text(text, encoding="utf-8")


def table(result: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Draw one table."""
    runs, ratios = result["runs"], result["ratios"]
    steps = [1000 * seconds for run in runs["escuta_1"] for seconds in run["step_seconds"]]
    peaks = [runs[name][-1]["peak_bytes"] / 1e9 for name in ("escuta_8", "coqui_1")]
    cells = {
        "warm_7s": (spread(runs["escuta_1"]), spread(runs["coqui_1"]), "{:.1f} ×"),
        "batch_8": (spread(runs["escuta_8"]), "8 × " + spread(runs["coqui_1"]), "{:.1f} ×"),
        "step_over_bandwidth_bound": (
            f"{median(steps):.1f} ms",
            f"({1000 * result['bound_seconds_per_code']:.1f} ms)",
            "{:.2f}",
        ),
        "memory_over_peer": (f"{peaks[0]:.1f} GB", f"{peaks[1]:.1f} GB", "{:.2f}"),
    }
    lines = [words["head"], "| --- | --- | --- | --- |"]
    for row in ROWS:
        ours, peers, form = cells[row]
        lines.append(f"| {words[row]} | {ours} | {peers} | {form.format(ratios[row])} |")
    return "\n".join(lines)


def spread(runs: list[dict[str, Any]]) -> str:
    """Median, and the fastest and the slowest."""
    seconds = [run["seconds"] for run in runs]
    return f"{median(seconds):.1f} s ({min(seconds):.1f}–{max(seconds):.1f})"
