import math
from dataclasses import replace

import numpy as np
import pytest

from escuta.scoring.scored import Scored
from escuta.scoring.spread import Deviation, difference, is_better, spread_of
from scored_samples import TEXTS, scored


def test_the_spread_is_pooled_over_sentences_and_checkpoints():
    first = scored(naturalness=[(3.0, 4.0), (2.0, 2.0, 5.0)])
    second = scored("epoch_2", naturalness=[(1.0, 1.0)])

    spread = spread_of([first, second])

    assert spread == {"naturalness": Deviation(pytest.approx(math.sqrt((0.5 + 6.0 + 0.0) / 4)), degrees=4)}


def test_without_several_seeds_nothing_is_known_of_the_spread():
    assert spread_of([scored(naturalness=3.0), scored("epoch_2", naturalness=4.0)]) == {}


@pytest.mark.parametrize(("degrees", "quantile"), [(3, 3.182), (4, 2.776), (8, 2.306), (30, 2.042), (1000, 1.962)])
def test_few_seeds_make_a_wide_margin(degrees, quantile):  # quantiles of Student's t from any printed table
    assert Deviation(1.0, degrees).margin(1, 1) == pytest.approx(quantile * math.sqrt(2), rel=0.003)


def test_a_difference_counts_beyond_the_noise_of_seeds_and_not_within():
    spread = {"naturalness": Deviation(0.2, 30)}  # of 8 sentences: 2.04 * 0.2 * sqrt(2 / 8) = 0.204
    one, near, far = (scored(naturalness=value) for value in (3.5, 3.31, 3.29))

    assert difference("naturalness", one, far, spread) == pytest.approx((0.21, 0.21 - 0.204, 0.21 + 0.204), abs=1e-3)
    assert is_better("naturalness", one, far, spread)
    assert not is_better("naturalness", one, near, spread)
    assert not is_better("naturalness", far, one, spread)


def test_more_seeds_of_a_sentence_make_its_mean_surer():
    spread = {"naturalness": Deviation(0.2, 30)}
    one, other = scored(naturalness=3.5), scored(naturalness=3.31)
    spoken_often = replace(other, scores={"naturalness": dict.fromkeys(TEXTS, (3.31,) * 3)})

    assert not is_better("naturalness", one, other, spread)
    assert is_better("naturalness", one, spoken_often, spread)


def test_lower_is_better_where_a_score_says_so_and_neither_where_it_says_that():
    low, high = scored(character_error_rate=0.1, f0_median=90.0), scored(character_error_rate=0.3, f0_median=200.0)
    spread = {"character_error_rate": Deviation(0.01, 30), "f0_median": Deviation(1.0, 30)}

    assert is_better("character_error_rate", low, high, spread)
    assert not is_better("character_error_rate", high, low, spread)
    assert not is_better("f0_median", low, high, spread)
    assert not is_better("f0_median", high, low, spread)


def test_where_the_noise_is_not_known_the_sentences_decide_in_pairs():
    draw = np.random.default_rng(0)
    hard = draw.uniform(2.0, 4.0, len(TEXTS))  # some sentences are harder than others, for both
    one = scored(naturalness=list(hard + 0.2))
    other = scored(naturalness=list(hard + draw.normal(0.0, 0.05, len(TEXTS))))

    assert is_better("naturalness", one, other, {})
    assert not is_better("naturalness", other, one, {})
    mixed = scored(naturalness=list(hard + np.resize([0.5, -0.4], len(TEXTS))))
    assert not is_better("naturalness", mixed, scored(naturalness=list(hard)), {})


def test_of_one_sentence_without_known_noise_nothing_is_said():
    one, other = scored(naturalness=[5.0]), scored(naturalness=[1.0])

    assert difference("naturalness", one, other, {}) is None
    assert not is_better("naturalness", one, other, {})
    assert is_better("naturalness", one, other, {"naturalness": Deviation(0.1, 10)})


def test_only_sentences_that_both_have_said_are_compared():
    one = Scored("a", 1, 4, {"naturalness": {"x": (3.0,), "y": (3.0,), "easy": (5.0,)}})
    other = Scored("b", 2, 8, {"naturalness": {"x": (3.0,), "y": (3.0,), "hard": (1.0,)}})

    assert difference("naturalness", one, other, {}) == (0.0, 0.0, 0.0)
    assert difference("naturalness", one, Scored("c", 3, 12), {}) is None
