# Targets explain themselves: `make help`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# Whatever the environment says, compiled modules are kept: without them every process starts seconds later.
export PYTHONDONTWRITEBYTECODE :=

# The newest Python on the PATH that we support; override with PYTHON=/path/to/python.
PYTHON ?= $(shell for v in python3.13 python3.12 python3.11 python3; do \
	command -v $$v >/dev/null 2>&1 && $$v -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$v && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup up demo test bench chaos check format lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  \033[1m%-8s\033[0m %s\n", $$1, $$2}'

setup: $(READY) ## Create .venv with the locked dependencies, development tools included

$(READY): requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "SocialSync needs Python 3.11 or later with venv on the PATH (or PYTHON=/path/to/python)." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked dependencies (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

up: setup ## Run everything on embedded defaults: http://127.0.0.1:8000
	@$(BIN)/socialsync up

demo: setup ## Play a scripted story with live progress
	@$(BIN)/socialsync demo

test: setup ## Run the whole test suite
	@$(BIN)/pytest -n 4 --dist worksteal

bench: setup ## Measure the queue beside Celery, PgQueuer and stock procrastinate (FULL=1: an hour)
	@$(BIN)/python -m bench $(if $(FULL),--full) --write bench/RESULTS.md

chaos: setup ## Crowds, storms and deaths in full doses (about an hour)
	@$(BIN)/pytest tests/chaos tests/journeys --thorough -s
	@$(BIN)/pytest -m hypothesis --thorough

check: setup ## Lint, types, imports, migrations
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.migrations

format: setup ## Format the code and sort its imports
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

lock: setup ## Resolve the dependencies anew (needs uv on the PATH)
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
		--custom-compile-command "make lock" pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
		--custom-compile-command "make lock" pyproject.toml --group dev -o requirements-dev.lock

clean: ## Remove .venv and caches (not your data in .socialsync)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
