"""The recogniser: what a machine hears in a recording, told in which language to listen.

Whisper by faster-whisper, from the hub's cache or a folder. Greedy but for two beams, at temperature 0 and without
what it heard before: the same recording is always heard alike, and one slip does not lead to the next.
"""

from pathlib import Path
from typing import Any

from escuta.audio.files import Wav
from escuta.errors import InstallError, LanguageError
from escuta.messages import _
from escuta.models.hub import Release, fetch, on_disk
from escuta.scoring.weights import FETCH_COMMAND

_FILES = ("config.json", "tokenizer.json", "vocabulary.txt", "model.bin")
_LARGE_FILES = ("config.json", "preprocessor_config.json", "tokenizer.json", "vocabulary.json", "model.bin")
BASE_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"  # of model.bin
OPTION = "scores.recogniser"


def _release(repo: str, files: tuple[str, ...] = _FILES, sha256: str | None = None) -> Release:
    return Release(repo, "main", files, {"model.bin": sha256} if sha256 else {}, option=OPTION)


RELEASES = {
    "tiny": _release("Systran/faster-whisper-tiny"),
    "base": _release("Systran/faster-whisper-base", sha256=BASE_SHA256),
    "small": _release("Systran/faster-whisper-small"),
    "medium": _release("Systran/faster-whisper-medium"),
    "large-v3": _release("Systran/faster-whisper-large-v3", _LARGE_FILES),
    "turbo": _release("mobiuslabsgmbh/faster-whisper-large-v3-turbo", _LARGE_FILES),
}
"""By size; files without a hash here are checked against the hub's own."""


class Recogniser:
    """Listens.

    Args:
        folder: Of a Whisper model as CTranslate2 has it.
        name: What it is called.
        device: Where it computes: cpu, cuda or cuda:N.
        threads: CPU threads it may use.

    Raises:
        ImportError: faster-whisper is not installed.
        RuntimeError: The model cannot be loaded.
    """

    def __init__(self, folder: Path, *, name: str, device: str, threads: int) -> None:
        from faster_whisper import WhisperModel, __version__

        kind, _colon, index = device.partition(":")
        precision = "int8" if kind == "cpu" else "float16"
        self._model: Any = WhisperModel(
            str(folder),
            device=kind,
            device_index=int(index or 0),
            compute_type=precision,
            cpu_threads=threads,
            local_files_only=True,
        )
        self.title = f"faster-whisper {__version__}, {name}, {precision}"

    def code(self, language: str) -> str:
        """What it calls a language: the region, as in zh-cn, is left out.

        Raises:
            LanguageError: It does not know it.
        """
        code = language.lower().partition("-")[0]
        if code not in self._model.supported_languages:
            raise LanguageError(_("the recogniser does not know the language {code}").format(code=code))
        return code

    def hear(self, wav_T: Wav, language: str) -> str:
        """Write down what is said.

        Args:
            wav_T: Audio at 16 000 Hz.
            language: It listens for this one.

        Raises:
            LanguageError: It does not know the language.
        """
        segments, _info = self._model.transcribe(
            wav_T,
            language=self.code(language),
            beam_size=2,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return " ".join(segment.text.strip() for segment in segments)


def find_recogniser(choice: str) -> Path:
    """The folder of a recogniser: `choice` itself, or that of the size it names, in the hub's cache. Asks no network.

    Raises:
        InstallError: There is none.
    """
    if (Path(choice) / "model.bin").is_file():
        return Path(choice)
    if choice not in RELEASES:
        raise InstallError(
            _("scores.recogniser {choice}: neither one of {sizes} nor a folder that holds model.bin").format(
                choice=choice, sizes=", ".join(RELEASES)
            )
        )
    folder = on_disk(RELEASES[choice])
    if folder is None:
        raise InstallError(
            _("the recogniser {choice} is not here; get it with: {command}").format(
                choice=choice, command=FETCH_COMMAND
            )
        )
    return folder


def fetch_recogniser(choice: str) -> Path:
    """Download what the hub's cache lacks of a recogniser; a folder is taken as it is.

    Raises:
        BaseError: The hub cannot be reached, or gives other files than it says.
        InstallError: `choice` is neither a size nor a folder.
    """
    if choice in RELEASES and not (Path(choice) / "model.bin").is_file():
        return fetch(RELEASES[choice])
    return find_recogniser(choice)
