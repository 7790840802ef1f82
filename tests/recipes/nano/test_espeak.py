from itertools import chain

import numpy as np
import pytest
from recipes.nano.clips import find_clips
from recipes.nano.espeak import Espeak
from recipes.nano.work import read_rows, write_rows

from recipes.nano import espeak, voices


def seconds(wav_T: np.ndarray) -> float:
    return len(wav_T) / 24000


def test_it_says_a_text_in_every_voice_and_quicker_when_asked():
    library, text = Espeak(), "The customer was not served."
    for accent in chain(*voices.ACCENTS.values()):
        for variant in voices.ESPEAK:
            assert 1 < seconds(library.speak(text, f"{accent}+{variant}@50", 1.0)) < 4
    assert seconds(library.speak(text, "en-us+m1@50", 1.1)) < seconds(library.speak(text, "en-us+m1@50", 0.9))


def test_an_unknown_voice_is_named():
    with pytest.raises(ValueError, match=r"xx\+m1@50"):
        Espeak().speak("Hello.", "xx+m1@50", 1.0)


def test_it_says_its_part_of_the_plan_once_and_the_language_model_finds_it(work, monkeypatch):
    plan = list(read_rows(work / "plan.jsonl"))
    spelling = {
        "split": "spelling",
        "language": "en",
        "voice": "en-us+m1@50",
        "speed": 1.0,
        "text": "The customer was not served.",
    }
    write_rows(work / "plan.jsonl", [*plan, *({"id": f"spelling-{number}"} | spelling for number in range(2))])
    spoken = len(list(read_rows(work / "spoken.jsonl")))
    monkeypatch.setattr("sys.argv", ["espeak", "--work", str(work)])
    espeak.main()
    espeak.main()
    assert [clip.id for clip in find_clips(work, ("spelling",))] == ["spelling-0", "spelling-1"]
    assert len(list(read_rows(work / "spoken.jsonl"))) == spoken + 2
