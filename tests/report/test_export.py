import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from browser import CHROMIUM, browse
from escuta.report.export import OPUS_RATE, export_page, to_opus
from escuta.run.folder import RunFolder
from listening import TEXTS, make_spoken_run
from sounds import SAMPLE_RATE, speechlike, tone


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make_spoken_run(tmp_path / "anna", epochs=2)


def exported(file: Path, *runs: RunFolder) -> dict[str, str]:
    """Write the page of `runs`; return the files inside."""
    assert export_page(runs, file) == file.stat().st_size
    data = re.search(r'id="run">(.*?)</script>', file.read_text("utf-8"), re.DOTALL)
    assert data
    return dict(json.loads(data[1])["files"])


def test_a_sound_is_the_same_sound_in_opus(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.wav", tone(1.0, hertz=440), SAMPLE_RATE)
    opus = to_opus(tmp_path / "tone.wav")
    wav_T, rate = soundfile.read(io.BytesIO(opus))

    assert opus[:4] == b"OggS"
    assert b"OpusHead" in opus[:64]
    assert len(wav_T) / rate == pytest.approx(1.0, abs=0.01)
    crossings = np.sum(np.diff(np.sign(wav_T[rate // 4 : -rate // 4])) > 0)
    assert crossings / 0.5 == pytest.approx(440, abs=6)


def test_twenty_epochs_of_four_sentences_stay_below_15_megabytes(tmp_path: Path) -> None:
    seconds = 7.0
    soundfile.write(tmp_path / "speech.wav", speechlike(seconds), SAMPLE_RATE, subtype="PCM_16")
    bytes_a_sound = len(to_opus(tmp_path / "speech.wav")) * 4 / 3

    assert 30_000 < bytes_a_sound * 8 / seconds < 90_000  # bits a second
    assert 21 * 4 * bytes_a_sound < 10e6


def test_every_sound_and_picture_is_inside_and_nothing_else(run: RunFolder, tmp_path: Path) -> None:
    files = exported(tmp_path / "page.html", run)
    sounds = {f"0/samples/{path.name}" for path in run.samples.glob("*_output*.wav")}

    assert len(sounds) == 6
    assert files.keys() == sounds | {"0/samples/epoch_0_reference.wav"} | {
        f"0/pictures/{path.name}" for path in run.pictures.glob("*.png")
    }
    for name, address in files.items():
        kind, _comma, content = address.partition(",")
        assert kind == ("data:audio/ogg;base64" if name.endswith(".wav") else "data:image/png;base64")
        assert base64.b64decode(content)[:4] in (b"OggS", b"\x89PNG")


def test_the_page_names_no_place_but_itself(run: RunFolder, tmp_path: Path) -> None:
    exported(tmp_path / "page.html", run)
    page = (tmp_path / "page.html").read_text("utf-8")

    assert not re.search(r"<(script|link|img|audio)[^>]*(src|href)=\"(?!data:)", page)
    assert str(run.path.parent) not in page


def test_several_runs_keep_their_sounds_apart(run: RunFolder, tmp_path: Path) -> None:
    files = exported(tmp_path / "page.html", run, make_spoken_run(tmp_path / "bea", epochs=1))

    assert {"0/samples/epoch_1_output.wav", "1/samples/epoch_1_output.wav"} <= files.keys()
    assert "0/samples/epoch_2_output.wav" in files
    assert "1/samples/epoch_2_output.wav" not in files


def test_what_is_missing_or_damaged_is_left_out(run: RunFolder, tmp_path: Path) -> None:
    (run.samples / "epoch_1_output.wav").unlink()
    (run.samples / "epoch_2_output.wav").write_bytes(b"RIFF no sound")
    files = exported(tmp_path / "page.html", run)

    assert "0/samples/epoch_1_output.wav" not in files
    assert "0/samples/epoch_2_output.wav" not in files
    assert "0/samples/epoch_2_output_02.wav" in files


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_the_file_plays_by_itself_without_its_run(run: RunFolder, tmp_path: Path) -> None:
    exported(tmp_path / "page.html", run)
    run.path.rename(tmp_path / "gone")
    with browse(tmp_path / "profile") as page:
        page.open(tmp_path / "page.html")
        page.until(f"document.body.innerText.includes({json.dumps(TEXTS[0])})")
        moved = page.evaluate(
            "new Promise((done) => { const audio = new Audio(escuta.address('0/samples/', 'epoch_2_output.wav'));"
            " audio.ontimeupdate = () => audio.currentTime > 0.1 && done([audio.currentTime, audio.duration]);"
            " audio.play(); })"
        )
        loudest = page.evaluate(
            "(async () => { const address = escuta.address('0/samples/', 'epoch_2_output.wav');"
            " const bytes = Uint8Array.from(atob(address.split(',')[1]), (letter) => letter.charCodeAt(0));"
            " const sound = await new OfflineAudioContext(1, 1, 24000).decodeAudioData(bytes.buffer);"
            " return Math.max(...sound.getChannelData(0)); })()"
        )
        requests = [sent["request"]["url"] for sent in page.happened("Network.requestWillBeSent")]

        assert moved[0] > 0.1
        assert moved[1] == pytest.approx(0.6, abs=0.05)
        assert loudest > 0.05
        assert {url.partition(":")[0] for url in requests} <= {"file", "data"}
        assert page.happened("Log.entryAdded") == []
        assert page.happened("Runtime.exceptionThrown") == []


def test_opus_is_written_at_a_rate_it_knows() -> None:
    assert OPUS_RATE in (8000, 12000, 16000, 24000, 48000)  # RFC 6716, section 2
