"""Who is preferred, from answers about pairs: Bradley-Terry with ties, a weak prior, and intervals.

An answer about two contenders, whose strengths differ by d, is "the first", "a tie" or "the second" with the odds
exp(d/2) : exp(h) : exp(-d/2); h says how often nobody hears a difference. Strengths are logits: at d = 1 the first is
preferred in 73 % of the answers that are no tie.

Shapes: C contenders, A answers.

Source: R. R. Davidson, "On extending the Bradley-Terry model to accommodate ties", JASA 65 (1970) 317-328.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Preferred: TypeAlias = Literal["first", "second", "tie"]
Floats: TypeAlias = NDArray[np.float64]

PRIOR_LOGITS = 1.5
"""Standard deviation of strengths before any answer: two contenders differ so that one is preferred by nine in ten."""
PRIOR_TIES = 1.0
"""Standard deviation of h."""
NORMAL_95 = 1.96
"""Standard deviations to each side of a mean that hold 95 % of a normal distribution."""
DRAWS = 4_000
LEAST_CHANCE = 0.02
"""Added to everybody's chance to be the best, so that nobody is never asked about."""
MOST_STEPS = 50
"""Newton's method takes about six."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One answer: two contenders by number, and which was preferred."""

    first: int
    second: int
    preferred: Preferred


@dataclass(frozen=True, slots=True)
class Rating:
    """What is known of one contender."""

    share: float
    """Of answers in which it is preferred over a middling contender, ties left aside; 0 to 1."""
    low: float
    high: float
    """Within these it lies, with 95 %."""
    chance_best: float
    """That it is the strongest of all, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the answers say of all contenders."""

    strength_C: Floats
    """In logits, around 0."""
    covariance_CC: Floats
    """How uncertain the strengths are: the inverse of the observed information."""
    ties: float
    """h."""

    def ratings(self) -> list[Rating]:
        """Rate every contender, in the order of their numbers."""
        centre_CC = np.eye(len(self.strength_C)) - 1 / len(self.strength_C)
        middle_C = centre_CC @ self.strength_C
        deviation_C = np.sqrt(np.diag(centre_CC @ self.covariance_CC @ centre_CC))
        shares = (_logistic(middle_C + side * NORMAL_95 * deviation_C).tolist() for side in (0, -1, 1))
        return [Rating(*numbers) for numbers in zip(*shares, self._chances().tolist(), strict=True)]

    def worth_CC(self) -> Floats:
        """What one more answer about each pair is worth; 0 for a contender and itself.

        It is the information that it brings (nats, about all strengths together), which is most for contenders that
        are near in strength and have few answers, times the chance that one of the two is the best.
        """
        apart_CC = self.strength_C[:, None] - self.strength_C[None, :]
        variance_C = np.diag(self.covariance_CC)
        variance_CC = variance_C[:, None] + variance_C[None, :] - 2 * self.covariance_CC
        gain_CC = np.log1p(_information(apart_CC, self.ties) * variance_CC) / 2
        chance_C = self._chances() + LEAST_CHANCE
        worth_CC: Floats = gain_CC * (chance_C[:, None] + chance_C[None, :])
        return worth_CC

    def awaiting(self, first: int, second: int) -> "Ranking":
        """What will be known once a pair that was asked about is answered, however it is."""
        versus_C = np.zeros(len(self.strength_C))
        versus_C[first], versus_C[second] = 1, -1
        information = float(_information(versus_C @ self.strength_C, self.ties))
        spread_C = self.covariance_CC @ versus_C
        shrunk_CC = np.outer(spread_C, spread_C) * information / (1 + information * (versus_C @ spread_C))
        return Ranking(self.strength_C, self.covariance_CC - shrunk_CC, self.ties)

    def _chances(self) -> Floats:
        drawn = np.random.default_rng(0).multivariate_normal(self.strength_C, self.covariance_CC, DRAWS)
        counts_C: Floats = np.bincount(drawn.argmax(axis=1), minlength=len(self.strength_C)) / DRAWS
        return counts_C


def rank(num_contenders: int, answers: Sequence[Comparison]) -> Ranking:
    """Find the strengths that the answers and the prior make most likely.

    Raises:
        ValueError: An answer is about a contender that there is not, or about one and itself.
    """
    if any(not 0 <= one < num_contenders for a in answers for one in (a.first, a.second)):
        raise ValueError(f"an answer names a contender beyond the {num_contenders} there are")
    if any(answer.first == answer.second for answer in answers):
        raise ValueError("an answer compares a contender with itself")
    half_AC = np.zeros((len(answers), num_contenders))
    rows = np.arange(len(answers))
    half_AC[rows, [answer.first for answer in answers]] = 0.5
    half_AC[rows, [answer.second for answer in answers]] = -0.5
    wins_A = np.array([{"first": 1.0, "tie": 0.0, "second": -1.0}[answer.preferred] for answer in answers])
    precision = np.array([PRIOR_LOGITS**-2] * num_contenders + [PRIOR_TIES**-2])

    found = np.zeros(num_contenders + 1)  # strengths, then h
    for _step in range(MOST_STEPS):
        slope, curvature = _derivatives(found, half_AC, wins_A, precision)
        change = np.linalg.solve(curvature, slope)
        found = found + change / max(1.0, float(np.abs(change).max()))  # a longer step could overshoot
        if np.abs(change).max() < 1e-9:
            break
    covariance = np.asarray(np.linalg.inv(_derivatives(found, half_AC, wins_A, precision)[1]), np.float64)
    return Ranking(found[:-1], covariance[:-1, :-1], float(found[-1]))


def _derivatives(found: Floats, half_AC: Floats, wins_A: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """Slope of the log posterior, and its curvature with the sign turned."""
    won_A, tied_A, lost_A = _chances_of(half_AC @ found[:-1] * 2, found[-1])
    expected_A = won_A - lost_A
    slope = np.append(half_AC.T @ (wins_A - expected_A), np.sum((wins_A == 0) - tied_A)) - precision * found
    features = np.column_stack([half_AC, np.zeros(len(half_AC))])
    across = np.zeros((len(found), len(found)))
    across[-1, :-1] = -(half_AC.T @ (expected_A * tied_A))
    curvature = (features.T * (won_A + lost_A - expected_A**2)) @ features + across + across.T + np.diag(precision)
    curvature[-1, -1] += np.sum(tied_A * (1 - tied_A))
    return slope, curvature


def _chances_of(apart: Floats, ties: float) -> tuple[Floats, Floats, Floats]:
    """Chances of the first, a tie and the second, by how far two strengths are apart."""
    logits = np.stack([apart / 2, np.full_like(apart, ties), -apart / 2])
    odds = np.exp(logits - logits.max(axis=0))
    won, tied, lost = odds / odds.sum(axis=0)
    return won, tied, lost


def _information(apart: Floats, ties: float) -> Floats:
    """What one answer tells of how far two strengths are apart (Fisher)."""
    won, _tied, lost = _chances_of(np.asarray(apart), ties)
    information: Floats = (won + lost - (won - lost) ** 2) / 4
    return information


def _logistic(logits: Floats) -> Floats:
    shares: Floats = 1 / (1 + np.exp(-logits))
    return shares
