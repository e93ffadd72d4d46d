# `make demo` and `make test` set everything up on a fresh machine with Python 3.11 to 3.13.

PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13; do \
    $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
NATIVE := $(VENV)/native

# Tests run in this many processes, each with one TensorFlow thread (tests/conftest.py). WORKERS=0: in one process.
WORKERS ?= 2
PYTEST := -m pytest -n $(WORKERS) --dist worksteal

# The tf215 stack: TensorFlow 2.15 on Python 3.11, in a separate environment (docs/tf215.md).
TF215_PYTHON ?= $(shell for p in python3.11 python3; do \
    $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && echo $$p && break; done)
TF215 := .venv-tf215
TF215_BIN := $(TF215)/bin

# What can differ on that stack: whatever calls TensorFlow, Keras or OpenCV directly, training, saving, and one export.
TF215_TESTS := $(addprefix tests/,ops native layers losses features models training weight_files interop images \
    pose/test_heatmaps.py tf215 export/test_serving.py cli/test_export_file.py cli/test_data_serve.py \
    test_imports.py test_savedmodels.py)

# Interpreters for `make package-check`; by default every supported version that is installed.
PYTHONS ?=

CXX_SOURCES := $(shell find custom_ops -name '*.cc' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh')

.PHONY: demo test test-fast test-tf215 test-tf215-all package-check native lint format clean

demo: $(NATIVE)
	$(BIN)/gfla demo -o demo

test: $(NATIVE)
	$(BIN)/python $(PYTEST)

test-fast: $(NATIVE)
	$(BIN)/python $(PYTEST) -m "not slow"

test-tf215: $(TF215)/native
	$(TF215_BIN)/python $(PYTEST) $(TF215_TESTS)

test-tf215-all: $(TF215)/native
	$(TF215_BIN)/python $(PYTEST)

package-check: $(READY)
	$(BIN)/python tests/packaging/every_python.py $(PYTHONS)

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

# The compiled operators are optional: without them the operators run on TensorFlow's own.
$(NATIVE): $(READY) $(CXX_SOURCES) custom_ops/CMakeLists.txt $(wildcard custom_ops/cmake/*)
	@$(BIN)/gfla native build || echo "continuing without the compiled operators" >&2
	@touch $@

$(TF215)/native: $(TF215)/ready $(CXX_SOURCES) custom_ops/CMakeLists.txt $(wildcard custom_ops/cmake/*)
	@$(TF215_BIN)/gfla native build || echo "continuing without the compiled operators" >&2
	@touch $@

# An environment is made again when its requirements change.
$(READY): constraints.txt pyproject.toml setup.py
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is required but was not found; set PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq python3-venv || { \
	  echo "Python's venv module is missing; on Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }; }
	$(PYTHON) -m venv $(VENV)
	GFLA_NATIVE=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

# opencv-python and opencv-python-headless (a dependency of gfla_tf) both install the folder cv2. Both are pinned to one
# version, and opencv-python is installed last so that its files are used. It loads libGL, which servers often lack.
$(TF215)/ready: constraints-tf215.txt pyproject.toml setup.py
	@test -n "$(TF215_PYTHON)" || { echo "the tf215 packages require Python 3.11, which was not found; set TF215_PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(TF215_PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo "$(TF215_PYTHON) is not Python 3.11 with its venv module (on Debian or Ubuntu: python3.11-venv)" >&2; exit 1; }
	$(TF215_PYTHON) -m venv $(TF215)
	GFLA_NATIVE=0 $(TF215_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-tf215.txt -e ".[tf215,dev]"
	$(TF215_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-tf215.txt --force-reinstall --no-deps opencv-python
	@$(TF215_BIN)/python -c 'import cv2' || { echo "opencv-python cannot be loaded; on Debian or Ubuntu: sudo apt-get install libgl1 libglib2.0-0" >&2; exit 1; }
	@touch $@

clean:
	rm -rf $(VENV) $(TF215) build dist *.egg-info gfla_tf/native/lib
