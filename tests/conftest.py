"""Shared fixtures: the golden cases, and a TensorFlow that starts quietly and from a seed."""

import contextlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def golden():
    """golden("fashion_generator") -> {name: array}, computed with the released networks."""

    def load(name):
        with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
            return dict(file)

    return load


@pytest.fixture(scope="session")
def state_dict_shapes():
    """{network: [[name, PyTorch shape], ...]}."""
    return json.loads((GOLDEN / "state_dict_keys.json").read_text())


@pytest.fixture(params=["native", "tf"])
def implementation(request):
    """Runs a test with the compiled operators, or skips it without a library, and with TensorFlow's own."""
    from gfla_tf import ops
    from gfla_tf.native import loader

    if request.param == "native" and not ops.native_available():
        pytest.skip(f"no compiled operators: {loader.unavailable_reason()}")
    with loader.portable() if request.param == "tf" else contextlib.nullcontext():
        yield request.param


@pytest.fixture(scope="session")
def torch():
    """PyTorch, for tests that read or write its files; without it they are skipped."""
    return pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _seed():
    import keras

    keras.utils.set_random_seed(0)
