"""The exported model in clients without gfla_tf: saved_model_cli, C, and TensorFlow Serving's messages."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from gfla_tf.export.saved_model import operators
from gfla_tf.images.io import decode_image
from tests.export.conftest import SIZES, generate_with_keras, request

pytestmark = pytest.mark.slow

SIGNATURES = {"serving_default", "sized", "tensors", "encode_source", "render"}
# The types supported by TensorFlow Serving's util/json_tensor.cc.
JSON_TYPES = {tf.float32, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint32, tf.uint64}
JSON_TYPES |= {tf.string, tf.bool}


@pytest.fixture(scope="module")
def graph(exported):
    """The exported model's MetaGraphDef."""
    saved = saved_model_pb2.SavedModel.FromString((exported / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    return graph


@pytest.fixture(scope="module")
def signatures(graph):
    return {name: one for name, one in graph.signature_def.items() if not name.startswith("__")}


def _cli(*words):
    command = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_only_operators_of_tensorflow(exported, graph):
    """Operators are looked up in a process that does not load the compiled ones."""
    code = (
        "import sys; from tensorflow.python.framework import op_def_registry as registry\n"
        "print([name for name in sys.argv[1:] if registry.get(name) is None])"
    )
    functions = {function.signature.name for function in graph.graph_def.library.function}
    names = operators(exported) - functions
    assert "EnsureShape" not in names  # TensorFlow.js does not run it
    assert len(names) > 50
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_signatures_follow_the_rules_of_tensorflow_serving(exported, graph, signatures):
    """Method names, types, field names and batch dimensions meet the needs of REST and of batching."""
    assert list(graph.meta_info_def.tags) == ["serve"]
    assert set(signatures) == SIGNATURES
    for name, signature in signatures.items():
        assert signature.method_name == "tensorflow/serving/predict"
        assert not signature.defaults
        for field, info in [*signature.inputs.items(), *signature.outputs.items()]:
            kind, shape = tf.as_dtype(info.dtype), tf.TensorShape(info.tensor_shape)
            assert kind in JSON_TYPES
            assert (kind == tf.string) == field.endswith("_bytes")
            assert shape[0] is None
            # Rows of different requests are batched without padding, except for maps of several sizes.
            assert shape[1:].is_fully_defined() or name == "tensors", (name, field)
    assert {path.name for path in exported.iterdir()} >= {"saved_model.pb", "variables", "assets.extra"}


def test_saved_model_cli(model, exported, tmp_path):
    shown = _cli("show", "--dir", exported, "--tag_set", "serve", "--signature_def", "serving_default")
    for words in ("inputs['source_keypoints']", "shape: (-1, 18, 2)", "outputs['image_bytes']"):
        assert words in shown
    inputs = request(SIZES[:2])
    for name, value in inputs.items():
        np.save(tmp_path / f"{name}.npy", value.astype(bytes) if value.dtype == object else value)
    given = ";".join(f"{name}={tmp_path / name}.npy" for name in inputs)
    call = ["run", "--dir", exported, "--tag_set", "serve", "--signature_def", "serving_default"]
    _cli(*call, "--inputs", given, "--outdir", tmp_path)
    image = np.load(tmp_path / "image.npy")
    for row in range(2):
        expected = generate_with_keras(model, inputs, row, size="model")
        assert np.abs(image[row].astype(int) - expected).max() <= 1


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_c_api(model, exported, signatures, tmp_path):
    """A C program receives an image, clear errors for five bad requests, and the image again."""
    library = Path(tf.sysconfig.get_lib())
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-I", tf.sysconfig.get_include()]
    libraries = [library / "libtensorflow_cc.so.2", library / "libtensorflow_framework.so.2"]
    program, source = tmp_path / "client", Path(__file__).parent / "client.c"
    subprocess.run(["cc", *flags, source, "-o", program, *libraries, f"-Wl,-rpath,{library}"], check=True)
    inputs = request(SIZES[1:2])
    (tmp_path / "photo").write_bytes(inputs["source_bytes"][0])
    points = np.concatenate([inputs["source_keypoints"].ravel(), inputs["target_keypoints"].ravel()])
    operation, _, index = signatures["serving_default"].outputs["image_bytes"].name.partition(":")
    done = subprocess.run(
        [program, exported, operation, index, tmp_path / "photo", tmp_path / "result.png"],
        input=" ".join(map(repr, points.tolist())),
        capture_output=True,
        text=True,
        check=True,
    )
    *rejected, last = done.stdout.splitlines()
    assert last == "done"
    errors = {name: (int(code), message) for name, code, message in (line.split("\t") for line in rejected)}
    invalid_argument = 3
    for name, field in {
        "text": "source_bytes",
        "half a photo": "source_bytes",
        "17 keypoints": "source_keypoints",
        "rank 2": "target_keypoints",
        "another dtype": "",  # checked by TensorFlow, whose message counts the arguments
    }.items():
        code, message = errors.pop(name)
        assert code == invalid_argument
        assert field in message
    assert not errors
    expected = generate_with_keras(model, inputs, 0)
    assert np.abs(decode_image((tmp_path / "result.png").read_bytes()).astype(int) - expected).max() <= 1


@pytest.fixture(scope="module")
def serving_protos():
    """The protocol buffers of tensorflow-serving-api."""
    if importlib.util.find_spec("tensorflow_serving") is None:
        pytest.skip("tensorflow-serving-api is not installed")
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    return predict_pb2, prediction_log_pb2


def test_predict_requests_of_tensorflow_serving(model, answers, signatures, serving_protos):
    predict, _ = serving_protos
    inputs = request(SIZES[:3])
    sent = predict.PredictRequest()
    sent.model_spec.name = "person"
    sent.model_spec.signature_name = "serving_default"
    for name, value in inputs.items():
        sent.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    arrived = predict.PredictRequest.FromString(sent.SerializeToString())
    assert set(arrived.inputs) == set(signatures["serving_default"].inputs)
    tensors = {name: tf.make_ndarray(value) for name, value in arrived.inputs.items()}
    (answer,) = answers([(arrived.model_spec.signature_name, tensors)])
    response = predict.PredictResponse()
    for name, value in answer.items():
        response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
    back = predict.PredictResponse.FromString(response.SerializeToString())
    for row, data in enumerate(tf.make_ndarray(back.outputs["image_bytes"])):
        assert np.abs(decode_image(data).astype(int) - generate_with_keras(model, inputs, row)).max() <= 1


def test_warm_up_requests(exported, answers, signatures, serving_protos):
    """TensorFlow Serving's own messages can parse them, and each has all fields of its signature."""
    _, prediction_log = serving_protos
    path = exported / "assets.extra" / "tf_serving_warmup_requests"
    records = [prediction_log.PredictionLog.FromString(r.numpy()) for r in tf.data.TFRecordDataset(str(path))]
    assert len(records) <= 1000
    requests = [record.predict_log.request for record in records]
    assert {one.model_spec.signature_name for one in requests} == SIGNATURES
    for one in requests:
        assert set(one.inputs) == set(signatures[one.model_spec.signature_name].inputs)
    replies = answers(
        [
            (one.model_spec.signature_name, {name: tf.make_ndarray(v) for name, v in one.inputs.items()})
            for one in requests
        ]
    )
    assert not [reply["message"] for reply in replies if "error" in reply]


def test_the_model_card_lists_every_file(exported):
    from gfla_tf.export.model_card import sha256

    card = json.loads((exported / "model_card.json").read_text())
    files = {str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()}
    assert set(card["files"]) == files - {"model_card.json"}
    for name, file in card["files"].items():
        assert file["sha256"] == sha256(exported / name)
    export = {"format": "savedmodel", "size": [64, 64], "fit": "letterbox", "batch": "dynamic"}
    export |= {"max_pixels": 64_000_000, "max_rows": 512}
    images = card["export"].pop("images")
    assert card["export"] == export
    assert images["exif_orientation"] == "applied"
    assert {format: len(kinds) for format, kinds in images["kinds"].items()} == {"PNG": 11, "JPEG": 3}
    assert 0 <= card["parity"]["image"] <= 1 / 255
