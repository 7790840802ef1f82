import sys

import pytest

from boards import read_board
from escuta.audio.files import write_wav
from escuta.run.folder import RunFolder
from escuta.settings import Settings
from escuta.training.board import Board
from small_disk import run_on_small_disk
from sounds import SAMPLE_RATE, speechlike


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def test_tensorboard_reads_the_numbers(run):
    board = Board(run)
    board.begin(Settings(), 0)
    for step in (1, 2):
        board.numbers({"step/loss": 3.0 / step, "step/learning_rate": 5e-6}, step)
    board.scores({"score/naturalness": 3.5}, 1)

    found = read_board(run)  # while it is being written

    assert found.Tags()["scalars"] == ["step/loss", "step/learning_rate", "score/naturalness"]
    assert [(one.step, one.value) for one in found.Scalars("step/loss")] == [(1, 3.0), (2, 1.5)]
    board.close()


def test_a_sample_is_there_as_the_file_has_it_with_its_text(run, tmp_path):
    wav = tmp_path / "epoch_3_output.wav"
    write_wav(wav, speechlike(1.5, seed=1), 22050, SAMPLE_RATE)
    board = Board(run)

    board.sample(1, wav, "Boa noite, João.", 12)

    board.close()
    (audio,) = read_board(run).Audio("sample/1")
    assert audio.encoded_audio_string == wav.read_bytes()
    assert (audio.step, audio.sample_rate, audio.length_frames) == (12, 22050, 33075)
    about = read_board(run).SummaryMetadata("sample/1")
    assert (about.display_name, about.summary_description) == ("1: Boa noite, João.", "Boa noite, João.")


def test_the_settings_are_there_as_text(run):
    board = Board(run)

    board.begin(Settings(language="pt"), 0)

    board.close()
    (text,) = read_board(run).Tensors("settings")
    assert '    language = "pt"\n' in text.tensor_proto.string_val[0].decode()


def test_steps_that_a_resumed_run_takes_again_count_once(run):
    for first, last, loss in ((1, 5, 3.0), (4, 6, 2.0)):  # killed after step 5, resumed from step 3
        board = Board(run)
        board.begin(Settings(), first - 1)
        for step in range(first, last + 1):
            board.numbers({"step/loss": loss}, step)
        board.close()

    losses = [(one.step, one.value) for one in read_board(run).Scalars("step/loss")]

    assert losses == [(1, 3.0), (2, 3.0), (3, 3.0), (4, 2.0), (5, 2.0), (6, 2.0)]


def test_a_folder_that_cannot_be_made_is_refused(run):
    run.path.write_text("a file")

    with pytest.raises(NotADirectoryError):
        Board(run)


FILL_THE_DISK = """
import sys
from pathlib import Path
from escuta.run.folder import RunFolder
from escuta.training.board import Board
board = Board(RunFolder(Path(sys.argv[1])))
try:
    for step in range(1_000_000):
        board.numbers({"step/loss": 1.0}, step)
except OSError as error:
    print(error.strerror, step > 100)
"""


def test_a_full_disk_is_told_to_who_asks(tmp_path):
    done = run_on_small_disk(tmp_path, 65536, sys.executable, "-W", "error", "-c", FILL_THE_DISK, str(tmp_path))

    assert (done.stdout, done.stderr) == ("No space left on device True\n", "")
