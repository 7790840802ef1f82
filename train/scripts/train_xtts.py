"""Treina com os clipes de train/data/MyTTSDataset, com as opções de train/train_settings.py e as de `escuta train`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from with_escuta import ROOT, ensure_escuta

ensure_escuta()
from escuta.guide import train  # noqa: E402

train(ROOT, sys.argv[1:])
