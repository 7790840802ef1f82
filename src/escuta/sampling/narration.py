"""What a person reads about samples while a model trains."""

from pathlib import Path

from escuta.messages import _
from escuta.sampling.job import SampleJob, SampleResult


def announce(job: SampleJob, *, mode: str, device: str, from_dataset: bool) -> list[str]:
    """Lines that say that `job` is about to be spoken."""
    speaker = {
        "background": _("background process, {device}"),
        "isolated": _("{device} subprocess"),
        "inline": _("training process, {device}"),
    }[mode].format(device=device.upper())
    text = _("   📝 Text from metadata: '{text}'") if from_dataset else _("   📝 Text: '{text}'")
    return [
        text.format(text=shortened(job.sentences[0])),
        _("🎤 Generating audio sample ({speaker})...").format(speaker=speaker),
        _("   Epoch: {epoch}").format(epoch=job.epoch),
        _("   Reference: {file}").format(file=job.reference.name),
        *([_("   🚀 Starting subprocess...")] if mode == "isolated" else []),
    ]


def describe(result: SampleResult, samples: Path) -> list[str]:
    """Lines that say what came of a job."""
    match result.status:
        case "failed":
            return [_("❌ Error generating sample {name}: {reason}").format(name=result.name, reason=result.reason)]
        case "skipped":
            return [_("⏭️  Sample {name} skipped: {reason}").format(name=result.name, reason=result.reason)]
    return [
        *how_fast(result.seconds, result.audio_seconds),
        *(_("   ✅ Sample generated: {file}").format(file=name) for name in result.files),
        _("   ✅ Reference copied: {file}").format(file=f"{result.name}_reference.wav"),
        *([_("   ⭐ Best so far: {folder}").format(folder=samples / "best")] if result.best else []),
    ]


def how_fast(seconds: float, audio_seconds: float) -> list[str]:
    """Lines that say how long speaking took, also as seconds a second of audio."""
    factor = seconds / audio_seconds if audio_seconds else 0.0
    return [
        _("    > Processing time: {seconds:.1f}s").format(seconds=seconds),
        _("    > Real-time factor: {factor:.2f}x").format(factor=factor),
    ]


def shortened(text: str, characters: int = 60) -> str:
    """The beginning of a long text."""
    return text if len(text) <= characters else text[: characters - 3].rstrip() + "..."
