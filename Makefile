# `make demo` and `make test` do all set-up on a fresh machine with Python 3.11 to 3.13.

PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13; do \
    $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
NATIVE := $(VENV)/native

# The second stack, the tf215 packages on Python 3.11 (docs/tf215.md), in an environment of its own.
TF215_PYTHON ?= $(shell for p in python3.11 python3; do \
    $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && echo $$p && break; done)
TF215 := .venv-tf215
TF215_BIN := $(TF215)/bin
CXX_SOURCES := $(shell find custom_ops -name '*.cc' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh')

.PHONY: demo test test-fast test-tf215 test-tf215-fast package-check native lint format clean

demo: $(NATIVE)
	$(BIN)/gfla demo --out demo

test: $(NATIVE)
	$(BIN)/python -m pytest

test-fast: $(NATIVE)
	$(BIN)/python -m pytest -m "not slow"

test-tf215: $(TF215)/native
	$(TF215_BIN)/python -m pytest

test-tf215-fast: $(TF215)/native
	$(TF215_BIN)/python -m pytest -m "not slow"

package-check: $(READY)
	$(BIN)/python tests/packaging/every_python.py

native: $(READY)
	$(BIN)/gfla native build --werror
	@touch $(NATIVE)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(CXX_SOURCES) tests/export/client.c
	$(BIN)/python -m pytest -q tests/test_imports.py

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CXX_SOURCES) tests/export/client.c

# The compiled operators are worth having, but not needed: without them TensorFlow's own are used.
$(NATIVE): $(READY) $(CXX_SOURCES) custom_ops/CMakeLists.txt $(wildcard custom_ops/cmake/*)
	@$(BIN)/gfla native build || echo "going on without the compiled operators" >&2
	@touch $@

$(TF215)/native: $(TF215)/ready $(CXX_SOURCES) custom_ops/CMakeLists.txt $(wildcard custom_ops/cmake/*)
	@$(TF215_BIN)/gfla native build || echo "going on without the compiled operators" >&2
	@touch $@

# The environments are made again when what they are made from changes.
$(READY): constraints.txt pyproject.toml setup.py
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found; set PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq python3-venv || { \
	  echo "Python's venv module is missing; on Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }; }
	$(PYTHON) -m venv $(VENV)
	GFLA_NATIVE=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

# opencv-python and the headless package that every stack needs own the same folder, cv2. Both are pinned to one version, and
# opencv-python is put there last. It loads libGL, which a machine without a desktop lacks.
$(TF215)/ready: constraints-tf215.txt pyproject.toml setup.py
	@test -n "$(TF215_PYTHON)" || { echo "the tf215 packages need Python 3.11 and none was found; set TF215_PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(TF215_PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo "$(TF215_PYTHON) is not Python 3.11 with its venv module (on Debian or Ubuntu: python3.11-venv)" >&2; exit 1; }
	$(TF215_PYTHON) -m venv $(TF215)
	GFLA_NATIVE=0 $(TF215_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-tf215.txt -e ".[tf215,dev]"
	$(TF215_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-tf215.txt --force-reinstall --no-deps opencv-python
	@$(TF215_BIN)/python -c 'import cv2' || { echo "opencv-python cannot be loaded; on Debian or Ubuntu: sudo apt-get install libgl1 libglib2.0-0" >&2; exit 1; }
	@touch $@

clean:
	rm -rf $(VENV) $(TF215) build dist *.egg-info gfla_tf/native/lib
