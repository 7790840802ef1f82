"""Gera os samples de checkpoints depois do treino: --checkpoint checkpoint_epoch_100.pt, ou todos."""

import sys

from with_escuta import ROOT, ensure_escuta

ensure_escuta()
from escuta.guide import generate_checkpoint_samples  # noqa: E402

generate_checkpoint_samples(ROOT, sys.argv[1:])
