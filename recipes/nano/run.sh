#!/usr/bin/env bash
# Make the data of nano from wherever it was left, in the background of other work; `make nano` calls it.
#
#   recipes/nano/run.sh [WORK [HOURS]]      WORK defaults to recipes/nano/work, HOURS of speech to 12
set -euo pipefail

cd "$(dirname "$0")/../.."
work=${1:-recipes/nano/work}
hours=${2:-12}
recipes/nano/setup.sh
mkdir -p "$work"
exec 9>"$work/running" # held by every stage, so that two runs never write to one folder
flock --nonblock 9 || { echo "$work: another run works there; expected none. Wait for it or end it." >&2; exit 1; }
export PYTHONPATH=src OMP_NUM_THREADS=1
stage() { nice -n 19 .venv-nano/bin/python -m "recipes.nano.$1" --work "$work" "${@:2}"; }

[ -e "$work/kokoro/wave.onnx" ] || stage packages
stage texts # always the same, but for what a newer recipe adds

stage espeak
stage synthesise --hours "$hours" &
speaking=$!
while kill -0 "$speaking" 2>/dev/null; do
    stage recognise
    sleep 60
done
wait "$speaking"
stage recognise
