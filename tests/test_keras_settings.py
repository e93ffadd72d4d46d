"""The settings in keras.json: the package gives the same results under any valid ones, or names them."""

import importlib
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from gfla_tf import _compat
from gfla_tf.errors import InputError
from gfla_tf.features import part_labeller
from gfla_tf.features.part_features import PartFeatures
from tests.training import small


@pytest.fixture
def channels_first():
    before = keras.backend.image_data_format()
    keras.backend.set_image_data_format("channels_first")
    yield
    keras.backend.set_image_data_format(before)


def _networks():
    return [small.generator(), small.discriminator(), part_labeller.build(PartFeatures(), seed=0)]


def _outputs(networks):
    image = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    pose = np.random.default_rng(1).random((1, 32, 32, 18)).astype("float32")
    generator, discriminator, labeller = networks
    inputs = {"source_image": image, "source_pose": pose, "target_pose": pose[:, ::-1]}
    return [generator(inputs)["image"], discriminator(image), *labeller(image)]


def _check_equal_outputs(networks, others, atol):
    for network, other in zip(networks, others, strict=True):
        other.set_weights(network.get_weights())
    for value, expected in zip(_outputs(others), _outputs(networks), strict=True):
        assert value.dtype == expected.dtype
        np.testing.assert_allclose(value, expected, atol=atol * np.abs(expected).max())


def test_networks_do_not_depend_on_the_image_data_format(request):
    networks = _networks()
    request.getfixturevalue("channels_first")
    _check_equal_outputs(networks, _networks(), 1e-5)


@pytest.mark.parametrize(("floatx", "atol"), [("float64", 1e-4), ("float16", 0.1)])
def test_networks_work_with_any_floatx(floatx, atol):
    networks = _networks()
    before = keras.backend.floatx()
    keras.backend.set_floatx(floatx)
    try:
        with _compat.dtype_policy(floatx):
            _check_equal_outputs(networks, _networks(), atol)
    finally:
        keras.backend.set_floatx(before)


def test_settings_that_keras_refuses_are_named(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"floatx": "bfloat16"}))
    code = (
        "import gfla_tf\n"
        "from gfla_tf.errors import InputError\n"
        "try:\n"
        "    import keras\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Keras cannot be imported (")
    assert f"floatx, epsilon and image_data_format in {tmp_path / 'keras.json'}" in done.stdout


@pytest.mark.skipif(not _compat.KERAS_3, reason="Keras 2 has one backend")
def test_another_backend_is_named(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with pytest.raises(InputError, match=r"Keras's backend is 'torch'.*KERAS_BACKEND"):
        importlib.reload(_compat)
