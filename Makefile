# Everything a person types. Each target sets up what it needs in .venv, on a machine with
# Python 3.11 to 3.13 and nothing else.

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
    $$python -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
    2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
# Compiling all of TensorFlow takes longer than unpacking it: only what is imported is compiled,
# once, unless the environment forbids that too.
INSTALL := $(BIN)/python -m pip install --no-compile -c constraints.txt
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

BENCHMARKS = $(filter-out %/figures.py,$(wildcard tests/benchmarks/*.py))

.DEFAULT_GOAL := help
.PHONY: help lab report test coverage check lint types layers kernels bench figures constraints browser

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

lab: .venv/lab.stamp ## open JupyterLab on the notebooks
	$(BIN)/workbench lab

report: .venv/base.stamp ## train, run the notebook, write the HTML page; ARGS="-p corpus scan" sets parameters
	$(BIN)/workbench report notebooks/experiment.ipynb $(ARGS)

# Two processes, a file at a time in the order of the folders: the tests in the browser, which take
# longest, come first, and small files last, so that both processes end together.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

test: .venv/test.stamp browser ## run every test; ARGS="tests/data -x" narrows it down
	$(PYTEST) $(ARGS)

coverage: .venv/test.stamp browser ## run every test and list the lines that none reached
	$(PYTEST) --cov --cov-report=term-missing:skip-covered $(ARGS)

check: lint types layers ## ruff, mypy and the walls between the rooms: before every commit

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/test.stamp
	$(BIN)/mypy

layers: .venv/test.stamp
	$(BIN)/pytest -q tests/test_layers.py

kernels: .venv/test.stamp browser ## the browser tests with ipykernel 6.31, 7.3 and the newest one
	@for version in 6.31.0 7.3.0; do \
	    $(BIN)/python -m pip install --quiet --upgrade --no-deps --target .venv/kernels/$$version ipykernel==$$version; \
	    echo "ipykernel $$version"; \
	    WORKBENCH_REQUIRE_BROWSER=1 PYTHONPATH=$(CURDIR)/.venv/kernels/$$version \
	        $(BIN)/pytest -q tests/browser || exit 1; \
	done
	@echo "ipykernel as installed"; WORKBENCH_REQUIRE_BROWSER=1 $(BIN)/pytest -q tests/browser

bench: .venv/test.stamp ## run the benchmarks
	@for script in $(BENCHMARKS); do echo "$$script"; $(BIN)/python $$script || exit 1; done

figures: .venv/test.stamp ## measure what takes minutes, into tests/benchmarks/FIGURES.md
	$(BIN)/python tests/benchmarks/figures.py $(ARGS)

constraints: ## pin the newest allowed versions; PYTHONS="python3.11 python3.12" names the interpreters
	$(PYTHON) .ci/constraints.py $(PYTHONS)

browser: .venv/test.stamp # where no Chromium is on the PATH, ask for Playwright's own
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	$(BIN)/playwright install --only-shell chromium || echo "No Chromium to be had: the browser tests will be skipped."

.venv/base.stamp: pyproject.toml constraints.txt
	$(if $(PYTHON),,$(error No Python 3.11, 3.12 or 3.13 with venv found on the PATH: install one, or name it: make PYTHON=/path/to/python3))
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --upgrade -c constraints.txt pip
	$(INSTALL) -e .
	@touch $@

.venv/lab.stamp .venv/test.stamp: .venv/%.stamp: .venv/base.stamp
	$(INSTALL) -e '.[$*]'
	@touch $@
