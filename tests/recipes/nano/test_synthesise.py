import numpy as np
from recipes.nano.synthesise import MARGIN_SECONDS, PEAK, SAMPLE_RATE, trim, unlearned_first


def tone(seconds: float, level: float) -> np.ndarray:
    return level * np.sin(np.arange(round(seconds * SAMPLE_RATE)) * 0.1).astype(np.float32)


def test_quiet_ends_are_shortened_and_pauses_kept():
    quiet, word = np.zeros(SAMPLE_RATE, np.float32), tone(0.5, 0.3)
    trimmed = trim(np.concatenate([quiet, word, quiet, word, quiet]))
    assert abs(len(trimmed) / SAMPLE_RATE - (2 + 2 * MARGIN_SECONDS)) < 0.03


def test_loud_speech_is_turned_down_and_soft_speech_left_alone():
    assert np.isclose(np.abs(trim(tone(1, 1.5))).max(), PEAK)
    assert np.isclose(np.abs(trim(tone(1, 0.2))).max(), 0.2, atol=0.01)


def test_silence_stays_silence():
    assert not trim(np.zeros(SAMPLE_RATE, np.float32)).any()


def test_nothing_remains_of_what_is_no_number():
    assert trim(np.append(tone(1, 0.3), np.nan)).size == 0


def test_what_the_model_that_ships_did_not_learn_from_is_spoken_first_and_what_espeak_says_is_not():
    plan = [{"id": id_, "split": "train"} for id_ in ("held", "a", "b", "c")] + [{"id": "d", "split": "spelling"}]
    manifest = [{"id": "held", "split": "held_out"}, {"id": "a", "split": "train"}, {"id": "c", "split": "train"}]
    assert [row["id"] for row in unlearned_first(plan, manifest)] == ["held", "b", "a", "c"]
