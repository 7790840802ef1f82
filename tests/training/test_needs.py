import os
from dataclasses import replace

import pytest
import torch

from escuta.errors import InstallError
from escuta.models.base import Learning
from escuta.models.load import load_model, speaking_bytes, trained_bytes
from escuta.settings import TrainingSettings
from escuta.terminal import Terminal
from escuta.training.needs import Need, Needs, memory_told, needs, needs_rows, problems, size
from escuta.training.plan import plan
from escuta.training.request import assign

GB = 10**9
PLENTY = Needs(
    learning=Need(8 * GB, 16 * GB),
    checkpoints_bytes=5 * GB,
    speaking_bytes=GB,
    disk=Need(20 * GB, 50 * GB),
    cache=Need(10**6, 50 * GB),
)


@pytest.fixture
def assignment(request_for):
    def assignment(**asked):
        return assign(request_for(**asked), Terminal())

    return assignment


def found(asked, missing_seconds=0.0):
    return needs(asked, plan(asked), missing_seconds)


def test_a_checkpoint_takes_what_it_does(assignment, train, quick_base, tmp_path):
    train(training__epochs=1)
    checkpoint = (tmp_path / "run/checkpoints/checkpoint_epoch_1.pt").stat().st_size

    asked = found(assignment(run=tmp_path / "another"))

    assert asked.checkpoints_bytes == pytest.approx(checkpoint, rel=0.02)
    weights = sum(tensor.nbytes for tensor in load_model(quick_base, uses=["training"]).trained_tensors().values())
    assert trained_bytes(quick_base, Learning()) == pytest.approx(weights, rel=0.01)


def test_as_many_checkpoints_need_room_as_are_there_at_once(assignment):
    one = found(assignment(training__epochs=1)).checkpoints_bytes

    def kept(**asked):
        return found(assignment(**asked)).disk.needed_bytes / one

    assert kept(training__epochs=1) == 2  # it, and the next one that is being written
    assert kept(training__epochs=10) == 5  # the last three, the best, and the one that is being written
    assert kept(training__epochs=10, training__keep_last=1) == 3


def test_what_a_resumed_run_has_written_needs_no_room_again(assignment, train):
    train(training__epochs=2)
    asked = found(assignment(resume=True, training__epochs=9))

    assert asked.disk.needed_bytes == pytest.approx(3 * asked.checkpoints_bytes, rel=0.02)


def test_a_decoder_that_learns_needs_room_for_its_weights_and_for_sound(assignment, quick_base):
    plain, tuned = (
        found(assignment(**more), missing_seconds=10.0) for more in ({}, {"training__decoder_learning_rate": 1e-4})
    )

    more = trained_bytes(quick_base, Learning(decoder=True)) - trained_bytes(quick_base, Learning())
    assert tuned.checkpoints_bytes - plain.checkpoints_bytes == pytest.approx(3 * more, rel=0.01)
    assert tuned.learning.needed_bytes > plain.learning.needed_bytes + more
    assert tuned.cache.needed_bytes - plain.cache.needed_bytes == 10 * 2 * 24_000  # 16 bits at 24 kHz


def test_memory_depends_on_what_learns_and_how(assignment, quick_base):
    def needed(**asked):
        return found(assignment(**asked)).learning.needed_bytes

    weights = trained_bytes(quick_base, Learning())
    plain = needed(training__precision="fp32", training__optimizer="adamw")
    assert needed(training__precision="fp32", training__optimizer="adamw_bf16") == pytest.approx(plain - weights)
    assert needed(training__precision="fp32", training__lora_rank=8) <= plain - 2 * weights
    assert needed(training__precision="fp32", training__batch_size=8) > plain


def test_only_who_speaks_on_this_cpu_needs_its_memory(assignment, quick_base):
    def needed(**asked):
        return found(assignment(**asked)).speaking_bytes

    assert needed(sampling__mode="background") == speaking_bytes(quick_base, "int8")
    assert needed(sampling__mode="isolated", sampling__precision="exact") == speaking_bytes(quick_base, "exact")
    assert needed(sampling__mode="inline") == needed(sampling__mode="off") == 0


def test_features_and_samples_need_room(assignment):
    assert found(assignment(), missing_seconds=70.0).cache.needed_bytes == 2_000_000
    silent, speaking = (found(assignment(sampling__mode=mode)).disk.needed_bytes for mode in ("off", "background"))
    assert silent < speaking < silent + 2_000_000


def test_people_are_told_what_it_takes():
    assert needs_rows(PLENTY, None) == [
        ("Memory", "8.0 GB to learn, 5.0 GB for checkpoints, 1.0 GB to speak; 16.0 GB free"),
        ("Disk", "20.0 GB; 50.0 GB free"),
    ]
    assert needs_rows(PLENTY, 9 * GB)[0][1].startswith("9.0 GB to learn")


def test_every_reason_not_to_run_is_told(assignment, tmp_path):
    asked = assignment()
    assert problems(asked, PLENTY) == []

    little = replace(PLENTY, learning=Need(8 * GB, 3 * GB), disk=Need(20 * GB, 4 * GB))

    assert problems(asked, little) == [
        "memory: 3.0 GB are free; training needs 8.0 GB. End other programs, or lower training.batch_size.",
        f"{tmp_path}/run: 4.0 GB are free; this training needs 20.0 GB. Make room, choose another place, or lower "
        "training.keep_last.",
    ]


def test_a_run_that_would_lie_in_a_file_is_told(assignment, tmp_path):
    (tmp_path / "file").touch()

    for run in (tmp_path / "file", tmp_path / "file" / "run"):
        assert problems(assignment(run=run), PLENTY) == [
            f"{run}: cannot be written (it is a file, or in one). Choose another folder with --out."
        ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(assignment, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)

    (problem,) = problems(assignment(run=tmp_path / "locked" / "run"), PLENTY)

    assert problem.endswith("cannot be written (permission denied). Choose another folder with --out.")


def test_memory_that_does_not_suffice_is_told_with_what_to_do():
    with pytest.raises(InstallError) as told, memory_told(TrainingSettings(device="cpu", batch_size=84)):
        torch.empty(10**15)
    with pytest.raises(InstallError, match=r"^cpu: out of memory with up to 84 clips at once .*CUDA out of memory"):  # noqa: SIM117
        with memory_told(TrainingSettings(device="cpu", batch_size=84)):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    assert "DefaultCPUAllocator: can't allocate memory" in str(told.value)
    assert "Lower training.batch_size and raise training.accumulation_steps" in str(told.value)


def test_what_is_not_about_memory_stays_what_it_is():
    with pytest.raises(RuntimeError, match="shape"), memory_told(TrainingSettings()):
        torch.ones(3).view(2)


def test_bytes_are_said_as_people_say_them():
    assert [size(n) for n in (0, 86_500_000, 100_000_000, 5_300_000_000)] == ["0 MB", "86 MB", "0.1 GB", "5.3 GB"]
