#!/usr/bin/env bash
# Make .venv-nano, the environment of the recipe; does nothing where it is there already, with all that is required.
#
#   recipes/nano/setup.sh [FOLDER]      FOLDER defaults to .venv-nano
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
environment=${1:-$here/../../.venv-nano}
torch=torch==2.13.0
ready=$environment/ready-for-nano

cmp --silent "$here/requirements.txt" "$ready" && exit 0

python3 -m venv "$environment"
pip() { "$environment/bin/python" -m pip install --quiet "$@"; }
pip "$torch"
pip --constraint <(echo "$torch") --requirement "$here/requirements.txt"
cp "$here/requirements.txt" "$ready"
