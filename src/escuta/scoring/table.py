"""A small table of scores for the terminal: the ones that judge, a row a sample or a file."""

from collections.abc import Mapping, Sequence

from escuta.messages import _

COLUMNS = (
    "character_error_rate",
    "speaker_similarity",
    "naturalness",
    "speaking_rate_deviation",
    "repetition",
    "ended",
)
NOTHING = "–"


def table(rows: Sequence[tuple[str, Mapping[str, float]]]) -> list[str]:
    """Lines of a table: a name and its scores a row, and a heading.

    Args:
        rows: Names with scores, as a file has them.
    """
    headings = ("", _("errors"), _("similarity"), _("naturalness"), _("rate off"), _("repeated"), _("ended"))
    cells = [headings, *((name, *(_cell(column, scores) for column in COLUMNS)) for name, scores in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    return ["  ".join(_aligned(row, widths)).rstrip() for row in cells]


def _cell(name: str, scores: Mapping[str, float]) -> str:
    if (value := scores.get(name)) is None:
        return NOTHING
    match name:
        case "character_error_rate" | "ended":
            return f"{100 * value:.1f} %"
        case "speaking_rate_deviation":
            return f"{value:.1f} σ"
        case "repetition":
            return f"{value:.1f} s"
    return f"{value:.3f}" if name == "speaker_similarity" else f"{value:.2f}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The name to the left, numbers to the right."""
    return [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
