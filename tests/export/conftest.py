"""The shipped model as a SavedModel, exported once and moved away, and requests for it."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gfla_tf.images.io import decode_image, encode_image

SIZES = ((64, 64), (120, 90), (40, 70), (33, 150), (300, 200), (64, 30), (17, 16), (75, 100))
CLIENT = Path(__file__).parent / "client.py"


@pytest.fixture(scope="session")
def model():
    """The shipped model."""
    from gfla_tf.models.loading import load_generator

    return load_generator()


@pytest.fixture(scope="session")
def exported(model, tmp_path_factory):
    """The folder of its SavedModel, which was written elsewhere."""
    from gfla_tf.export import export_saved_model

    folder = tmp_path_factory.mktemp("written") / "model"
    export_saved_model(model, folder)
    return folder.rename(tmp_path_factory.mktemp("moved") / "1")


@pytest.fixture(scope="session")
def answers(exported, tmp_path_factory):
    """answers(requests): those of `client.py`, a process in which gfla_tf cannot be imported."""

    def ask(requests):
        place = tmp_path_factory.mktemp("client")
        coded = [
            {"signature": name, "inputs": {field: to_json(value) for field, value in inputs.items()}}
            for name, inputs in requests
        ]
        (place / "requests.json").write_text(json.dumps(coded))
        words = [sys.executable, "-I", CLIENT, exported, place / "requests.json", place / "answers.json"]
        done = subprocess.run([str(word) for word in words], cwd=place, capture_output=True, text=True)
        assert done.stdout.endswith("alive\n"), done.stderr[-2000:]
        return [
            {field: from_json(value) for field, value in answer["outputs"].items()}
            if "outputs" in answer
            else answer
            for answer in json.loads((place / "answers.json").read_text())
        ]

    return ask


def request(sizes):
    """A `serving_default` request for photographs of these sizes, every second one a JPEG."""
    rng = np.random.default_rng(len(sizes))
    files, points, targets = [], [], []
    for number, size in enumerate(sizes):
        coarse = rng.integers(0, 256, (6, 5, 3)).astype(np.uint8)
        photo = np.kron(coarse, np.ones((-(-size[0] // 6), -(-size[1] // 5), 1), np.uint8))
        files.append(encode_image(("a.png", "a.jpg")[number % 2], photo[: size[0], : size[1]]))
        poses = rng.uniform(0, size, (2, 18, 2)).astype(np.float32)
        poses[:, number] = -1.0
        points.append(poses[0])
        targets.append(poses[1])
    return {
        "source_bytes": np.array(files, object),
        "source_keypoints": np.stack(points),
        "target_keypoints": np.stack(targets),
    }


def with_keras(model, inputs, row, size="source", **options):
    """What `gfla generate` makes of a row of a request: uint8 RGB."""
    from gfla_tf.generate import generate

    poses = inputs["source_keypoints"][row], inputs["target_keypoints"][row]
    return generate(model, decode_image(inputs["source_bytes"][row]), *poses, size=size, **options).image


def to_json(value):
    """An array, or a TensorProto's, as `client.py` reads it."""
    value = np.asarray(value)
    if value.dtype == object:
        coded = [base64.b64encode(data).decode() for data in value.ravel()]
        return {"dtype": "string", "shape": list(value.shape), "values": coded}
    return {"dtype": str(value.dtype), "shape": list(value.shape), "values": value.ravel().tolist()}


def from_json(field):
    """The array of an answer."""
    if field["dtype"] == "string":
        decoded = [base64.b64decode(value) for value in field["values"]]
        return np.array(decoded, object).reshape(field["shape"])
    return np.array(field["values"], field["dtype"]).reshape(field["shape"])
