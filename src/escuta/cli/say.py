"""`escuta say`: one text, once."""

import time
from pathlib import Path
from typing import Annotated

import typer

from escuta.cli.options import AcceptLicence, Precision
from escuta.messages import _


def say(  # noqa: PLR0913 - a command line, not a function that anybody calls
    text: Annotated[str, typer.Option(help="What to say.", show_default=False)],
    reference: Annotated[Path, typer.Option(help="A recording of the voice.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The wav file to write.", show_default=False)],
    language: Annotated[
        str | None,
        typer.Option("--language", "-l", help="Language of the text; the run's, else pt.", show_default=False),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="A folder, xtts-v2, random or auto; the run's own, else auto.", show_default=False),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Speak with the best checkpoint of this run.", show_default=False)
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(help="Speak with this one: a file, or a name in the run's checkpoints/.", show_default=False),
    ] = None,
    accept_licence: AcceptLicence = False,
    seed: Annotated[int, typer.Option(help="The same seed says the same.")] = 0,
    sample_rate: Annotated[int, typer.Option(help="Of the file, Hz.")] = 22050,
    precision: Annotated[
        Precision, typer.Option(help="Of the weights that speak: auto, exact (as exported), bf16 or int8.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda, mps.")] = "cpu",
) -> None:
    """Say one text in the voice of a recording."""
    from escuta.audio.files import write_wav
    from escuta.models.base import Generation
    from escuta.models.bases import find_base
    from escuta.models.load import load_model
    from escuta.run.checkpoints import find_checkpoint, read_weights
    from escuta.run.folder import RunFolder
    from escuta.run.held_out import read_held_out
    from escuta.sampling.narration import how_fast
    from escuta.sampling.speaking import read_reference
    from escuta.sampling.trust import recall, settle
    from escuta.terminal import Terminal

    terminal = Terminal()
    folder = RunFolder(run or Path())
    if run:
        language = language or folder.read_facts().get("language")
        base = base or str(folder.base_folder())
    found = find_base(base or "auto", accept_licence=accept_licence)
    if found.warning:
        terminal.say(f"⚠️  {found.warning}")
    if checkpoint is None and run and folder.best_checkpoint.exists():
        checkpoint = folder.best_checkpoint.name
    path = find_checkpoint(folder, checkpoint) if checkpoint else None
    terminal.say(_("📥 Loading {weights} on {device}...").format(weights=path or found.title, device=device.upper()))
    model = load_model(found.folder, uses=["speaking"], device=device)
    if path:
        model.load_trained(read_weights(path), str(path))
    trust = recall(folder.samples, precision, model.device.type)
    settle(trust, model, read_held_out(folder.held_out), str(path))
    voice = read_reference(model, reference)
    terminal.say(_("🔊 Synthesising audio on {device}...").format(device=device.upper()))
    started = time.perf_counter()
    spoken = model.speak(text, voice, language=model.language(language or "pt"), generation=Generation(), seed=seed)
    write_wav(output, spoken.wav_T.numpy(), sample_rate, source_rate=spoken.sample_rate)
    terminal.say(*how_fast(time.perf_counter() - started, len(spoken.wav_T) / spoken.sample_rate))
    if spoken.stop == "limit":
        terminal.say(_("⚠️  The model did not end by itself: it was cut at its limit."))
    terminal.say(_("   ✅ Sample generated: {file}").format(file=output))
