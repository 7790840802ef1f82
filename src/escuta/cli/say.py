"""`escuta say`: one text, once."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from escuta.cli.options import AcceptLicence, Precision
from escuta.errors import SettingsError
from escuta.messages import _

if TYPE_CHECKING:
    from escuta.run.folder import RunFolder


def say(  # noqa: PLR0913 - a command line, not a function that anybody calls
    output: Annotated[Path, typer.Option("--out", "--output", "-o", help="The wav file to write.", show_default=False)],
    text: Annotated[str | None, typer.Argument(help="What to say.", show_default=False)] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="A recording of the voice; the run's own, else that of the base.", show_default=False),
    ] = None,
    reference_text: Annotated[
        str | None, typer.Option(help="What the recording says; F5-TTS needs to know.", show_default=False)
    ] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", "-l", help="Language of the text; the run's, else pt.", show_default=False),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="A folder, xtts-v2, f5-tts, nano, random or auto; the run's own, else nano.", show_default=False
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Speak with the best checkpoint of this run.", show_default=False)
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(help="Speak with this one: a file, or a name in the run's checkpoints/.", show_default=False),
    ] = None,
    accept_licence: AcceptLicence = False,
    seed: Annotated[int, typer.Option(help="The same seed says the same.", min=0, max=2**32 - 1)] = 0,
    sample_rate: Annotated[int, typer.Option(help="Of the file, Hz.", min=8000, max=192_000)] = 22050,
    precision: Annotated[
        Precision, typer.Option(help="Of the weights that speak: auto, exact (as exported), bf16 or int8.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda, mps.")] = "cpu",
    text_option: Annotated[
        str | None, typer.Option("--text", help="What to say, as an option.", show_default=False)
    ] = None,
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

    if output.suffix.lower() != ".wav":
        raise SettingsError(_("--out {file!r}: expected a file that ends in .wav. Name one.").format(file=str(output)))
    words = _one_of(text, text_option)
    terminal = Terminal()
    folder = RunFolder(run or Path())
    if run:
        language = language or folder.read_facts().get("language")
        base = base or str(folder.base_folder())
    language = language or "pt"
    found = find_base(base or "nano", accept_licence=accept_licence)
    if found.warning:
        terminal.say(f"⚠️  {found.warning}")
    if checkpoint is None and run:
        checkpoint = next((path.name for path in (folder.best_by_score, folder.best_checkpoint) if path.exists()), None)
    path = find_checkpoint(folder, checkpoint) if checkpoint else None
    terminal.say(_("📥 Loading {weights} on {device}...").format(weights=path or found.title, device=device.upper()))
    model = load_model(found.folder, uses=["speaking"], device=device)
    language = model.language(language)
    if run and reference is None:
        reference, reference_text = _voice_of_run(folder), reference_text or folder.read_facts().get("reference_text")
    reference = reference or found.voice(language)
    if reference is None:
        raise SettingsError(_("--reference: not given; expected a recording of the voice, 1 s or more."))
    if path:
        model.load_trained(read_weights(path), str(path))
    trust = recall(folder.samples, precision, model.device.type, model.family)
    settle(trust, model, read_held_out(folder.held_out), str(path))
    voice = read_reference(model, reference, reference_text)
    terminal.say(_("🔊 Synthesising audio on {device}...").format(device=device.upper()))
    started = time.perf_counter()
    spoken = model.speak(words, voice, language=language, generation=Generation(), seed=seed)
    seconds = time.perf_counter() - started
    write_wav(output, spoken.wav_T.numpy(), sample_rate, source_rate=spoken.sample_rate)
    terminal.say(*how_fast(seconds, len(spoken.wav_T) / spoken.sample_rate))
    terminal.say(*(f"⚠️  {note}" for note in spoken.notes))
    if spoken.stop == "limit":
        terminal.say(_("⚠️  The model did not end by itself: it was cut at its limit."))
    terminal.say(_("   ✅ Sample generated: {file}").format(file=output))


def _one_of(text: str | None, text_option: str | None) -> str:
    """What to say, which is given in one way or the other.

    Raises:
        SettingsError: It is given in none, or in both.
    """
    if text is not None and text_option is not None:
        raise SettingsError(_("the text and --text: found both; expected one of them. Leave one out."))
    words = text_option if text is None else text
    if words is None:
        raise SettingsError(_("the text: not given; expected what to say. Write it between quotation marks after say."))
    if any("\ud800" <= letter <= "\udfff" for letter in words):  # bytes that are no text
        raise SettingsError(_("the text: not in UTF-8; expected plain text. Set the terminal to UTF-8."))
    return words


def _voice_of_run(run: "RunFolder") -> Path | None:
    """The reference that the run's samples are spoken with, or a copy of it beside one of them."""
    named = run.read_facts().get("reference")
    copies = sorted(run.samples.glob("*_reference.wav"))
    candidates = [*([Path(named)] if isinstance(named, str) else []), *copies]
    return next((path for path in candidates if path.is_file()), None)
