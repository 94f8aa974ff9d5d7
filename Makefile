# clew: every job of the project. `make` alone lists them. All of them work inside .venv, which they set up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NATIVE := $(shell find native -name '*.cpp' -o -name '*.h' -o -name CMakeLists.txt)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format slow native sanitize emulate docs package clean

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

native: $(VENV)/clew.stamp ## compile the native backend again, and say what there is
	$(BIN)/python -c "import clew; print(clew.backends())"

sanitize: $(VENV)/dev.stamp ## run the kernels' tests with addresses and undefined behaviour checked
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python .ci/sanitize.py

emulate: ## check the kernels as aarch64, emulated, and in every width of vectors
	$(PYTHON) .ci/try_kernels.py

docs: $(VENV)/dev.stamp ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

package: $(VENV)/dev.stamp ## build sdist and wheel, install and run each in a clean environment
	rm -rf build dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python .ci/try_package.py dist/*.whl dist/*.tar.gz

clean: ## remove everything these jobs made
	rm -rf $(VENV) build dist docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
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

# Without a C++ compiler this installs clew as pure Python. The build tools are in .venv, not in an environment of
# one build, so that only what changed is compiled again.
$(VENV)/clew.stamp: $(VENV)/torch.stamp pyproject.toml $(NATIVE)
	@$(PIP) install nanobind scikit-build-core
	@command -v cmake >/dev/null || $(PIP) install cmake ninja
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) install --constraint constraints.txt --no-build-isolation \
	  --config-settings=build-dir=build/native --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/clew.stamp
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) install --constraint constraints.txt --no-build-isolation \
	  --config-settings=build-dir=build/native --editable '.[dev]'
	@touch $@
