#!/usr/bin/env bash
# Train nano from wherever each stage was left, in the background of other work, and put it together after each round.
#
#   recipes/nano/train.sh [WORK [ROUNDS]]      WORK defaults to recipes/nano/work, ROUNDS to 12
#
# A first round makes it speak; the others make it better. What was done is not done again.
set -euo pipefail

cd "$(dirname "$0")/../.."
work=${1:-recipes/nano/work}
rounds=${2:-12}
recipes/nano/setup.sh
mkdir -p "$work/logs"
exec 8>"$work/training" # held by every stage, so that two trainings never write to one folder
flock --nonblock 8 || { echo "$work: another training works there; expected none. Wait for it or end it." >&2; exit 1; }
export PYTHONPATH=src OMP_NUM_THREADS=1
stage() { nice -n 10 .venv-nano/bin/python -m "recipes.nano.$1" --work "$work" "${@:2}" 2>&1 | tee -a "$work/logs/$1.log"; }

stage left_off
[ -e "$work/vocab.json" ] || stage tokenizer
stage dvae --steps 9000
stage gpt --steps 1500
if [ ! -e "$work/stages/decoder.pt" ]; then # which knows the encoder's voices as they are
    stage speaker_encoder --steps 1200
    stage vocoder --steps 4600
fi
for round in $(seq "$rounds"); do
    stage gpt --steps $((1500 + round * 1500))
    stage decoder --steps $((round * 2500))
    stage assemble --out "$work/nano"
    stage measure
done
