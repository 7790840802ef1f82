#!/usr/bin/env bash
# Makes .venv-peer-f5, the environment with f5-tts; does nothing where it is there already.
#
#   bench/peer/setup-f5.sh [FOLDER]      FOLDER defaults to .venv-peer-f5
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
environment=${1:-$here/../../.venv-peer-f5}
torch=torch==2.13.0
ready=$environment/ready-for-f5-tts-1.1.22

[ -e "$ready" ] && exit 0

python3 -m venv "$environment"
pip() { "$environment/bin/python" -m pip install --quiet "$@"; }
pip "$torch"
pip --constraint <(echo "$torch") --requirement "$here/requirements-f5.txt"
# Newer ones want another PyTorch, or a GPU's libraries; f5-tts wants what its pages and its recogniser need besides.
pip --no-deps torchaudio==2.11.0 torchcodec==0.13.0 f5-tts==1.1.22 vocos==0.1.0
touch "$ready"
