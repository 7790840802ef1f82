"""What a training says when it ends."""

from escuta.messages import _, _n
from escuta.run.folder import RunFolder
from escuta.training.loop import Outcome


def summary(run: RunFolder, outcome: Outcome) -> list[str]:
    """Lines that say how it ended and where everything is."""
    progress = outcome.progress
    lines = [
        _how(outcome).format(epoch=progress.epoch, step=progress.step),
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


def _how(outcome: Outcome) -> str:
    match outcome.reason:
        case "epochs":
            return _n(
                "Training finished: {epoch} epoch, {step} steps.",
                "Training finished: {epoch} epochs, {step} steps.",
                outcome.progress.epoch,
            )
        case "patience":
            return _(
                "Training ended after epoch {epoch}, step {step}: nothing better came any more (training.patience)."
            )
        case "minutes":
            return _(
                "Training ended at epoch {epoch}, step {step}: its time is up (training.max_minutes). Continue it with "
                "--resume."
            )
        case _:
            return _("Training interrupted at epoch {epoch}, step {step}. Continue it with --resume.")


def _duration(seconds: float) -> str:
    return _("{n:.1f} s").format(n=seconds) if seconds < 90 else _("{n:.1f} min").format(n=seconds / 60)
