# Every command of the project. `make demo` and `make test` need only Python 3.11, make and a registry.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
SHUFFLED := -p randomly -n 2 --dist loadfile --no-loadscope-reorder --timeout=600

# The tests start thousands of processes: without it each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format fix lint types rooms docs bench lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: $(READY) ## leave everything in .venv; every other target does this by itself

demo: $(READY) ## decide a deployment of the embedded sandbox
	$(BIN)/pytest -m post_5min --env=sandbox

test: $(READY) ## the project's own tests: side by side, in random order, the fast ones first
	$(BIN)/pytest tests $(SHUFFLED)

check: format lint types rooms test docs ## everything that must hold before a merge

format: $(READY) ## is every file formatted?
	$(BIN)/ruff format --check .

fix: $(READY) ## format, and repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(READY) ## ruff
	$(BIN)/ruff check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

rooms: $(READY) ## imports go one way
	$(BIN)/lint-imports

docs: $(READY) ## links lead somewhere, and the next change log can be made
	$(BIN)/pytest tests/project/test_docs.py tests/docs/test_items.py
	$(BIN)/towncrier build --draft --version next

bench: $(READY) ## what the plugin costs asleep, and how long a phase takes
	$(BIN)/python -m benchmarks.run

lock: $(READY) ## resolve pyproject.toml anew into constraints.txt
	UV_NO_CONFIG=1 $(BIN)/uv pip compile pyproject.toml --output-file constraints.txt --upgrade \
	  --universal --python-version 3.11 --all-extras --group dev --group build --generate-hashes \
	  --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

clean: ## remove what set-up and tools made; reports stay
	rm -rf .venv build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache \
	  .mypy_cache .pytest_cache .ruff_cache

# Made anew when the dependencies change; an interrupted set-up is taken up again.
$(READY): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = "%d.%d" % sys.version_info[:2]; sys.exit(sys.version_info < (3, 11) and \
	  "found Python " + v + ", expected 3.11 or newer: make PYTHON=python3.12 ...")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
