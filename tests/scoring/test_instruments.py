import subprocess
import sys

from escuta.scoring.catalogue import SCORES
from escuta.scoring.instruments import Instruments, gather
from escuta.settings import ScoreSettings


def test_all_that_is_here_is_loaded_and_named(instruments):
    assert instruments.titles == {
        "character_error_rate": "faster-whisper 1.2.1, whisper-base, int8",
        "speaker_similarity": "resemblyzer 0.1.4",
        "naturalness": "distillmos 0.9.1",
        "f0_median": "swift-f0 0.3.0",
        "f0_range": "swift-f0 0.3.0",
    }
    assert instruments.titles.keys() <= SCORES.keys()


def test_what_is_not_here_is_missing_with_a_reason_and_the_rest_is_there():
    found = gather(ScoreSettings(recogniser="base"), "en", threads=1)

    assert found.recogniser is None
    assert found.missing == {"character_error_rate": "the recogniser base is not here; get it with: escuta score --get"}
    assert found.voice_encoder


def test_a_language_that_nobody_recognises_leaves_the_words_unjudged(whisper):
    found = gather(ScoreSettings(recogniser=str(whisper)), "xx", threads=1)

    assert found.missing == {"character_error_rate": "the recogniser does not know the language xx"}


def test_a_damaged_model_is_missing_and_no_error(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"torn")

    found = gather(ScoreSettings(recogniser=str(tmp_path)), "en", threads=1)

    assert found.recogniser is None
    assert "character_error_rate" in found.missing


def test_a_package_that_is_not_installed_is_named_with_how_to_install_it():
    def make():
        raise ModuleNotFoundError("No module named 'swift_f0'", name="swift_f0")

    instruments = Instruments()
    assert instruments.add(make, ("f0_median",), str) is None
    assert instruments.missing == {
        "f0_median": "swift_f0 is not installed; install it with: pip install 'escuta[scores]'"
    }


def test_nothing_heavy_is_imported_for_it(whisper):
    heavy = {"torchaudio", "librosa", "transformers", "resemblyzer", "distillmos", "scipy"}
    script = (
        "import sys; from escuta.scoring.instruments import gather; from escuta.settings import ScoreSettings; "
        f"assert not gather(ScoreSettings(recogniser={str(whisper)!r}), 'en', 1).missing; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert heavy & set(done.stdout.split()) == set()
