"""A full disk, and one that cannot be written: training says so in a line, and what was written before is whole."""

import re
import shutil

import pytest

from commands import escuta
from escuta.run.checkpoints import list_checkpoints, read_checkpoint
from escuta.run.events import read_events
from escuta.run.folder import RunFolder

IN_LITTLE_SPACE = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && "$@"'
AND_FILL = """
mount -t tmpfs -o size="$1" tmpfs "$2"; filler="$3"; run="$2"; kept="$4"; shift 4
"$@" & while kill -0 $! && ! test -e "$run/run.json"; do sleep 0.01; done 2>/dev/null
head -c "$filler" /dev/zero > "$run/checkpoints/filler"
wait $!; status=$?; rm -f "$run/checkpoints/filler"; cp -a "$run/." "$kept"; exit $status
"""
"""Somebody else takes room on the disk, once training has begun."""
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && "$@"'


@pytest.fixture(scope="module")
def train(dataset, quick_base):
    """Run a training of two epochs, in a shell script that may mount things."""

    def train(run, *more, script='"$@"', arguments=()):
        asked = ["--base", quick_base, "--language", "en", "--epochs", "2", "--set", "sampling.num_sentences=1"]
        asked += ["--set", "training.precision=fp32"]  # which makes the largest checkpoints
        prefix = ["unshare", "-rm", "sh", "-c", script, "sh", *map(str, arguments)]
        return escuta("train", dataset, "--out", run.path, *asked, *more, prefix=prefix)

    return train


@pytest.mark.usefixtures("mounts")
def test_a_disk_that_fills_up_costs_checkpoints_but_not_the_training(train, tmp_path):
    run, kept = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "kept")
    run.path.mkdir()
    kept.path.mkdir()

    # One checkpoint of 16 MB has room, two have not; and the only one must not go.
    done = train(run, "--mode", "off", script=AND_FILL, arguments=["64m", run.path, "40M", kept.path])

    assert done.returncode == 2
    assert "⚠️  The disk is full: checkpoint_epoch_2.pt was not saved, and no other checkpoint can go." in done.stdout
    assert done.stderr == (
        f"{run.checkpoints}: the disk is full; the last state, step 8, could not be saved, and what is there is "
        "of step 4. Free some space and continue from there with --resume.\n"
    )
    failed = [event["file"] for event in read_events(kept.events) if event["event"] == "checkpoint_failed"]
    assert failed == ["checkpoint_epoch_2.pt", "last.pt", "last.pt"]
    assert [path.name for path in list_checkpoints(kept)] == ["checkpoint_epoch_1.pt"]
    assert {path.name for path in kept.checkpoints.iterdir()} == {"checkpoint_epoch_1.pt", "best_model.pt"}
    assert read_checkpoint(kept.epoch_checkpoint(1)).progress.epoch == 1

    done = train(kept, "--mode", "off", "--resume")

    assert (done.returncode, done.stderr) == (0, "")
    assert read_checkpoint(kept.epoch_checkpoint(2)).progress.epoch == 2


@pytest.mark.usefixtures("mounts")
def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(train, tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()

    done = train(run, "--mode", "off", script=IN_LITTLE_SPACE, arguments=["24m", run.path])

    assert done.returncode == 2
    assert re.fullmatch(
        rf"{run.path}: 25 MB are free; this training needs \d\d MB. Make room, choose another place, or lower "
        r"training\.keep_last\.\n",
        done.stderr,
    )


@pytest.mark.usefixtures("mounts")
def test_old_checkpoints_go_where_the_disk_is_too_small_for_all_that_are_to_be_kept(train, tmp_path):
    run, kept = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "kept")
    run.path.mkdir()
    kept.path.mkdir()
    learns_nothing = ["--set", "training.learning_rate=1e-30", "--epochs", "4"]  # so the first stays the best

    # Three of them have room; the best, the newest, and the one being written.
    done = train(run, "--mode", "off", *learns_nothing, script=AND_FILL, arguments=["96m", run.path, "42M", kept.path])

    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "⚠️  The disk is full: checkpoint_epoch_2.pt was removed to make room for checkpoint_epoch_4.pt." in done.stdout
    )
    assert {path.name for path in kept.checkpoints.iterdir()} == {
        *("checkpoint_epoch_1.pt", "best_model.pt", "checkpoint_epoch_3.pt", "checkpoint_epoch_4.pt")
    }
    assert read_checkpoint(kept.epoch_checkpoint(4)).progress.epoch == 4


@pytest.fixture(scope="module")
def first_epoch(train, tmp_path_factory):
    """A run of one epoch, unheard."""
    run = RunFolder(tmp_path_factory.mktemp("first-epoch") / "run")
    done = train(run, "--mode", "off", "--epochs", "1")
    assert (done.returncode, done.stderr) == (0, "")
    return run


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize("mode", ["background", pytest.param("inline", marks=pytest.mark.slow)])
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
