"""ONNX files, as ONNX Runtime runs them: equal to the Keras model, or refused."""

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


def _difference(run, model, inputs):
    given = run(inputs)
    wanted = {name: value.numpy() for name, value in model.named_outputs(model(inputs)).items()}
    assert {name: value.shape for name, value in given.items()} == {
        name: value.shape for name, value in wanted.items()
    }
    return max(float(np.abs(given[name] - wanted[name]).max()) for name in wanted)


@pytest.mark.slow
def test_any_batch_answers_as_the_model(tmp_path):
    model, path = small_model(), tmp_path / "small.keras"
    model.save(path)
    done = export_onnx(model, tmp_path / "a.onnx", source=path)
    run = open_onnx(done.path.read_bytes())
    for batch in (1, 3):
        assert _difference(run, model, random_inputs(SIZE, batch)) < 1e-5
    assert json.loads((tmp_path / "a.model_card.json").read_text()) == done.model_card
    assert done.model_card["export"]["batch"] == "dynamic"
    assert done.model_card["parity"]["image"] < 1e-5


@pytest.mark.parametrize("package", ["tf2onnx", "onnxruntime"])
def test_without_a_package_the_extra_is_named(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"{package} cannot be imported.*gfla_tf\[onnx\]"):
        export_onnx(small_model(), tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_golden_market(golden, state_dict_shapes):
    model = PersonImageGenerator.from_preset("market", load_weights=False)
    weights = {key: recipe.weight(key, shape) for key, shape in state_dict_shapes["market_generator"]}
    interop.torch.load_state_dict(model, weights)
    poses = {
        f"{which}_pose": recipe.heatmaps(recipe.keypoints(f"pose_{which}", 2, 18, (128, 64)), (128, 64))
        for which in ("source", "target")
    }
    inputs = {"source_image": recipe.image("source", (2, 128, 64, 3)), **poses}
    run = open_onnx(convert(model, (128, 64), 2))
    assert _difference(run, model, inputs) < 1e-4
    case = golden("market_generator")
    for key, value in run(inputs).items():
        np.testing.assert_allclose(value, case[key], atol=1e-4, rtol=0, err_msg=key)
