"""What a training says when it ends."""

from escuta.messages import _
from escuta.run.folder import RunFolder
from escuta.training.loop import Outcome


def summary(run: RunFolder, outcome: Outcome) -> list[str]:
    """Lines that say how it ended and where everything is."""
    progress = outcome.progress
    lines = [
        _("Training finished: {epochs} epochs, {steps} steps.").format(epochs=progress.epoch, steps=progress.step)
        if outcome.ended == "finished"
        else _("Training interrupted at epoch {epoch}, step {step}. Continue it with --resume.").format(
            epoch=progress.epoch, step=progress.step
        ),
        _("Samples cost {samples} of {total}, checkpoints {checkpoints}.").format(
            samples=_duration(outcome.sample_seconds),
            total=_duration(outcome.seconds),
            checkpoints=_duration(outcome.checkpoint_seconds),
        ),
    ]
    if progress.best_epoch is not None:
        lines.append(
            _("Best: epoch {epoch}, val_loss {val:.4f} ({file})").format(
                epoch=progress.best_epoch, val=progress.best_val_loss, file=run.best_checkpoint
            )
        )
    return [
        *lines,
        _("Samples: {folder}").format(folder=run.samples),
        _("Report:  {file}").format(file=run.report),
    ]


def _duration(seconds: float) -> str:
    return _("{n:.1f} s").format(n=seconds) if seconds < 90 else _("{n:.1f} min").format(n=seconds / 60)
