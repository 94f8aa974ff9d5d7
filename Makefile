# clew: every job of the project. `make` alone lists them. All of them work inside .venv, which they set up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format slow docs package clean

help: ## list the jobs
	@echo "usage: make JOB [PYTHON=python3.12]"
	@echo
	@sed -n "s/^\([a-z]*\):.*## \(.*\)/  make \1$$(printf '\t')\2/p" Makefile

demo: $(VENV)/clew.stamp ## train on real speech, stream it sample by sample, write a report
	$(BIN)/python examples/demo.py

test: lint ## lint, strict types, import layers, tests, doctests
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

lint: $(VENV)/dev.stamp ## style, format, strict types, import layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/dev.stamp ## rewrite the code in the house style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

slow: $(VENV)/dev.stamp ## the tests marked slow
	$(BIN)/python -m pytest -m slow

docs: $(VENV)/dev.stamp ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

package: $(VENV)/dev.stamp ## build sdist and wheel, install and run each in a clean environment
	rm -rf build dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python .ci/try_package.py dist/*.whl dist/*.tar.gz

clean: ## remove everything these jobs made
	rm -rf $(VENV) build dist docs/_build docs/_figures .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# torch comes first and pinned: asked for by itself it is the build that constraints.txt names, and what is
# installed after it finds it there.
$(VENV)/torch.stamp: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "clew needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo not there)." >&2; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "setting up $(VENV) (once; torch is the large part)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --constraint constraints.txt torch
	@touch $@

$(VENV)/clew.stamp: $(VENV)/torch.stamp pyproject.toml
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/torch.stamp pyproject.toml
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/clew.stamp $@
