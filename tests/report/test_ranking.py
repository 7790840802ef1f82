from itertools import combinations
from random import Random

import numpy as np
import pytest

from escuta.report.ranking import Comparison, Preferred, Ranking, rank

STRENGTHS = (-1.5, -0.5, 0.5, 1.5)
TIES = -0.5


def listen(random: Random, strengths: tuple[float, ...], first: int, second: int) -> Comparison:
    """What somebody who hears `strengths`, and sometimes no difference, answers about a pair."""
    apart = strengths[first] - strengths[second]
    kinds: list[Preferred] = ["first", "tie", "second"]
    return Comparison(first, second, random.choices(kinds, np.exp([apart / 2, TIES, -apart / 2]).tolist())[0])


def answers_of(num_answers: int, seed: int) -> list[Comparison]:
    random = Random(seed)
    return [listen(random, STRENGTHS, *random.sample(range(len(STRENGTHS)), 2)) for _ in range(num_answers)]


def test_strengths_of_a_simulated_listener_are_found() -> None:
    found = rank(len(STRENGTHS), answers_of(4000, seed=1))

    assert found.strength_C == pytest.approx(STRENGTHS, abs=0.15)
    assert found.ties == pytest.approx(TIES, abs=0.1)


def test_a_share_is_how_often_one_is_preferred_to_a_middling_one() -> None:
    shares = [rating.share for rating in rank(len(STRENGTHS), answers_of(4000, seed=2)).ratings()]

    assert shares == pytest.approx([1 / (1 + np.exp(-strength)) for strength in STRENGTHS], abs=0.03)


def test_intervals_hold_the_truth_nineteen_times_in_twenty() -> None:
    truth = [1 / (1 + np.exp(-strength)) for strength in STRENGTHS]
    held = [
        rating.low <= share <= rating.high
        for seed in range(150)
        for rating, share in zip(rank(4, answers_of(40, seed)).ratings(), truth, strict=True)
    ]

    assert 0.91 < np.mean(held) <= 1


def test_intervals_narrow_with_answers() -> None:
    widths = [
        [rating.high - rating.low for rating in rank(4, answers_of(count, seed=3)).ratings()] for count in (0, 20, 400)
    ]

    assert all(none > some > many for none, some, many in zip(*widths, strict=True))


def test_without_answers_all_are_equal() -> None:
    ratings = rank(3, []).ratings()

    assert [rating.share for rating in ratings] == [0.5, 0.5, 0.5]
    assert [rating.chance_best for rating in ratings] == pytest.approx([1 / 3] * 3, abs=0.03)


def test_one_who_always_wins_is_strong_but_not_beyond_measure() -> None:
    winner, loser = rank(2, [Comparison(0, 1, "first")] * 5).ratings()

    assert 0.6 < winner.share < 0.95
    assert winner.share == pytest.approx(1 - loser.share)
    assert winner.chance_best > 0.9


def test_ties_make_sure_that_two_are_equal() -> None:
    tied = rank(2, [Comparison(0, 1, "tie")] * 30).ratings()
    unknown = rank(2, []).ratings()

    assert tied[0].share == pytest.approx(0.5)
    assert tied[0].high - tied[0].low < unknown[0].high - unknown[0].low
    assert rank(2, [Comparison(0, 1, "tie")] * 30).ties > rank(2, [Comparison(0, 1, "first")] * 30).ties


def test_which_was_heard_first_makes_no_difference() -> None:
    turned: dict[Preferred, Preferred] = {"first": "second", "second": "first", "tie": "tie"}
    answers = answers_of(30, seed=4)
    swapped = [Comparison(one.second, one.first, turned[one.preferred]) for one in answers]

    assert rank(4, swapped).strength_C == pytest.approx(rank(4, answers).strength_C, abs=1e-9)


def test_the_pair_that_is_near_and_little_known_is_worth_most() -> None:
    settled = [Comparison(0, 1, "first")] * 8 + [Comparison(2, 3, "first"), Comparison(3, 2, "first")]
    far = [Comparison(winner, loser, "first") for winner in (2, 3) for loser in (0, 1)] * 4
    worth_CC = rank(4, settled + far).worth_CC()

    assert max(combinations(range(4), 2), key=lambda pair: worth_CC[pair]) == (2, 3)
    assert (np.diag(worth_CC) == 0).all()
    assert worth_CC == pytest.approx(worth_CC.T)


def test_a_pair_that_awaits_its_answer_is_worth_less() -> None:
    now = rank(4, answers_of(10, seed=5))

    assert now.awaiting(0, 1).worth_CC()[0, 1] < now.worth_CC()[0, 1]


def test_asking_about_the_pairs_worth_most_finds_the_best() -> None:
    strengths = (0.0, 0.4, 2.0, 0.8, -1.0, 1.2)

    def found(seed: int) -> int:
        random, answers = Random(seed), list[Comparison]()
        for _ in range(30):
            worth_CC = rank(len(strengths), answers).worth_CC()
            pairs = [(one, other) for one in range(6) for other in range(6) if one != other]
            random.shuffle(pairs)
            # Pairs worth the same must be so on every processor, whatever its last digits.
            answers.append(listen(random, strengths, *max(pairs, key=lambda pair: round(float(worth_CC[pair]), 6))))
        return int(rank(len(strengths), answers).strength_C.argmax())

    winners = [found(seed) for seed in range(20)]
    assert winners.count(2) >= 13
    assert not {0, 4} & set(winners), "the two worst never win"


@pytest.mark.parametrize("pair", [(0, 3), (-1, 0), (1, 1)])
def test_answers_about_nobody_are_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="an answer"):
        rank(3, [Comparison(*pair, "first")])


def test_a_ranking_is_plain_numbers() -> None:
    assert isinstance(rank(2, []), Ranking)
    assert all(isinstance(rating.share, float) for rating in rank(2, []).ratings())
