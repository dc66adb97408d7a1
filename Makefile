# Everything a person or a machine does with this repository. `make help` lists it.
# Paths are relative throughout, so that a checkout in a folder with a space works.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PYTHON := .venv/bin/python
# Tests start Python hundreds of times: what it compiles is kept, also where the machine says otherwise (PYTHONDONTWRITEBYTECODE).
PYTEST := PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest
T ?= tests
ARGS ?=

.PHONY: help setup demo demo-stop test check lint format types layers specs architecture bench docs lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: ## Make .venv from the locked requirements (every other target does this first)
	@python3 scripts/bootstrap.py

demo: setup ## Start Canonry here, deploy the three examples, leave them running
	@$(PYTHON) scripts/demo.py start

demo-stop: setup ## Stop what `make demo` started
	@$(PYTHON) scripts/demo.py stop

test: setup ## Run every test, a file to each core (one part: make test T=tests/core ARGS="-k settings")
	@$(PYTEST) --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(T) $(ARGS)

check: setup lint types layers specs architecture ## Format, lint, types, import contracts, specs, architecture and docs tests

lint: setup ## Format check and lint
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .

format: setup ## Put the code into its one format
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix-only .

types: setup ## Check the types
	@$(PYTHON) -m mypy

layers: setup ## Check who imports whom
	@PYTHONPATH=src .venv/bin/lint-imports

specs: setup ## Lint our own specs, and check that tests prove what is ticked in them
	@$(PYTHON) -m canonry.cli.main spec lint --warnings-as-errors
	@$(PYTHON) -m canonry.cli.main spec verify --proof

architecture: setup ## Check sizes, names, front doors and the documentation
	@$(PYTEST) -q tests/architecture tests/docs

bench: setup ## Measure the figures of docs/benchmarks.md
	@$(PYTHON) -m bench $(ARGS)

docs: setup ## Write docs/reference again from the code
	@$(PYTHON) scripts/reference.py

lock: setup ## Resolve the dependencies again (names, versions and hashes only)
	@$(PYTHON) scripts/lock.py $(ARGS)

clean: ## Remove what can be made again (.venv, caches, build output)
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist src/*.egg-info
	@find . -name __pycache__ -type d -prune -not -path './.git/*' -exec rm -rf {} +
