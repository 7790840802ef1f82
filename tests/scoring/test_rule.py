import random

import pytest

from escuta.scoring.rule import Choice, Yardstick, choose, ranked
from escuta.scoring.spread import Deviation
from scored_samples import scored

SPREAD = {
    "speaker_similarity": Deviation(0.01, 30),  # of 8 sentences, differences above 0.0102 count
    "character_error_rate": Deviation(0.01, 30),
    "naturalness": Deviation(0.1, 30),  # above 0.102
}


def checkpoint(name, similarity=0.85, errors=0.05, naturalness=3.5, val_loss=2.0):
    scores = {"speaker_similarity": similarity, "character_error_rate": errors, "naturalness": naturalness}
    return scored(name, val_loss=val_loss, **{name: value for name, value in scores.items() if value is not None})


def best(*checkpoints, base=None, spread=SPREAD):
    shuffled = [random.Random(seed).sample(checkpoints, len(checkpoints)) for seed in range(4)]
    choices = [choose(in_this_order, Yardstick(base, spread)) for in_this_order in shuffled]
    assert all(choice == choices[0] for choice in choices)  # their order is no reason
    return choices[0]


def name_of_best(*checkpoints, **more):
    return best(*checkpoints, **more).best.name


def test_fewest_errors_win_among_those_that_sound_like_the_speaker():
    few, many = checkpoint("epoch_1", errors=0.02), checkpoint("epoch_2", errors=0.06, naturalness=4.5, val_loss=1.0)
    other_voice = checkpoint("epoch_3", similarity=0.7, errors=0.0, naturalness=4.5)

    choice = best(few, many, other_voice)

    assert choice.best is few
    assert choice.reason == (
        "2 of 3 sound enough like the speaker (similarity 0.80 or more, up to noise); "
        "Character error rate is best at 0.020, beyond the noise"
    )


def test_where_errors_cannot_be_told_apart_the_most_natural_wins():
    plain = checkpoint("epoch_1", errors=0.050, naturalness=3.4, val_loss=1.0)
    natural = checkpoint("epoch_2", errors=0.058, naturalness=3.8)

    choice = best(plain, natural)

    assert choice.best is natural
    assert choice.reason == (
        "Character error rate: 2 of 2 cannot be told from the best, 0.050; "
        "Naturalness is best at 3.800, beyond the noise"
    )


def test_ties_go_to_the_lowest_val_loss():
    checkpoints = [checkpoint(f"epoch_{n}", errors=0.05 + n / 1000, val_loss=2.0 - n / 10) for n in range(1, 5)]

    choice = best(*checkpoints)

    assert choice.best.name == "epoch_4"
    assert choice.reason.endswith("val_loss decided among the 4 that were left")


def test_without_val_loss_the_plain_numbers_decide_a_tie_and_then_the_earlier():
    later = checkpoint("epoch_2", errors=0.049, val_loss=None)
    earlier = checkpoint("epoch_1", errors=0.050, val_loss=None)

    assert name_of_best(earlier, later) == "epoch_2"
    assert name_of_best(earlier, checkpoint("epoch_2", errors=0.050, val_loss=None)) == "epoch_1"


def test_the_floor_is_half_of_what_training_gained():
    base = checkpoint("epoch_0", similarity=0.6)
    closest = checkpoint("epoch_3", similarity=0.9, errors=0.08)
    half_way, barely = (checkpoint("epoch_2", similarity=0.76), checkpoint("epoch_1", similarity=0.74, errors=0.01))

    assert name_of_best(closest, half_way, barely, base=base) == "epoch_2"
    assert name_of_best(closest, half_way, barely) == "epoch_3"  # without the base, 0.05 below the closest


def test_a_floor_counts_only_beyond_the_noise():
    noisy = SPREAD | {"speaker_similarity": Deviation(0.2, 30)}
    closest, other = checkpoint("epoch_1", similarity=0.9), checkpoint("epoch_2", similarity=0.8, errors=0.01)

    assert name_of_best(closest, other) == "epoch_1"
    assert name_of_best(closest, other, spread=noisy) == "epoch_2"


def test_scores_that_nobody_has_are_passed_over():
    natural = checkpoint("epoch_2", None, None, 4.0)

    assert name_of_best(checkpoint("epoch_1", None, None, 3.0, val_loss=1.0), natural) == "epoch_2"
    unscored = [checkpoint(f"epoch_{n}", None, None, None, val_loss=n) for n in (2, 1, 3)]
    choice = best(*unscored)
    assert choice.best.name == "epoch_1"
    assert choice.reason == "val_loss decided among the 3 that were left"


def test_what_was_not_measured_does_not_beat_what_was():
    measured, not_yet = checkpoint("epoch_1", errors=0.3), checkpoint("epoch_2", errors=None, naturalness=5.0)

    assert name_of_best(measured, not_yet) == "epoch_1"
    assert name_of_best(measured, checkpoint("epoch_2", similarity=None, errors=0.0)) == "epoch_1"


def test_the_only_one_is_the_best():
    assert best(checkpoint("epoch_1")) == Choice(checkpoint("epoch_1"), "the only one that was scored")


@pytest.mark.parametrize("spread", [SPREAD, {}])
def test_the_order_goes_from_the_best_to_the_worst(spread):
    ladder = [checkpoint(f"epoch_{n}", 0.9 - n / 20, 0.02 * n, 4 - n / 5, val_loss=None) for n in range(1, 9)]
    shuffled = random.Random(3).sample(ladder, len(ladder))

    assert ranked(shuffled, Yardstick(None, spread)) == ladder
    assert ranked(shuffled, Yardstick(None, spread), first=2) == ladder[:2]
