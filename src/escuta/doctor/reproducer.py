"""A script that shows what cuFFT does here, for those who maintain PyTorch or coqui-tts: the doctor's own probes."""

import json
from dataclasses import asdict
from pathlib import Path

from escuta.doctor.gpu import Facts
from escuta.errors import EscutaError
from escuta.messages import _

WITH_FOLDERS = ("library_path_finds", "cufft_installed", "cufft_loaded")
"""Their folders may name people; the files' names say enough."""


def refuse_existing(file: Path) -> None:
    """Make sure that nothing would be overwritten.

    Raises:
        EscutaError: `file` is there already.
    """
    if file.exists():
        raise EscutaError(
            _("--reproducer {file}: is there already; expected a new file. Choose another name.").format(file=file)
        )


def write_reproducer(file: Path, facts: Facts) -> None:
    """Write the script, with what this machine has as its first comment.

    Raises:
        EscutaError: `file` is there already.
        OSError: It cannot be written.
    """
    refuse_existing(file)
    seen = {name: value for name, value in asdict(facts).items() if value}
    seen |= {name: [Path(path).name for path in seen[name]] for name in WITH_FOLDERS if name in seen}
    comment = "".join(f"# {line}\n" for line in json.dumps(seen, indent=2, ensure_ascii=False).splitlines())
    probes = Path(__file__).with_name("cufft.py").read_text(encoding="utf-8")
    with file.open("x", encoding="utf-8") as script:
        script.write(f"# Seen on this machine:\n{comment}\n{probes}")
