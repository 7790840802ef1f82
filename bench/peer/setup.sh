#!/usr/bin/env bash
# Makes .venv-peer, the environment with coqui-tts; does nothing where it is there already.
#
#   bench/peer/setup.sh [FOLDER]      FOLDER defaults to .venv-peer
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
environment=${1:-$here/../../.venv-peer}
torch=torch==2.13.0
ready=$environment/ready-for-coqui-tts-0.28.0

[ -e "$ready" ] && exit 0

python3 -m venv "$environment"
pip() { "$environment/bin/python" -m pip install --quiet "$@"; }
pip "$torch"
pip --constraint <(echo "$torch") --requirement "$here/requirements.txt"
# Newer ones want another PyTorch, or a GPU's libraries; coqui.py stands in for the part of torchaudio that does so too.
pip --no-deps torchaudio==2.11.0 torchcodec==0.13.0
touch "$ready"
