import math
from xml.etree import ElementTree

import pytest

from escuta.report.plots import BOTTOM, LEFT, RIGHT, TOP, loss_plot, tick_labels

VAL = {0: 4.5, 1: 3.5, 2: 3.0, 3: 3.25}
TRAIN = {0: None, 1: 4.0, 2: 3.0, 3: 2.5}


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCUTA_LANG", "en")


def draw(train: dict[int, float | None], val: dict[int, float | None], best: int | None = None) -> ElementTree.Element:
    return ElementTree.fromstring(loss_plot(train, val, best))


def dots(plot: ElementTree.Element, style: str) -> list[tuple[float, float]]:
    return [(float(dot.get("cx")), float(dot.get("cy"))) for dot in plot.iterfind(f"circle[@class='{style}']")]


def line(plot: ElementTree.Element, style: str) -> str:
    return plot.find(f"path[@class='{style}']").get("d")


def test_losses_lie_where_the_ticks_say() -> None:
    plot = draw(TRAIN, VAL)
    ticks = {tick.text: float(tick.get("y")) for tick in plot.iterfind("text[@class='tick loss']")}
    (x0, y0), *_others, (x3, _y3) = dots(plot, "val")
    assert (x0, x3) == (LEFT, RIGHT)
    assert y0 == pytest.approx(ticks["4.5"], abs=0.11)
    assert dots(plot, "train")[1] == pytest.approx(dots(plot, "val")[2])
    assert all(TOP <= y <= BOTTOM for y in ticks.values())


def test_the_base_model_is_a_dashed_line_across() -> None:
    plot = draw(TRAIN, VAL)
    assert line(plot, "base") == f"M{LEFT} {dots(plot, 'val')[0][1]}H{RIGHT}"
    assert draw(TRAIN, {1: 3.5, 2: 3.0}).find("path[@class='base']") is None


def test_the_best_epoch_is_marked_where_it_lies() -> None:
    plot = draw(TRAIN, VAL, best=2)
    star = plot.find("text[@class='best']")
    assert (float(star.get("x")), float(star.get("y"))) == dots(plot, "val")[2]
    assert draw(TRAIN, VAL).find("text[@class='best']") is None


def test_epochs_without_a_number_leave_a_gap() -> None:
    plot = draw({1: 4.0, 2: math.nan, 3: 3.0, 4: 2.5, 6: math.inf}, {})
    assert len(dots(plot, "train")) == 3
    assert [len(part.split("L")) for part in line(plot, "train").split("M")[1:]] == [1, 2]


@pytest.mark.parametrize("val", [{0: 4.5}, {1: 0.0}, {7: 2.0}])
def test_a_single_loss_is_a_dot_within_the_axes(val: dict[int, float | None]) -> None:
    ((x, y),) = dots(draw({}, val), "val")
    assert LEFT <= x <= RIGHT
    assert TOP < y < BOTTOM


def test_without_any_loss_there_is_no_plot() -> None:
    assert loss_plot({0: None}, {0: math.nan}) == ""


def test_the_plot_is_told_in_words() -> None:
    plot = draw(TRAIN, VAL, best=2)
    assert plot.get("role") == "img"
    title, description = plot.find("title"), plot.find("desc")
    assert plot.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
    assert title.text == "Loss by epoch"
    assert description.text == (
        "Epochs 0 to 3. val_loss of the base model: 4.5000. Lowest val_loss: 3.0000 at epoch 2. Last val_loss: 3.2500."
    )
    assert plot.find("circle[@class='train']/title").text == "epoch 1: train_loss 4.0000"


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (2.4, 5.1, 8, ["2.5", "3.0", "3.5", "4.0", "4.5", "5.0"]),
        (0.0, 1.0, 6, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-0.3, 0.3, 4, ["-0.2", "0.0", "0.2"]),
        (0.01, 0.034, 6, ["0.010", "0.015", "0.020", "0.025", "0.030"]),
        (900, 4100, 5, ["1000", "2000", "3000", "4000"]),
    ],
)
def test_ticks_are_round(low: float, high: float, most: int, expected: list[str]) -> None:
    assert tick_labels(low, high, most=most) == expected


@pytest.mark.parametrize("last", [1, 2, 9, 10, 37, 400])
def test_ticks_of_epochs_are_whole_and_few(last: int) -> None:
    ticks = tick_labels(0, last, most=9, whole=True)
    assert all(tick == str(int(tick)) for tick in ticks)
    assert 2 <= len(ticks) <= 10
