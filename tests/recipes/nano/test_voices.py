import pytest
from recipes.nano.voices import BLENDED, UNHEARD, shares

VOICES = ["af_heart", "af_nicole", "bf_emma", "am_puck", "bm_lewis", "am_michael", "pf_dora", "pm_alex"]


@pytest.mark.parametrize("language", ["en", "pt"])
def test_voices_are_drawn_alone_and_blended_but_never_those_that_are_held_out(language):
    drawn = shares(VOICES, language)
    blended = {voice: share for voice, share in drawn.items() if "+" in voice}
    assert not UNHEARD & {name for voice in drawn for name in voice.split("+")}
    assert sum(drawn.values()) == pytest.approx(1)
    assert sum(blended.values()) == pytest.approx(BLENDED)


def test_blends_are_of_one_sex():
    assert {voice for voice in shares(VOICES, "en") if "+" in voice} == {
        "af_heart+bf_emma",
        "am_puck+bm_lewis",
        "am_puck+pm_alex",
        "bm_lewis+pm_alex",
    }


def test_portuguese_is_mostly_spoken_by_portuguese_voices():
    drawn = shares(VOICES, "pt")
    assert max(drawn, key=drawn.__getitem__) == "pm_alex"
