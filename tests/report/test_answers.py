import json
from pathlib import Path

import pytest

from escuta.errors import RunError
from escuta.report.answers import Answer, AnswerFile, read_answers
from escuta.report.ranking import Preferred


def answer(question: str = "a1", preferred: Preferred = "first") -> Answer:
    return Answer(
        question=question,
        text="O pão está fresquinho.",
        first="epoch_1",
        second="epoch_3",
        first_weights="165ba8a1",
        second_weights="a93d0d6e",
        preferred=preferred,
        seconds=4.2,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "blind.jsonl"


def test_answers_are_read_as_they_were_stored(path: Path) -> None:
    file = AnswerFile(path)
    file.append(answer("a1"))
    file.append(answer("b2", "tie"))
    file.close()

    assert read_answers(path) == [answer("a1"), answer("b2", "tie")]
    assert json.loads(path.read_text("utf-8").splitlines()[0])["time"] > 1e9


def test_nobody_has_answered_where_there_is_no_file(path: Path) -> None:
    assert read_answers(path) == []


def test_the_later_answer_to_a_question_counts(path: Path) -> None:
    file = AnswerFile(path)
    for one in (answer("a1", "first"), answer("b2"), answer("a1", "second")):
        file.append(one)
    file.close()

    assert read_answers(path) == [answer("a1", "second"), answer("b2")]


def test_a_torn_line_is_passed_over_and_costs_no_other(path: Path) -> None:
    path.write_bytes(b'{"question": "a1", "te')
    file = AnswerFile(path)
    file.append(answer("b2"))
    file.close()

    assert read_answers(path) == [answer("b2")]


def test_lines_of_others_are_passed_over(path: Path) -> None:
    path.write_text('[1]\n{"chosen": "epoch_3"}\n{"question": 3}\n\xff\n', encoding="utf-8")

    assert read_answers(path) == []


def test_only_one_may_answer_at_a_time(path: Path) -> None:
    file = AnswerFile(path)
    with pytest.raises(RunError) as error:
        AnswerFile(path)
    file.close()
    AnswerFile(path).close()

    expected = f"{path}: another `escuta listen` takes answers for this run. Answer there, or end it."
    assert str(error.value) == expected


def test_a_folder_that_cannot_be_written_is_told(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))
    with pytest.raises(RunError, match=r"cannot be written .*\. Check the folder's permissions\.$"):
        AnswerFile(path)

    assert not path.with_name("elsewhere").exists()
