"""Fixtures shared by all tests, and the environment in which TensorFlow starts."""

import contextlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if "PYTEST_XDIST_WORKER" in os.environ:  # pytest -n: the workers share the cores, so each gets one thread
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")  # overridden by tests that set their own number of threads

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def golden():
    """A function that loads a golden case: golden("fashion_generator") returns {name: array}."""

    def load(name):
        with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
            return dict(file)

    return load


@pytest.fixture(scope="session")
def state_dict_shapes():
    """The names and shapes of the released networks' tensors: {network: [[name, PyTorch shape], ...]}."""
    return json.loads((GOLDEN / "state_dict_keys.json").read_text())


@pytest.fixture(params=["native", "tf"])
def implementation(request):
    """Runs a test twice: with the compiled operators, if they are available, and with TensorFlow's own."""
    from gfla_tf import ops
    from gfla_tf.native import loader

    if request.param == "native" and not ops.native_available():
        pytest.skip(f"no compiled operators: {loader.unavailable_reason()}")
    with loader.portable() if request.param == "tf" else contextlib.nullcontext():
        yield request.param


@pytest.fixture(scope="session")
def torch():
    """The torch module, for tests of PyTorch files; skips the test if it is not installed."""
    return pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _seed():
    """Seeds Python, NumPy and Keras before each test."""
    import keras

    keras.utils.set_random_seed(0)
