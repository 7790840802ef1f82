"""A full disk, and one that cannot be written: training says so in a line, and what was written before is whole."""

import shutil

import pytest

from commands import escuta
from escuta.run.checkpoints import list_checkpoints, read_checkpoint
from escuta.run.events import read_events
from escuta.run.folder import RunFolder

IN_LITTLE_SPACE = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && "$@"'
AND_KEEP = 'mount -t tmpfs -o size="$1" tmpfs "$2"; run="$2"; kept="$3"; shift 3; "$@"; status=$?; cp -a "$run/." "$kept"; exit $status'  # noqa: E501
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && "$@"'


@pytest.fixture(scope="module")
def train(dataset, quick_base):
    """Run a training of two epochs, in a shell script that may mount things."""

    def train(run, *more, script='"$@"', arguments=()):
        asked = ["--base", quick_base, "--language", "en", "--epochs", "2", "--set", "sampling.num_sentences=1"]
        prefix = ["unshare", "-rm", "sh", "-c", script, "sh", *map(str, arguments)]
        return escuta("train", dataset, "--out", run.path, *asked, *more, prefix=prefix)

    return train


@pytest.mark.usefixtures("mounts")
def test_a_disk_that_fills_up_with_checkpoints_stops_in_one_line_and_the_run_goes_on_elsewhere(train, tmp_path):
    run, kept = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "kept")
    run.path.mkdir()
    kept.path.mkdir()

    # One checkpoint of 16 MB has room, two have not.
    done = train(run, "--mode", "off", script=AND_KEEP, arguments=["24m", run.path, kept.path])

    assert done.returncode == 2
    assert done.stderr == (
        f"{run.epoch_checkpoint(2)}: the disk is full; all that was written before is kept. Free some space and go on."
        "\n"
    )
    assert [path.name for path in list_checkpoints(kept)] == ["checkpoint_epoch_1.pt"]
    assert {path.name for path in kept.checkpoints.iterdir()} == {"checkpoint_epoch_1.pt", "best_model.pt"}
    assert read_checkpoint(kept.epoch_checkpoint(1)).progress.epoch == 1

    done = train(kept, "--mode", "off", "--resume")

    assert (done.returncode, done.stderr) == (0, "")
    assert read_checkpoint(kept.epoch_checkpoint(2)).progress.epoch == 2


@pytest.fixture(scope="module")
def first_epoch(train, tmp_path_factory):
    """A run of one epoch, unheard."""
    run = RunFolder(tmp_path_factory.mktemp("first-epoch") / "run")
    done = train(run, "--mode", "off", "--epochs", "1")
    assert (done.returncode, done.stderr) == (0, "")
    return run


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize("mode", ["background", "inline"])
def test_no_room_for_samples_is_no_reason_to_stop_training(train, first_epoch, tmp_path, mode):
    run = RunFolder(tmp_path / "run")
    shutil.copytree(first_epoch.path, run.path)

    done = train(run, "--resume", "--mode", mode, script=IN_LITTLE_SPACE, arguments=["16k", run.samples])

    assert (done.returncode, done.stderr) == (0, "")
    (sample,) = (event for event in read_events(run.events) if event["event"] == "sample")
    assert (sample["name"], sample["status"], sample["mode"]) == ("epoch_2", "failed", mode)
    assert "No space left on device" in sample["reason"]
    assert f"❌ Error generating sample epoch_2: {sample['reason']}\n" in done.stdout
    assert "Traceback" not in done.stdout
    assert read_checkpoint(run.epoch_checkpoint(2)).progress.epoch == 2


@pytest.mark.usefixtures("mounts")
def test_a_folder_that_cannot_be_written_is_refused_in_one_line(train, tmp_path):
    run = RunFolder(tmp_path / "shelf" / "run")
    run.path.parent.mkdir()

    done = train(run, script=READ_ONLY, arguments=[run.path.parent])

    assert done.returncode == 2
    assert done.stderr == (
        f"{run.path}: cannot be written (Read-only file system). Choose another folder with --out.\n"
    )
