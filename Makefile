# Everything goes through .venv, which `make setup` makes and keeps up to date.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint format messages build nano bench-peer bench-sampling bench-training

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: ## Make .venv and install escuta in it; quick when nothing changed
	@$(PYTHON) tools/setup.py

demo: setup ## Fine-tune on the bundled voice for three epochs and hear each, in a few minutes
	@$(BIN)/escuta demo

test: setup ## Run the tests
	@$(BIN)/pytest

test-all: setup ## Run the slow tests too
	@$(BIN)/pytest -m "slow or not slow"

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

nano: ## Make what the bundled small model learns from, in the background of hours; goes on where it was left
	@recipes/nano/run.sh

bench-peer: ## Make .venv-peer with coqui-tts, which the benchmarks compare with
	@bench/peer/setup.sh

bench-sampling: setup bench-peer ## Compare the speed of speaking with coqui-tts, in one run
	@$(BIN)/python -m bench.sampling $(ARGS)

bench-training: setup bench-peer ## Compare a step of training with coqui-tts, in one run
	@$(BIN)/python -m bench.training $(ARGS)
