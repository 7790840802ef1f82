"""The figures of nano, and its tables in docs/benchmarks.md, in both languages."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from bench.figures import Sections
from bench.nano_words import WORDS
from bench.table import Words, joined, machines, rule, wide

TARGETS = {
    "cer_en": 0.12,
    "cer_pt": 0.15,
    "similarity_best": 0.75,
    "similarity_gain": 0.10,
    "cer_gain": 0.05,
    "naturalness": 2.5,
    "real_time_factor": 0.2,
}
AT_LEAST = ("similarity_best", "similarity_gain", "naturalness")
PERCENT = ("cer_en", "cer_pt", "cer_gain")


def figures(sections: Sections) -> dict[str, float | None]:
    """All figures; None for what was not measured."""
    spoken, tuned = sections.get("spoken", {}), sections.get("fine_tuned", {})
    base = [*spoken.get("en", []), *spoken.get("pt", [])]
    audio_seconds = sum(row["audio_seconds"] for row in base)
    return {
        "cer_en": _mean(spoken.get("en", []), "character_error_rate"),
        "cer_pt": _mean(spoken.get("pt", []), "character_error_rate"),
        "similarity_epoch0": _mean(tuned.get("epoch_0", []), "speaker_similarity"),
        "similarity_best": _mean(tuned.get("best", []), "speaker_similarity"),
        "cer_finetuned": _mean(tuned.get("best", []), "character_error_rate"),
        "naturalness": _mean(base, "naturalness"),
        "real_time_factor": round(sum(row["seconds"] for row in base) / audio_seconds, 4) if audio_seconds else None,
    }


def nano_tables(result: Mapping[str, Any], page: str) -> str:
    """All that one page says of nano, and the machines it was measured on."""
    sections, words = result["sections"], WORDS[page]
    parts = [_figures(result, words), _voices(sections, words), _epochs(sections, words)]
    return f"{joined(parts, page)}\n\n{machines(sections, words)}"


def _figures(result: Mapping[str, Any], words: Words) -> str:
    values = {name: result.get(name) for name in TARGETS}
    values["similarity_gain"] = _less(result["similarity_best"], result["similarity_epoch0"])
    values["cer_gain"] = _less(result["cer_finetuned"], result["cer_en"])
    lines = [words["figures"], rule(4)]
    for name, value in values.items():
        if value is None:
            continue
        target = TARGETS[name]
        met = value >= target if name in AT_LEAST else value <= target
        sign = "≥" if name in AT_LEAST else "≤"
        hidden = not met and _shown(name, value) == _shown(name, target)  # a miss that rounding would hide
        cells = (_shown(name, value, finer=hidden), f"{sign} {_shown(name, target)}", words["yes" if met else "no"])
        lines.append(f"| {words[name]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _voices(sections: Sections, words: Words) -> str:
    """Every score of everything that was spoken."""
    spoken, tuned = sections.get("spoken", {}), sections.get("fine_tuned", {})
    frozen = {"frozen": rows} if (rows := sections.get("decoder_frozen", {}).get("best")) else {}
    kinds = {"en": spoken, "pt": spoken, "epoch_0": tuned, "frozen": frozen, "best": tuned}
    rows = [
        (
            words[name],
            [_cell(found[name], score) for score in ("character_error_rate", "speaker_similarity", "naturalness")],
        )
        for name, found in kinds.items()
        if name in found
    ]
    heads = [words[name] for name in ("cer", "similarity", "mos")]
    table = wide(words["voices"], ("", heads), rows)
    ceiling = tuned.get("ceiling")
    return table if ceiling is None else f"{table}\n\n{words['ceiling'].format(ceiling=f'{ceiling:.3f}')}"


def _epochs(sections: Sections, words: Words) -> str:
    epochs = sections.get("fine_tuned", {}).get("epochs")
    if not epochs:
        return ""
    rows = [
        ("val_loss", [f"{row['val_loss']:.3f}" for row in epochs.values()]),
        (words["similarity"], [_number(row["similarity"]) for row in epochs.values()]),
        (words["stall"], [f"{1000 * row['stall_seconds']:.0f}" for row in epochs.values()]),
    ]
    minutes = f"{sections['fine_tuned']['seconds'] / 60:.1f}"
    return wide(words["epochs"].format(minutes=minutes), (words["epoch"], epochs), rows)


def _mean(rows: Sequence[Mapping[str, Any]], score: str) -> float | None:
    """Every sentence weighs the same."""
    values = [row["scores"][score] for row in rows if score in row["scores"]]
    return round(mean(values), 4) if values else None


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _cell(rows: Sequence[Mapping[str, Any]], score: str) -> str:
    return _number(_mean(rows, score))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _shown(name: str, value: float, *, finer: bool = False) -> str:
    return f"{100 * value:.{1 + finer}f} %" if name in PERCENT else f"{value:.{2 + finer}f}"
