"""ONNX files run by ONNX Runtime match the Keras model."""

import json
import sys

import numpy as np
import pytest

from gfla_tf import interop
from gfla_tf.errors import InputError
from gfla_tf.export.onnx import convert, export_onnx, open_onnx
from gfla_tf.models import PersonImageGenerator
from tests.export.small import random_inputs, small_model
from tests.golden import recipe

pytest.importorskip("tf2onnx")
pytest.importorskip("onnxruntime")

SIZE = (32, 32)


def _difference(actual, model, inputs):
    expected = {name: value.numpy() for name, value in model.named_outputs(model(inputs)).items()}
    assert {name: value.shape for name, value in actual.items()} == {
        name: value.shape for name, value in expected.items()
    }
    return max(float(np.abs(actual[name] - expected[name]).max()) for name in expected)


@pytest.mark.slow
def test_any_batch_matches_the_model(tmp_path):
    model, path = small_model(), tmp_path / "small.keras"
    model.save(path)
    done = export_onnx(model, tmp_path / "a.onnx", source=path)
    run = open_onnx(done.path.read_bytes())
    for batch in (1, 3):
        inputs = random_inputs(SIZE, batch)
        assert _difference(run(inputs), model, inputs) < 1e-5
    assert json.loads((tmp_path / "a.model_card.json").read_text()) == done.model_card
    assert done.model_card["export"]["batch"] == "dynamic"
    assert done.model_card["parity"]["image"] < 1e-5


@pytest.mark.parametrize("package", ["tf2onnx", "onnxruntime"])
def test_the_error_without_a_package_names_the_extra(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"{package} cannot be imported.*gfla-tf\[onnx\]"):
        export_onnx(small_model(), tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # 35 s: the golden case needs the full model, a graph of 2,600 operators for tf2onnx
def test_golden_market(golden, state_dict_shapes):
    model = PersonImageGenerator.from_preset("market", load_weights=False)
    weights = {key: recipe.weight(key, shape) for key, shape in state_dict_shapes["market_generator"]}
    interop.torch.load_state_dict(model, weights)
    poses = {
        f"{which}_pose": recipe.heatmaps(recipe.keypoints(f"pose_{which}", 2, 18, (128, 64)), (128, 64))
        for which in ("source", "target")
    }
    inputs = {"source_image": recipe.image("source", (2, 128, 64, 3)), **poses}
    actual, case = open_onnx(convert(model, (128, 64), 2))(inputs), golden("market_generator")
    assert _difference(actual, model, inputs) < 1e-4
    for key, value in actual.items():
        np.testing.assert_allclose(value, case[key], atol=1e-4, rtol=0, err_msg=key)
