"""Gera um sample: --reference_wav audio.wav --text "texto" --output saida.wav [--checkpoint checkpoint_epoch_3.pt]."""

import sys

from with_escuta import ROOT, ensure_escuta

ensure_escuta()
from escuta.guide import generate_sample  # noqa: E402

generate_sample(ROOT, sys.argv[1:])
