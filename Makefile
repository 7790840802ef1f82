# Everything goes through .venv, which `make setup` makes and keeps up to date.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint format messages build nano bench-peer bench-sampling bench-nano bench-scores bench-training bench-f5-peer bench-f5 bench-page

help: ## Show this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: ## Make .venv and install escuta in it; quick when nothing changed
	@$(PYTHON) tools/setup.py

demo: setup ## Fine-tune on a bundled voice for five epochs and hear each, in a few minutes
	@$(BIN)/escuta demo

test: setup ## Run the tests
	@$(BIN)/pytest --numprocesses 2 --dist loadfile

test-all: setup ## Run the slow tests too
	@$(BIN)/pytest --numprocesses 2 --dist loadfile -m "slow or not slow"

lint: setup ## Check style and types
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy

format: setup ## Bring the code into the one style
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format

messages: setup ## Gather what users read, and compile the translations
	@$(BIN)/python tools/messages.py

build: setup ## Make a wheel and an sdist in dist/
	@$(BIN)/python -m build

nano: ## Make the bundled small model, in the background of many hours; goes on where it was left
	@recipes/nano/run.sh
	@recipes/nano/train.sh

bench-peer: ## Make .venv-peer with coqui-tts, which the benchmarks compare with
	@bench/peer/setup.sh

bench-sampling: setup bench-peer ## Compare the speed of speaking with coqui-tts, in one run
	@$(BIN)/python -m bench.sampling $(ARGS)

bench-scores: setup ## Ask whether scores know the best checkpoint, and what they cost; hours of two cores
	@$(BIN)/python -m bench.scores $(ARGS)

bench-nano: setup ## Measure how well the bundled model speaks, and what fine-tuning makes of it
	@$(BIN)/python -m bench.nano $(ARGS)

bench-training: setup bench-peer ## Compare a step of training with coqui-tts, in one run
	@$(BIN)/python -m bench.training $(ARGS)

bench-f5-peer: ## Make .venv-peer-f5 with f5-tts, which the benchmark of F5-TTS compares with
	@bench/peer/setup-f5.sh

bench-f5: setup bench-f5-peer ## Compare speaking and a step of training with f5-tts, in one run; half an hour
	@$(BIN)/python -m bench.f5 $(ARGS)

bench-page: setup ## Measure how soon the page is there and heard, in Chromium
	@$(BIN)/python -m bench.page $(ARGS)
