"""The blind test of a run: which of two checkpoints said a sentence better, asked without names."""

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from escuta.messages import _, _n
from escuta.report.answers import Answer, AnswerFile, read_answers
from escuta.report.contenders import Contender, choose_contenders, contenders
from escuta.report.levels import matched_wavs
from escuta.report.ranking import Comparison, Preferred, Ranking, rank
from escuta.run.folder import RunFolder

MOST_OPEN = 6
"""Questions that can still be answered: the one on the screen, the next, and those before to correct."""
LIKELY, CERTAIN = 0.8, 0.95
"""Chances to be the best from which on the page says so."""


@dataclass(frozen=True)
class Question:
    """One pair to listen to."""

    run: RunFolder
    key: str
    """Random, so that nobody reads in it what is heard."""
    text: str
    first: Contender
    second: Contender

    @cached_property
    def sounds(self) -> tuple[bytes, bytes]:
        """Both as wav files, equally loud.

        Raises:
            AudioError: One cannot be read.
        """
        first, second = (self.run.samples / one.files[self.text] for one in (self.first, self.second))
        return matched_wavs(first, second)


class BlindTest:
    """Asks, stores and ranks; may be called from several threads.

    Args:
        run: The run.
        view: What the page shows of the run now, see `view.py`.
        random: Draws pairs that are worth the same, and which is heard as number 1.
    """

    def __init__(self, run: RunFolder, view: Callable[[], Mapping[str, Any]], random: Random | None = None) -> None:
        self.run = run
        self._view = view
        self._random = random or Random(secrets.randbits(64))
        self._open: dict[str, Question] = {}
        self._file: AnswerFile | None = None
        self._lock = threading.Lock()

    def ask(self) -> Question | None:
        """Choose the pair whose answer is worth most; None where no two checkpoints have said the same sentence.

        Raises:
            RunError: Another process takes the answers of this run.
        """
        with self._lock:
            self._file = self._file or AnswerFile(self.run.answers)
            view = self._view()
            answers = self._counting(view)
            there = choose_contenders(view, answers)
            pairs = [(a, b) for n, a in enumerate(there) for b in there[:n] if a.files.keys() & b.files.keys()]
            if not pairs:
                return None
            answered = {answer.question for answer in answers}
            waiting = [one for one in self._open.values() if one.key not in answered]
            worth = _worth(there, answers, waiting)
            self._random.shuffle(pairs)  # of equals, not always the first; and not always the later as number 1
            pair = max(pairs, key=lambda pair: worth[frozenset((pair[0].name, pair[1].name))])
            first, second = self._random.sample(pair, 2)
            text = self._least_heard(first, second, [*answers, *waiting])
            question = Question(self.run, secrets.token_hex(8), text, first, second)
            self._open[question.key] = question
            for key in list(self._open)[:-MOST_OPEN]:
                del self._open[key]
            return question

    def question(self, key: str) -> Question | None:
        """Find a question that was asked a short while ago."""
        return self._open.get(key)

    def answer(self, question: Question, preferred: Preferred, seconds: float) -> None:
        """Store an answer; one to the same question takes the place of an earlier one.

        Raises:
            RunError: Another process takes the answers of this run.
            OSError: The disk is full.
        """
        with self._lock:
            self._file = self._file or AnswerFile(self.run.answers)
            self._file.append(
                Answer(
                    question=question.key,
                    text=question.text,
                    first=question.first.name,
                    second=question.second.name,
                    first_weights=question.first.weights,
                    second_weights=question.second.weights,
                    preferred=preferred,
                    seconds=round(seconds, 2),
                )
            )

    def export_folder(self, name: str) -> Path | None:
        """Where the checkpoint `name` is exported to; other weights of that name to another folder. None: not known."""
        found = next((one for one in contenders(self._view()) if one.name == name), None)
        return self.run.exports / f"{name}_{found.weights}" if found else None

    def num_answers(self) -> int:
        """Count the answers that the result is made of."""
        return len(self._counting(self._view()))

    def result(self) -> dict[str, Any]:
        """What all answers say so far, beside losses and scores, the most preferred first; plain data for the page.

        `answers`, `verdict` (words), `scores` (titles) and `rows`: `name`, `title`, `answers`, `share`, `low`, `high`,
        `chance`, `val_loss`, `scores`, `best` (what else chose it, in words), `kept` (its checkpoint is there).
        """
        view = self._view()
        answers = self._counting(view)
        heard = Counter(name for answer in answers for name in (answer.first, answer.second))
        there = [one for one in contenders(view) if one.name in heard]
        if not there:
            return {"answers": 0, "verdict": _("Nobody has answered yet."), "scores": [], "rows": []}
        columns = [number for number, score in enumerate(view["scores"]) if score["main"]]
        known = {checkpoint["name"]: checkpoint for checkpoint in view["checkpoints"]}
        rows = [
            {
                "name": one.name,
                "title": one.title,
                "answers": heard[one.name],
                "share": rating.share,
                "low": rating.low,
                "high": rating.high,
                "chance": rating.chance_best,
                "val_loss": known[one.name]["val_loss"],
                "scores": [_at(known[one.name]["means"], column) for column in columns],
                "best": _other_choices(view, one.name),
                "kept": self.run.checkpoint(one.name).is_file(),
            }
            for one, rating in zip(there, _rank(there, answers).ratings(), strict=True)
        ]
        rows.sort(key=lambda row: -row["share"])
        return {
            "answers": len(answers),
            "verdict": verdict(rows[0]["title"], rows[0]["chance"], len(answers)),
            "scores": [view["scores"][column]["title"] for column in columns],
            "rows": rows,
        }

    def close(self) -> None:
        """Let another process answer."""
        with self._lock:
            if self._file:
                self._file.close()
                self._file = None

    def _counting(self, view: Mapping[str, Any]) -> list[Answer]:
        """The answers about samples that are still of the same weights."""
        weights = {one.name: one.weights for one in contenders(view)}
        return [
            answer
            for answer in read_answers(self.run.answers)
            if weights.get(answer.first) == answer.first_weights and weights.get(answer.second) == answer.second_weights
        ]

    def _least_heard(self, first: Contender, second: Contender, heard: Sequence[Answer | Question]) -> str:
        """A sentence that this pair was asked about least, and of these one that was asked about least at all."""
        texts = sorted(first.files.keys() & second.files.keys())
        self._random.shuffle(texts)
        pair = {first.name, second.name}
        anyhow = Counter(one.text for one in heard)
        of_pair = Counter(one.text for one in heard if {_name(one.first), _name(one.second)} == pair)
        return min(texts, key=lambda text: (of_pair[text], anyhow[text]))


