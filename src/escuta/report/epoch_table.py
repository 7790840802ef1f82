"""A run in a few lines: what each epoch came to, and what it cost."""

from collections.abc import Iterable
from dataclasses import dataclass

from escuta.messages import _
from escuta.run.events import read_events
from escuta.run.folder import RunFolder

NOTHING = "–"
"""Stands where nothing was measured."""


@dataclass(slots=True)
class Row:
    """One epoch; 0 is the base model."""

    val_loss: float | None = None
    similarity: float | None = None
    """Of its sample to the voice that is learned."""
    seconds: float | None = None
    """Of its steps."""
    stall_seconds: float = 0.0
    """In which its checkpoint and its sample kept training from going on."""
    best: bool = False
    """Whether its val_loss is the lowest."""


def epoch_table(run: RunFolder) -> list[str]:
    """Lines of a table: val_loss, similarity, seconds and stall of every epoch; a star is at the lowest val_loss."""
    heads = [_("epoch"), "val_loss", _("similarity"), _("seconds"), _("stall, ms")]
    cells = [heads]
    for epoch, row in sorted(read_rows(run).items()):
        star = "⭐" if row.best else ""
        cells.append(
            [
                f"{epoch}{star}",
                _number(row.val_loss, 4),
                _number(row.similarity, 3),
                _number(row.seconds, 1),
                f"{1000 * row.stall_seconds:.0f}",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["   " + "   ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]


def read_rows(run: RunFolder) -> dict[int, Row]:
    """What the events of a run tell of its epochs, the later word of two."""
    rows: dict[int, Row] = {}
    for event in read_events(run.events):
        epoch = event.get("epoch")
        if not isinstance(epoch, int):
            continue
        match event:
            case {"event": "epoch"}:
                row = rows.setdefault(epoch, Row())
                if row.val_loss is not None:  # done again, after a resume
                    row.stall_seconds = 0.0
                row.val_loss, row.seconds = event.get("val_loss"), event.get("seconds")
            case {"event": "checkpoint" | "sample_asked", "stall_seconds": int() | float() as seconds}:
                rows.setdefault(epoch, Row()).stall_seconds += seconds
            case {"event": "scored", "name": str(name), "mean": dict(mean)} if name == f"epoch_{epoch}":
                rows.setdefault(epoch, Row()).similarity = mean.get("speaker_similarity")
    _mark_best(rows.values())
    return rows


def _mark_best(rows: Iterable[Row]) -> None:
    lowest = min((row.val_loss for row in rows if row.val_loss is not None), default=None)
    for row in rows:
        row.best = row.val_loss is not None and row.val_loss == lowest


def _number(value: float | None, digits: int) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"
