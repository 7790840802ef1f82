import json
from dataclasses import replace

import pytest

from escuta.run.checkpoints import Progress
from escuta.sampling.freshness import record
from escuta.terminal import Terminal
from escuta.training.encore import encore
from escuta.training.request import assign
from runs import make_checkpoint


@pytest.fixture
def assignment(request_for):
    assignment = assign(request_for(sampling__mode="background", scores__enabled=True, scores__num_seeds=2), Terminal())
    progress = Progress(epoch=2, step=8)
    make_checkpoint(assignment.run.epoch_checkpoint(2), assignment.base.folder, progress=progress)
    return assignment


def test_the_best_says_the_same_again_with_further_seeds(assignment):
    job = encore(assignment, "epoch_2")

    checkpoint = assignment.run.epoch_checkpoint(2)
    asked_before = assignment.job(name="epoch_2", epoch=2, step=8, checkpoint=checkpoint, best=False)
    assert (asked_before.num_seeds, job) == (1, replace(asked_before, num_seeds=2))


def test_what_is_gone_or_needs_no_noise_or_speaks_with_other_weights_is_left(assignment):
    def changed(section, **fields):
        settings = assignment.settings
        part = getattr(settings, section).model_copy(update=fields)
        return replace(assignment, settings=settings.model_copy(update={section: part}))

    assert encore(assignment, "epoch_1") is None
    assert encore(changed("scores", num_seeds=1), "epoch_2") is None
    assert encore(changed("scores", enabled=False), "epoch_2") is None
    assert encore(changed("sampling", mode="inline"), "epoch_2") is None


def test_what_was_said_with_all_seeds_is_not_said_again(assignment):
    job = encore(assignment, "epoch_2")
    sentences = [
        {"file": f"{seed}_{n}.wav", "text": text, "seed": seed, "audio_seconds": 1.0}
        for seed in job.seeds
        for n, text in enumerate(job.sentences)
    ]
    about = {
        **{name: job.to_json()[name] for name in ("language", "seed", "sample_rate")},
        "checkpoint": "checkpoint_epoch_2.pt",
        "weights": "abc",
        "generation": {"greedy": False},
        "precision": {"asked": "auto"},
        "reference": "reference.wav",
        "reference_source": str(job.reference),
        "sentences": sentences,
    }
    job.folder.mkdir(parents=True)
    (job.folder / "reference.wav").write_bytes(job.reference.read_bytes())
    for sentence in sentences:
        (job.folder / str(sentence["file"])).touch()
    record(job).write_text(json.dumps(about))
    assert encore(assignment, "epoch_2") is None

    record(job).write_text(json.dumps(about | {"sentences": sentences[: len(job.sentences)]}))
    assert encore(assignment, "epoch_2") == job