def verdict(title: str, chance: float, num_answers: int) -> str:
    """Say in words how clear it is that the first is the best."""
    answers = _n("{n} answer", "{n} answers", num_answers).format(n=num_answers)
    if chance >= CERTAIN:
        return _("{answers}: {title} is the best by ear ({chance:.0%}).").format(
            answers=answers, title=title, chance=chance
        )
    if chance >= LIKELY:
        return _("{answers}: {title} is probably the best by ear ({chance:.0%}); more would make it sure.").format(
            answers=answers, title=title, chance=chance
        )
    return _("{answers}: not decided yet; {title} leads ({chance:.0%}).").format(
        answers=answers, title=title, chance=chance
    )


def _rank(there: Sequence[Contender], answers: Sequence[Answer]) -> Ranking:
    numbers = {one.name: number for number, one in enumerate(there)}
    known = [one for one in answers if one.first in numbers and one.second in numbers]
    return rank(len(there), [Comparison(numbers[one.first], numbers[one.second], one.preferred) for one in known])


def _worth(
    there: Sequence[Contender], answers: Sequence[Answer], waiting: Sequence[Question]
) -> dict[frozenset[str], float]:
    """What an answer about each pair is worth, once those are there that were asked for."""
    ranking = _rank(there, answers)
    numbers = {one.name: number for number, one in enumerate(there)}
    for one in waiting:
        if one.first.name in numbers and one.second.name in numbers:
            ranking = ranking.awaiting(numbers[one.first.name], numbers[one.second.name])
    worth_CC = ranking.worth_CC()
    return {frozenset((a, b)): float(worth_CC[i, j]) for a, i in numbers.items() for b, j in numbers.items()}


def _other_choices(view: Mapping[str, Any], name: str) -> list[str]:
    chosen = {"val_loss": _("lowest val_loss"), "score": _("best by score")}
    return [words for by, words in chosen.items() if view["best"][by] == name]


def _name(one: Contender | str) -> str:
    return one if isinstance(one, str) else one.name


def _at(means: Sequence[float | None], column: int) -> float | None:
    return means[column] if column < len(means) else None
