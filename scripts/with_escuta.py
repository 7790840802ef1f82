"""Lets a script run with any python3: where escuta is missing, the script runs again with .venv's Python."""

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def ensure_escuta() -> None:
    """Return where escuta can be imported; elsewhere begin the script anew, or end it with what to do."""
    if importlib.util.find_spec("escuta"):
        return
    python = ROOT / ".venv" / "bin" / "python"
    if python.exists() and not os.path.samefile(sys.prefix, ROOT / ".venv"):
        os.execv(python, [str(python), *sys.argv])
    sys.exit("escuta não está instalado aqui; rode primeiro: make setup")
