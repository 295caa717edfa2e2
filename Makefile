# Latent Loom from a fresh clone: only make and a Python 3.11 to 3.13 are needed; everything else goes into .venv.
.DEFAULT_GOAL := help
.PHONY: help setup libraries run test test-all quick test-gpu test-rehearsed bench bench-peers bench-growth bench-plane shots lint clean

STAMP := .venv/latent-loom.stamp
# Paths stay relative, so that a clone may lie under a path with spaces.
BIN := .venv/bin
# Tests and pictures need no screen; QT_QPA_PLATFORM=xcb in the environment shows the windows.
OFFSCREEN := QT_QPA_PLATFORM="$${QT_QPA_PLATFORM:-offscreen}"
# Arguments handed on: make test ARGS="tests/engine -x", make bench ARGS="--quick".
ARGS ?=
# Tests run side by side, one process more than cores: some wait for what others compute. make test WORKERS=0 runs them
# in one, for a debugger.
WORKERS ?= $(shell expr `getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2` + 1)
PARALLEL := -n $(WORKERS) --maxprocesses 4 --dist worksteal
# Compiled modules are kept out of the tree, whatever the environment says: without them each process compiles all anew.
COMPILED := .venv/compiled
PYTEST := $(OFFSCREEN) OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX="$$PWD/$(COMPILED)" \
 $(BIN)/python -m pytest
# An interpreter with torch and pytest of its own, for test-gpu on a machine without .venv.
GPU_PYTHON ?= $(BIN)/python

# A CUDA build of torch and no window.
REHEARSED := .venv-rehearsed

help: ## what each target does
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|' 2>/dev/null || \
	 grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) libraries ## make .venv and install everything (PYTHON=... chooses the interpreter)

$(STAMP): pyproject.toml constraints.txt scripts/setup.sh
	@PYTHON="$(PYTHON)" sh scripts/setup.sh
	@touch $(STAMP)

libraries: $(STAMP)
	@$(BIN)/python scripts/system_libraries.py

run: setup ## open the window; without a display, draw it into latent-loom.png
	@$(BIN)/python scripts/system_libraries.py --screen
	@sh scripts/run.sh

lint: $(STAMP) ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup ## lint and the quick tests, side by side
	@$(MAKE) -j 2 lint quick

test-all: setup ## lint and all tests that need no GPU, side by side
	@$(MAKE) -j 2 lint quick MARKED='-m "not gpu and not rehearsed"'

# The first time one process compiles for all, on the core that mypy leaves.
quick:
	@test -d $(COMPILED) || $(PYTEST) --collect-only -q >/dev/null 2>&1 || true
	$(PYTEST) $(PARALLEL) $(MARKED) $(ARGS)

# The window's test plugins may be missing on a GPU machine, so this run takes none of the project's pytest settings.
test-gpu: $(if $(filter $(BIN)/python,$(GPU_PYTHON)),setup) ## the tests that need a CUDA device (GPU_PYTHON=python3 where there is no .venv)
	@test -d tests/gpu || { echo "There is no tests/gpu here."; exit 1; }
	$(GPU_PYTHON) -m pytest -c /dev/null --rootdir=. --confcutdir=tests/gpu -p no:cacheprovider -m gpu tests/gpu $(ARGS)

# There is no window in that environment either.
test-rehearsed: $(REHEARSED)/latent-loom.stamp ## a GPU rehearsed without one, in an environment of its own (5.5 GB)
	OMP_NUM_THREADS=1 $(REHEARSED)/bin/python -m pytest -c /dev/null --rootdir=. --confcutdir=tests/rehearsed \
	 -p no:cacheprovider $(PARALLEL) -m rehearsed tests/rehearsed $(ARGS)

$(REHEARSED)/latent-loom.stamp: constraints.txt scripts/setup_rehearsed.sh
	@PYTHON="$(PYTHON)" sh scripts/setup_rehearsed.sh
	@touch $@

bench: setup ## latencies, throughputs and memory of this machine
	@$(OFFSCREEN) $(BIN)/latent-loom bench $(ARGS)

bench-peers: setup ## beside textbook codes and the packages of others that are installed (pip install --group peers)
	@$(BIN)/python -m tests.benchmarks.peers $(ARGS)

bench-growth: setup ## how cost grows with size, depth and width, beside its estimate
	@$(BIN)/python -m tests.benchmarks.growth $(ARGS)

bench-plane: setup ## what every objective and flow of the Lab comes to, five seeds (ARGS=plane.jsonl, then --table)
	@$(BIN)/python -m tests.benchmarks.plane $(ARGS)

shots: setup ## pictures of every workspace at three sizes in build/shots
	@sh scripts/shots.sh

clean: ## remove both environments, caches and pictures (runs stay)
	rm -rf .venv $(REHEARSED) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis latent-loom.png
