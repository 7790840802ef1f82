"""Plots of a run as SVG inside the page, whose style sheet colours them."""

import math
from collections.abc import Iterator, Mapping

from markupsafe import Markup, escape

from escuta.messages import _

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 72, 620, 16, 232
"""Edges of the area that curves are drawn in."""

Losses = Mapping[int, float | None]
"""By epoch; None and NaN leave a gap."""


def loss_plot(train_loss: Losses, val_loss: Losses, best: int | None = None) -> Markup:
    """Draw both losses over epochs; the val_loss of epoch 0, the base model, is a dashed line to get below.

    Args:
        train_loss: By epoch.
        val_loss: By epoch.
        best: The epoch to mark.

    Returns:
        An SVG element; nothing when there is no loss to draw.
    """
    train, val = _finite(train_loss), _finite(val_loss)
    losses = [*train.values(), *val.values()]
    if not losses:
        return Markup()
    first, last = min([*train, *val]), max([*train, *val])
    margin = (max(losses) - min(losses)) * 0.06 or abs(losses[0]) * 0.06 or 1.0
    axes = _Axes(first, max(last, first + 1), min(losses) - margin, max(losses) + margin)
    parts = [
        f"<title id='loss-title'>{escape(_('Loss by epoch'))}</title>",
        f"<desc id='loss-desc'>{escape(_describe(val, first, last, best))}</desc>",
        *axes.draw(),
        *_curve("train", "train_loss", train, axes),
        *_curve("val", "val_loss", val, axes),
    ]
    if 0 in val:
        parts.append(f"<path class='base' d='M{LEFT} {axes.y(val[0]):.1f}H{RIGHT}'/>")
    if best is not None and best in val:
        x, y = axes.x(best), axes.y(val[best])
        parts.append(f"<text class='best' x='{x:.1f}' y='{y:.1f}' dy='.35em'>★</text>")
    return Markup(
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-labelledby='loss-title loss-desc'>{''.join(parts)}</svg>"
    )


def tick_labels(low: float, high: float, *, most: int, whole: bool = False) -> list[str]:
    """Write the round numbers between `low` and `high`, about `most` of them at most.

    They are 1, 2 or 5 times a power of ten apart, and with `whole` at least 1.
    """
    rough = max((high - low) / (most - 1), 1.0 if whole else 0.0)
    power = math.floor(math.log10(rough))
    factor = next(factor for factor in (1, 2, 5, 10) if factor * 10.0**power >= rough * (1 - 1e-9))
    step = factor * 10.0**power
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    numbers = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return [f"{number * step:.{decimals}f}" for number in numbers]


class _Axes:
    """Where values lie on the paper."""

    def __init__(self, first: int, last: int, low: float, high: float) -> None:
        self.first, self.last, self.low, self.high = first, last, low, high

    def x(self, epoch: float) -> float:
        return LEFT + (epoch - self.first) / (self.last - self.first) * (RIGHT - LEFT)

    def y(self, loss: float) -> float:
        return BOTTOM - (loss - self.low) / (self.high - self.low) * (BOTTOM - TOP)

    def draw(self) -> Iterator[str]:
        for label in tick_labels(self.low, self.high, most=8):
            y = self.y(float(label))
            yield f"<path class='grid' d='M{LEFT} {y:.1f}H{RIGHT}'/>"
            yield f"<text class='tick loss' x='{LEFT - 10}' y='{y:.1f}' dy='.35em'>{label}</text>"
        for label in tick_labels(self.first, self.last, most=9, whole=True):
            yield f"<text class='tick' x='{self.x(float(label)):.1f}' y='{BOTTOM + 22}'>{label}</text>"
        yield f"<text class='tick' x='{(LEFT + RIGHT) / 2}' y='{HEIGHT - 4}'>{escape(_('epoch'))}</text>"


def _curve(style: str, name: str, losses: Mapping[int, float], axes: _Axes) -> Iterator[str]:
    """Draw lines between neighbours, and a dot an epoch that tells its number when pointed at."""
    points = {epoch: f"{axes.x(epoch):.1f} {axes.y(loss):.1f}" for epoch, loss in sorted(losses.items())}
    line = "".join(f"{'L' if epoch - 1 in points else 'M'}{point}" for epoch, point in points.items())
    yield f"<path class='{style}' d='{line}'/>"
    for epoch, loss in losses.items():
        about = escape(_("epoch {epoch}: {name} {loss:.4f}").format(epoch=epoch, name=name, loss=loss))
        x, y = points[epoch].split()
        yield f"<circle class='{style}' cx='{x}' cy='{y}' r='3'><title>{about}</title></circle>"


def _describe(val: Mapping[int, float], first: int, last: int, best: int | None) -> str:
    words = [_("Epochs {first} to {last}.").format(first=first, last=last)]
    if 0 in val:
        words.append(_("val_loss of the base model: {loss:.4f}.").format(loss=val[0]))
    if best is not None and best in val:
        words.append(_("Lowest val_loss: {loss:.4f} at epoch {epoch}.").format(loss=val[best], epoch=best))
    if last in val:
        words.append(_("Last val_loss: {loss:.4f}.").format(loss=val[last]))
    return " ".join(words)


def _finite(losses: Losses) -> dict[int, float]:
    return {epoch: loss for epoch, loss in losses.items() if loss is not None and math.isfinite(loss)}
