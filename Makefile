# `make demo` and `make test` do all set-up on a fresh machine with Python 3.11 to 3.13.

PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13; do \
    $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
NATIVE := $(VENV)/native
CXX_SOURCES := $(shell find custom_ops -name '*.cc' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh')

.PHONY: demo test test-fast package-check native lint format clean

demo: $(NATIVE)
	$(BIN)/gfla demo --out demo

test: $(NATIVE)
	$(BIN)/python -m pytest

test-fast: $(NATIVE)
	$(BIN)/python -m pytest -m "not slow"

package-check: $(READY)
	$(BIN)/python tests/packaging/every_python.py

native: $(READY)
	$(BIN)/gfla native build --werror
	@touch $(NATIVE)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(CXX_SOURCES)
	$(BIN)/python -m pytest -q tests/test_imports.py

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CXX_SOURCES)

# The compiled operators are worth having, but not needed: without them TensorFlow's own are used.
$(NATIVE): $(READY) $(CXX_SOURCES) custom_ops/CMakeLists.txt $(wildcard custom_ops/cmake/*)
	@$(BIN)/gfla native build || echo "going on without the compiled operators" >&2
	@touch $@

# The environment is made again when what it is made from changes.
$(READY): constraints.txt pyproject.toml setup.py
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found; set PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq python3-venv || { \
	  echo "Python's venv module is missing; on Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }; }
	$(PYTHON) -m venv $(VENV)
	GFLA_NATIVE=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info gfla_tf/ops/lib
