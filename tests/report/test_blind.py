from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from escuta.errors import RunError
from escuta.report.answers import read_answers
from escuta.report.blind import BlindTest, Question, verdict
from escuta.report.view import view
from escuta.run.folder import RunFolder
from listening import TEXTS, make_spoken_run, speak


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCUTA_LANG", "en")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make_spoken_run(tmp_path / "anna", epochs=3)


@pytest.fixture
def blind(run: RunFolder) -> Iterator[BlindTest]:
    blind = begin(run)
    yield blind
    blind.close()


def begin(run: RunFolder, seed: int = 0) -> BlindTest:
    return BlindTest(run, lambda: view(run), Random(seed))


def ask(blind: BlindTest) -> Question:
    question = blind.ask()
    assert question
    return question


def prefer(blind: BlindTest, name: str) -> Question:
    """Answer one question: `name` where it was heard, else no difference."""
    question = ask(blind)
    heard = {question.first.name: "first", question.second.name: "second"}
    blind.answer(question, heard.get(name, "tie"), 3.0)
    return question


def test_two_checkpoints_say_the_same_sentence(blind: BlindTest) -> None:
    for _ in range(12):
        question = ask(blind)
        assert question.first.name != question.second.name
        assert question.text in TEXTS
        assert all(sound.startswith(b"RIFF") for sound in question.sounds)


def test_every_pair_every_order_and_every_sentence_come_up(blind: BlindTest) -> None:
    asked = [prefer(blind, "nobody") for _ in range(24)]

    assert len({frozenset((one.first.name, one.second.name)) for one in asked}) == 6
    assert len({(one.first.name, one.second.name) for one in asked}) > 8
    assert [sum(one.text == text for one in asked) for text in TEXTS] == [12, 12]


def test_pairs_asked_ahead_are_not_asked_twice(blind: BlindTest) -> None:
    asked = [ask(blind) for _ in range(4)]

    assert len({(frozenset((one.first.name, one.second.name)), one.text) for one in asked}) == 4


def test_answers_are_stored_in_the_run_with_the_weights_that_spoke(run: RunFolder, blind: BlindTest) -> None:
    question = ask(blind)
    blind.answer(question, "second", 4.321)
    (stored,) = read_answers(run.answers)

    assert (stored.first, stored.second, stored.text) == (question.first.name, question.second.name, question.text)
    assert (stored.preferred, stored.seconds) == ("second", 4.32)
    assert stored.first_weights == f"{int(stored.first[-1]):08d}"


def test_an_answer_can_be_corrected(run: RunFolder, blind: BlindTest) -> None:
    question = ask(blind)
    blind.answer(question, "first", 1.0)
    blind.answer(question, "tie", 1.0)

    assert [answer.preferred for answer in read_answers(run.answers)] == ["tie"]
    assert blind.num_answers() == 1


def test_the_result_ranks_who_was_preferred_beside_losses(blind: BlindTest) -> None:
    for _ in range(20):
        prefer(blind, "epoch_2")
    result = blind.result()

    assert result["answers"] == 20
    best = result["rows"][0]
    assert (best["name"], best["title"], best["val_loss"], best["kept"]) == ("epoch_2", "Epoch 2", 3.0, True)
    assert best["low"] < best["share"] < best["high"]
    assert [row["share"] for row in result["rows"]] == sorted((row["share"] for row in result["rows"]), reverse=True)
    assert sum(row["answers"] for row in result["rows"]) == 40
    assert sum(row["chance"] for row in result["rows"]) == pytest.approx(1)
    assert result["verdict"].startswith("20 answers: Epoch 2 is ")
    assert {row["name"]: row["best"] for row in result["rows"]}["epoch_3"] == ["lowest val_loss"]
    assert not {row["name"]: row["kept"] for row in result["rows"]}["epoch_0"]


def test_before_any_answer_there_is_no_result(blind: BlindTest) -> None:
    assert blind.result() == {"answers": 0, "verdict": "Nobody has answered yet.", "scores": [], "rows": []}


def test_answers_of_an_earlier_session_count(run: RunFolder, blind: BlindTest) -> None:
    prefer(blind, "epoch_1")
    blind.close()

    assert begin(run).num_answers() == 1


def test_answers_about_other_weights_do_not_count(run: RunFolder, blind: BlindTest) -> None:
    for _ in range(12):
        prefer(blind, "epoch_1")
    about_1 = sum("epoch_1" in (answer.first, answer.second) for answer in read_answers(run.answers))
    record = run.samples / "epoch_1.json"
    record.write_text(record.read_text().replace("00000001", "feedbeef"))

    assert blind.num_answers() == 12 - about_1


def test_a_checkpoint_that_speaks_meanwhile_is_asked_about(run: RunFolder, blind: BlindTest) -> None:
    prefer(blind, "epoch_1")
    speak(run, 4)

    assert "epoch_4" in {name for _ in range(12) for name in _names(prefer(blind, "nobody"))}


def test_one_checkpoint_alone_cannot_be_compared(tmp_path: Path) -> None:
    blind = begin(make_spoken_run(tmp_path / "young", epochs=0))

    assert blind.ask() is None
    blind.close()


def test_a_second_server_may_show_the_result_but_not_ask(run: RunFolder, blind: BlindTest) -> None:
    prefer(blind, "epoch_1")
    other = begin(run)

    with pytest.raises(RunError, match="another `escuta listen` takes answers for this run"):
        other.ask()
    assert other.result()["answers"] == 1


def test_only_the_last_few_questions_can_be_answered(blind: BlindTest) -> None:
    asked = [ask(blind) for _ in range(10)]

    assert blind.question(asked[-1].key) == asked[-1]
    assert blind.question(asked[-2].key) == asked[-2]
    assert blind.question(asked[0].key) is None


def test_other_weights_of_a_name_are_exported_elsewhere(run: RunFolder, blind: BlindTest) -> None:
    assert blind.export_folder("epoch_2") == run.exports / "epoch_2_00000002"
    assert blind.export_folder("epoch_9") is None
    assert blind.export_folder("../epoch_2") is None


def test_the_verdict_is_as_sure_as_the_answers() -> None:
    assert verdict("Epoch 2", 0.97, 40) == "40 answers: Epoch 2 is the best by ear (97%)."
    likely = "20 answers: Epoch 2 is probably the best by ear (85%); more would make it sure."
    assert verdict("Epoch 2", 0.85, 20) == likely
    assert verdict("Epoch 2", 0.5, 1) == "1 answer: not decided yet; Epoch 2 leads (50%)."


def _names(question: Question) -> set[str]:
    return {question.first.name, question.second.name}
