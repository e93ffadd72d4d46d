"""TFLite files run by LiteRT: they match the Keras model and use only TFLite's builtin operators."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import interop
from gfla_tf.data import SyntheticPeople
from gfla_tf.errors import InputError
from gfla_tf.export import network_parity
from gfla_tf.export.exported_file import ExportedFile
from gfla_tf.export.litert import open_tflite
from gfla_tf.export.tflite import FORMS, convert, export_tflite
from gfla_tf.export.tflite_flatbuffer import foreign_operators, halve_weights, operators
from gfla_tf.models import PersonImageGenerator
from gfla_tf.models.loading import load_generator
from gfla_tf.synthetic import write_folder
from tests.export.small import random_inputs, small_model
from tests.golden import recipe

pytest.importorskip("ai_edge_litert")

SIZE = (32, 32)
NAMES = ["flow_0", "flow_1", "image", "mask_0", "mask_1"]


@pytest.fixture(scope="module")
def saved(build_once):
    """The path of a small model."""
    folder = build_once("small_model", lambda folder: small_model().save(folder / "small.keras"))
    return str(folder / "small.keras")


@pytest.fixture(scope="module")
def model(saved):
    return load_generator(saved)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "people"
    dataset = SyntheticPeople(SIZE, identities={"train": 2, "test": 1})
    write_folder(folder, dataset, "deepfashion")
    return str(folder)


@pytest.fixture(scope="module")
def exported(model, saved, people, build_once):
    """{form: `ExportedFile`}."""

    def export(folder):
        for form in FORMS:
            done = export_tflite(
                model,
                folder / f"{form}.tflite",
                source=saved,
                quantize=form,
                calibration=people if form == "int8" else None,
            )
            assert done.path == folder / f"{form}.tflite"
            assert json.loads((folder / f"{form}.model_card.json").read_text()) == done.model_card

    folder = build_once("tflite_files", export)
    return {
        form: ExportedFile(
            folder / f"{form}.tflite", json.loads((folder / f"{form}.model_card.json").read_text())
        )
        for form in FORMS
    }


def _keras(model, inputs):
    outputs = model.named_outputs(model(inputs))
    return {name: value.numpy() for name, value in outputs.items()}


def _difference(run, model, inputs):
    return _largest_difference(run(inputs), _keras(model, inputs))


def _largest_difference(actual, expected):
    assert {name: value.shape for name, value in actual.items()} == {
        name: value.shape for name, value in expected.items()
    }
    return max(float(np.abs(actual[name] - expected[name]).max()) for name in expected)


# The small network's weights are larger than a trained one's, and int8 ranges were not calibrated on noise:
# its limit is half of the range.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "limit"), [("float32", 1e-5), ("float16", 5e-3), ("dynamic", 0.3), ("int8", 1.0)]
)
def test_every_form_matches_the_model(exported, model, form, limit):
    content = exported[form].path.read_bytes()
    run = open_tflite(content)
    assert sorted(run(random_inputs(SIZE, 1))) == NAMES
    difference = _difference(run, model, random_inputs(SIZE, 1))
    assert difference < limit
    if form != "float32":
        assert difference > 1e-5  # the file is not float32


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_only_builtin_operators(exported, form):
    content = exported[form].path.read_bytes()
    found = operators(content)
    assert found["CONV_2D"] > 10
    assert not [name for name in found if name.startswith("CUSTOM") or "FLEX" in name.upper()]
    assert "WHILE" not in found
    assert foreign_operators(content) == []


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_the_model_card_describes_the_file_and_its_parity(exported, model, form):
    path, card = exported[form].path, exported[form].model_card
    assert card["export"]["quantize"] == form
    assert card["files"][path.name]["bytes"] == path.stat().st_size
    assert sorted(card["parity"]) == sorted([*NAMES, "ssim"])
    if form != "int8":  # int8 is compared on the folder's pairs
        pairs = network_parity.synthetic_pairs(model, SIZE)
        again = network_parity.compare(model, open_tflite(path.read_bytes()), pairs)
        assert card["parity"] == pytest.approx(again, abs=1e-5)
    assert (card["parity"]["ssim"] > 0.9999) == (form in ("float32", "float16"))


@pytest.mark.slow
def test_sizes_of_the_forms(exported):
    sizes = {form: done.path.stat().st_size for form, done in exported.items()}
    assert sizes["float16"] < 0.85 * sizes["float32"]  # the graph is a large part of so small a file
    assert sizes["dynamic"] < sizes["float16"]


def _interpreter(done):
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_content=done.path.read_bytes())


@pytest.mark.slow
def test_float16_keeps_the_smallest_tensors_in_float32(exported):
    details = _interpreter(exported["float16"]).get_tensor_details()
    halved = [int(np.prod(one["shape"])) for one in details if one["dtype"] == np.float16]
    widened = [one["name"] for one in details if one["name"].endswith("_float32")]
    total = exported["float16"].model_card["parameters"]
    assert len(widened) == len(halved) == operators(exported["float16"].path.read_bytes())["DEQUANTIZE"]
    assert 0.75 < sum(halved) / total < 0.85  # four fifths; a tensor is never halved in part
    assert min(halved) > 8  # biases, scales and other short tensors stay float32


@pytest.mark.slow
def test_int8_keeps_positions_and_images_in_float32(exported, model):
    content = exported["int8"].path.read_bytes()
    found = operators(content)
    assert found["QUANTIZE"] > 10
    outputs = open_tflite(content)(random_inputs(SIZE, 1))
    for name in NAMES:  # an int8 tensor has at most 256 values
        values = np.unique(outputs[name])
        assert len(values) > min(outputs[name].size * 0.9, 257), name
    details = {one["name"]: one["dtype"] for one in _interpreter(exported["int8"]).get_tensor_details()}
    assert sum(dtype == np.int8 for dtype in details.values()) > 40


@pytest.fixture(scope="module")
def dynamic_batch(model):
    """The content of a float32 file with a dynamic batch size."""
    return convert(model, SIZE, batch=None)


def test_dynamic_batch(dynamic_batch, model):
    run = open_tflite(dynamic_batch)
    for batch in (1, 3, 2):
        assert _difference(run, model, random_inputs(SIZE, batch, seed=batch)) < 1e-5


@pytest.mark.slow
def test_another_size(model, saved, tmp_path):
    done = export_tflite(model, tmp_path / "a.tflite", source=saved, size=(48, 32))
    assert done.model_card["export"]["size"] == [48, 32]
    assert _difference(open_tflite(done.path.read_bytes()), model, random_inputs((48, 32), 1)) < 1e-5


def test_a_size_that_is_not_divisible(model, tmp_path):
    with pytest.raises(InputError, match="divisible by 8, got 36x32"):
        export_tflite(model, tmp_path / "a.tflite", size=(36, 32))


def test_calibration_is_for_int8_only(model, people, tmp_path):
    with pytest.raises(InputError, match="int8 needs calibration data"):
        export_tflite(model, tmp_path / "a.tflite", quantize="int8")
    with pytest.raises(InputError, match="float16 takes no calibration data"):
        export_tflite(model, tmp_path / "a.tflite", quantize="float16", calibration=people)
    with pytest.raises(InputError, match="does not"):
        export_tflite(model, tmp_path / "a.tflite", quantize="int8", calibration=tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_calibration_reads_a_limited_number_of_pairs(model, people, monkeypatch):
    from gfla_tf.export.calibration import Calibration

    monkeypatch.setattr("gfla_tf.export.calibration.MAX_PAIRS", 5)
    data, progress = Calibration(people, model, SIZE), []
    pairs = list(data.read(lambda done, total: progress.append((done, total))))
    assert len(pairs) == 5
    assert progress == [(number, 5) for number in range(1, 6)]
    assert pairs[0]["source_image"].shape == (1, *SIZE, 3)
    assert len(data.held_out(3)) == 3


def test_a_damaged_image_of_the_calibration_is_named(model, people, tmp_path):
    folder = shutil.copytree(people, tmp_path / "people")
    for image in (folder / "train").iterdir():
        image.write_bytes(image.read_bytes()[:200])
    with pytest.raises(InputError, match=r"the image .*train/.*\.jpg' is a truncated JPEG file"):
        export_tflite(model, tmp_path / "a.tflite", quantize="int8", calibration=folder)
    assert [path.name for path in tmp_path.iterdir()] == ["people"]


def test_a_file_that_differs_too_much_is_not_written(dynamic_batch, model, saved, tmp_path, monkeypatch):
    monkeypatch.setattr("gfla_tf.export.tflite.convert", lambda *_: dynamic_batch)
    monkeypatch.setitem(network_parity.LIMITS, "float32", 1e-12)
    with pytest.raises(InputError, match=r"float32 export's .* more than 1e-12: nothing was written"):
        export_tflite(model, tmp_path / "a.tflite", source=saved)
    assert list(tmp_path.iterdir()) == []


def test_a_model_with_nan_is_rejected(dynamic_batch, tmp_path, monkeypatch):
    monkeypatch.setattr("gfla_tf.export.tflite.convert", lambda *_: dynamic_batch)
    network = small_model()
    network.variables[0].assign(np.full(network.variables[0].shape, np.nan, np.float32))
    with pytest.raises(InputError, match="not finite"):
        export_tflite(network, tmp_path / "a.tflite")
    assert list(tmp_path.iterdir()) == []


def test_existing_files_are_not_overwritten_without_force(model, tmp_path):
    (tmp_path / "a.model_card.json").write_text("mine")
    with pytest.raises(InputError, match=r"a\.model_card\.json' exists already"):
        export_tflite(model, tmp_path / "a.tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["a.model_card.json"]


def test_the_error_without_litert_names_the_extra(model, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(InputError, match=r"gfla-tf\[litert\]"):
        export_tflite(model, tmp_path / "a.tflite")
    assert list(tmp_path.iterdir()) == []


def test_an_operator_that_tflite_lacks_is_rejected(model, monkeypatch):
    def named_outputs(outputs):
        return {"image": _patches(outputs["image"])}

    monkeypatch.setattr(model, "named_outputs", named_outputs)
    with pytest.raises(InputError, match="TFLite's builtin operators: it needs ExtractImagePatches"):
        convert(model, SIZE)


def _patches(images):
    return tf.image.extract_patches(images, [1, 3, 3, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME")


def test_foreign_operators():
    call = tf.function(_patches).get_concrete_function(tf.TensorSpec([1, 8, 8, 3], tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([call])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    assert foreign_operators(converter.convert()) == ["FlexExtractImagePatches"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size", "batch"), [("fashion", (256, 256), 1), ("market", (128, 64), 2)])
def test_golden_generators(golden, state_dict_shapes, name, size, batch):
    model = PersonImageGenerator.from_preset(name, load_weights=False)
    weights = {key: recipe.weight(key, shape) for key, shape in state_dict_shapes[f"{name}_generator"]}
    interop.torch.load_state_dict(model, weights)
    poses = {
        f"{which}_pose": recipe.heatmaps(recipe.keypoints(f"pose_{which}", batch, 18, size), size)
        for which in ("source", "target")
    }
    inputs = {"source_image": recipe.image("source", (batch, *size, 3)), **poses}
    expected, case = _keras(model, inputs), golden(f"{name}_generator")
    float32 = convert(model, size, "float32", batch)
    for content, limit in ((float32, 1e-4), (halve_weights(float32), 5e-3)):
        assert foreign_operators(content) == []
        actual = open_tflite(content)(inputs)
        assert _largest_difference(actual, expected) < limit
        for key, value in actual.items():
            np.testing.assert_allclose(value, case[key], atol=limit, rtol=0, err_msg=key)
