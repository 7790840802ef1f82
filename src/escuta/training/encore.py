"""What the best checkpoint says once more when a training has ended: the same with further seeds.

What differs between them is noise; what other checkpoints differ by has to be more. It is known of the base model from
the beginning on, and of the best only when there is one.
"""

from dataclasses import replace

from escuta.run.checkpoints import read_checkpoint
from escuta.sampling.freshness import answers, read_sample
from escuta.sampling.job import SampleJob
from escuta.sampling.listener import Listener
from escuta.training.assignment import Assignment


def ask_encore(assignment: Assignment, listener: Listener, best_by_score: str | None, best_epoch: int | None) -> None:
    """Have the best checkpoint spoken again, once all samples are spoken and scored; by val_loss where none is scored.

    Raises:
        CheckpointError: The checkpoint is damaged.
    """
    best_by_loss = f"epoch_{best_epoch}"
    job = encore(assignment, best_by_score or best_by_loss)
    if job and listener.is_heard:
        listener.ask(replace(job, best=job.name == best_by_loss))


def encore(assignment: Assignment, name: str) -> SampleJob | None:
    """What the checkpoint `name` is to say again; None where it has said it, is gone, or cannot be spoken any more."""
    checkpoint = assignment.run.checkpoint(name)
    has_other_weights = assignment.settings.sampling.mode == "inline"  # those of the moment
    if assignment.num_seeds == 1 or has_other_weights or not checkpoint.exists():
        return None
    progress = read_checkpoint(checkpoint).progress
    epoch = progress.epoch + (progress.micro_steps_in_epoch > 0)
    job = assignment.job(name=name, epoch=epoch, step=progress.step, checkpoint=checkpoint, best=False)
    job = replace(job, num_seeds=assignment.num_seeds)
    sample = read_sample(job)
    return None if sample and answers(sample, job) else job
