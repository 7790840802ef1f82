"""The table of F5-TTS in docs/benchmarks.md, in both languages."""

from collections.abc import Mapping
from typing import Any

from bench.figures import seconds
from bench.table import joined, machines, rule, spread

AT_LEAST = {"warm_7s": 3.0, "batch_8": 3.0, "step": 2.5}
MEMORY_AT_MOST = 0.5
SECTION_OF = {"warm_7s": "warm", "batch_8": "batch", "step": "step"}

WORDS: Mapping[str, Mapping[str, str]] = {
    "benchmarks.md": {
        "figures": "| what | escuta | f5-tts | ratio | target | met |",
        "yes": "yes",
        "no": "no",
        "warm_7s": "7 s of new speech after a recording of 5 s, 16 steps, guidance 2, weights in memory",
        "batch_8": "8 such sentences: in one batch, and one after another",
        "step": "one step of training with two clips of 7 s, and its average of weights",
        "memory_over_peer": "peak memory of the process that speaks",
        "gpu": "On {gpu}: a sentence {warm}, 8 sentences {batch}, a step {step}.",
        "machine": (
            "{sections}: {date}, {cpu}, {cores} cores, {threads} threads, {memory_gb} GB; PyTorch {torch}; load "
            "average at most {load}."
        ),
    },
    "pt-BR/benchmarks.md": {
        "figures": "| o quê | escuta | f5-tts | razão | meta | alcançada |",
        "yes": "sim",
        "no": "não",
        "warm_7s": "7 s de fala nova após uma gravação de 5 s, 16 passos, guidance 2, pesos na memória",
        "batch_8": "8 frases assim: num só lote, e uma após a outra",
        "step": "um passo de treino com dois clipes de 7 s, e sua média dos pesos",
        "memory_over_peer": "pico de memória do processo que fala",
        "gpu": "Em {gpu}: uma frase {warm}, 8 frases {batch}, um passo {step}.",
        "machine": (
            "{sections}: {date}, {cpu}, {cores} núcleos, {threads} threads, {memory_gb} GB; PyTorch {torch}; carga "
            "média no máximo {load}."
        ),
    },
}


def f5_tables(result: Mapping[str, Any], page: str) -> str:
    """All that one page says of F5-TTS, and the machines it was measured on."""
    sections, ratios, words = result["sections"], result["ratios"], WORDS[page]
    rows = [words["figures"], rule(6)]
    for name, least in AT_LEAST.items():
        if ratios[name] is not None:
            runs = sections[SECTION_OF[name]]
            times = " | ".join(spread(seconds(runs[who]), "{:.1f}") for who in ("escuta", "f5-tts"))
            met = words["yes" if ratios[name] >= least else "no"]
            rows.append(f"| {words[name]} | {times} | {ratios[name]:.1f} × | ≥ {least:g} × | {met} |")
    if (memory := ratios["memory_over_peer"]) is not None:
        most = (max(one["peak_bytes"] for one in sections["warm"][who]) for who in ("escuta", "f5-tts"))
        sizes = " | ".join(f"{one / 1e9:.2f} GB" for one in most)
        met = words["yes" if memory <= MEMORY_AT_MOST else "no"]
        rows.append(f"| {words['memory_over_peer']} | {sizes} | {memory:.2f} | ≤ {MEMORY_AT_MOST:g} | {met} |")
    parts = ["\n".join(rows)]
    if "gpu" in sections:
        found = sections["gpu"]
        speeds = {name: spread(seconds(found[name])) for name in ("warm", "batch", "step")}
        parts.append(words["gpu"].format(gpu=found["machine"]["gpu"], **speeds))
    return f"{joined(parts, page)}\n\n{machines(sections, words)}"
