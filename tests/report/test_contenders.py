from typing import Any

from escuta.report.answers import Answer
from escuta.report.contenders import MOST_CONTENDERS, choose_contenders, contenders

TEXTS = ["Seven old sailors.", "O pão."]


def checkpoint(name: str, *, weights: str = "", files: tuple[str, ...] = ("a.wav", "b.wav")) -> dict[str, Any]:
    takes = [{"sentence": number, "file": f"{name}_{file}", "seed": 0} for number, file in enumerate(files) if file]
    further = [{"sentence": 0, "file": f"{name}_seed_3.wav", "seed": 3}] if takes else []
    return {"name": name, "title": name.upper(), "weights": weights or name, "takes": takes + further}


def view(*checkpoints: dict[str, Any], val_loss: str = "", score: str = "") -> dict[str, Any]:
    best = {"val_loss": val_loss, "score": score, "reason": ""}
    return {"sentences": TEXTS, "checkpoints": list(checkpoints), "best": best}


def long_view(epochs: int, **best: str) -> dict[str, Any]:
    return view(*(checkpoint(f"epoch_{number}") for number in range(epochs + 1)), **best)


def answer(first: str, second: str) -> Answer:
    fixed = {"question": f"{first}{second}", "text": TEXTS[0], "preferred": "tie", "seconds": 3.0}
    return Answer(first=first, second=second, first_weights=first, second_weights=second, **fixed)


def names(view: dict[str, Any], *answers: Answer) -> list[str]:
    return [one.name for one in choose_contenders(view, answers)]


def test_who_has_spoken_is_a_contender_with_the_runs_own_seed() -> None:
    (one,) = contenders(view(checkpoint("epoch_1"), checkpoint("epoch_2", files=())))

    assert one.files == {TEXTS[0]: "epoch_1_a.wav", TEXTS[1]: "epoch_1_b.wav"}
    assert (one.name, one.title, one.weights) == ("epoch_1", "EPOCH_1", "epoch_1")


def test_a_missing_file_is_not_compared() -> None:
    (one,) = contenders(
        view(
            {
                **checkpoint("epoch_1", files=("", "b.wav")),
                "takes": [{"sentence": 0, "file": "", "seed": 0}, {"sentence": 1, "file": "b.wav", "seed": 0}],
            }
        )
    )

    assert one.files == {TEXTS[1]: "b.wav"}


def test_of_the_same_weights_only_the_first_is_heard() -> None:
    found = contenders(view(checkpoint("epoch_1", weights="f00"), checkpoint("step_10", weights="f00")))

    assert [one.name for one in found] == ["epoch_1"]


def test_a_few_checkpoints_are_all_compared() -> None:
    assert set(names(long_view(4))) == {f"epoch_{number}" for number in range(5)}


def test_of_many_those_are_compared_that_loss_and_scores_chose_and_others_from_all_over() -> None:
    found = names(long_view(100, val_loss="epoch_31", score="epoch_77"))

    assert len(found) == MOST_CONTENDERS
    assert {"epoch_31", "epoch_77", "epoch_100", "epoch_0"} <= set(found)
    numbers = sorted(
        int(name.partition("_")[2]) for name in set(found) - {"epoch_31", "epoch_77", "epoch_100", "epoch_0"}
    )
    assert 15 < numbers[0] < 35
    assert 65 < numbers[1] < 85


def test_who_was_asked_about_is_asked_about_again() -> None:
    found = names(long_view(100, val_loss="epoch_31"), answer("epoch_50", "epoch_60"), answer("epoch_50", "epoch_70"))

    assert found[:4] == ["epoch_31", "epoch_100", "epoch_0", "epoch_50"]
    assert "epoch_60" in found


def test_answers_about_those_who_are_gone_choose_nobody() -> None:
    assert "epoch_9" not in names(long_view(3), answer("epoch_9", "epoch_1"))
