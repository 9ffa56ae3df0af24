# Everything a contributor does is one word here; `make help` lists the words.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help run dev test test-all check fix lint types imports deps content docs bench sizes wheel offline lock packages clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run ## Assess this machine and the manifests in examples/, and print the report
	$(BIN)/xspm scan host examples/kubernetes --fail-on never

dev: $(VENV)/dev ## Set up everything for working on xspm

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "xspm needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run: requirements/run.txt pyproject.toml | $(VENV)/python
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/run
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

test: $(VENV)/dev packages ## Run the test suite
	$(PYTEST) -n auto

test-all: $(VENV)/dev packages ## Run the test suite with nothing sampled
	HYPOTHESIS_PROFILE=long XSPM_TEST_ALL=1 $(PYTEST) -n auto

check: lint types imports deps content test ## Everything CI checks about the code

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

types: $(VENV)/dev
	$(BIN)/mypy

imports: $(VENV)/dev
	$(BIN)/lint-imports

deps: $(VENV)/dev
	$(BIN)/deptry src

content: $(VENV)/dev ## Lint every policy file, run every example and every remediation
	$(BIN)/xspm policy lint
	$(BIN)/xspm check test

fix: $(VENV)/dev ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/dev ## Hold the README against the command line
	$(PYTEST) tests/e2e/test_readme.py

bench: $(VENV)/dev ## Print every benchmark's ratios (long; installs peers of its own)
	for command in benchmarks/*.py; do echo "== $$command"; $(BIN)/python $$command || exit 1; done

sizes: ## Show the largest source files
	@git ls-files 'src/*.py' | xargs wc -l | sort -rn | head -15

wheel: $(VENV)/dev ## Build the wheel into dist/
	rm -rf dist && $(BIN)/python -m build --wheel --no-isolation --outdir dist .

offline: wheel ## Install the wheel alone in a clean environment and scan without a network
	.ci/offline

lock: $(VENV)/dev ## Pin every dependency again
	$(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
	  --no-emit-trusted-host --no-emit-find-links --no-header --upgrade --extra all requirements/run.in pyproject.toml -o requirements/run.txt
	$(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
	  --no-emit-trusted-host --no-emit-find-links --no-header --upgrade requirements/dev.in -o requirements/dev.txt

packages: # Servers that tests start themselves; without root they are skipped with a reason
	@.ci/packages

clean: ## Remove what the targets above made
	rm -rf $(VENV) .venv-* build dist .coverage* .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
