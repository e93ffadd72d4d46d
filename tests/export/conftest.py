"""The shipped model exported as a SavedModel, a client process that runs it, and requests for it."""

import base64
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gfla_tf.images.io import decode_image, encode_image

SIZES = ((64, 64), (120, 90), (40, 70), (33, 150), (300, 200), (64, 30), (17, 16), (75, 100))
CLIENT = Path(__file__).parent / "client.py"


@pytest.fixture(scope="session")
def build_once(tmp_path_factory):
    """build_once(name, build) returns a folder that build(folder) fills once for all test processes."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # the folder of the whole test run, which the workers share

    def get(name, build):
        folder = root / name
        with open(root / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                unfinished = tmp_path_factory.mktemp(name)
                build(unfinished)
                unfinished.rename(folder)
        return folder

    return get


@pytest.fixture(scope="session")
def model():
    """The shipped model."""
    from gfla_tf.models.loading import load_generator

    return load_generator()


@pytest.fixture(scope="session")
def exported(model, build_once):
    """The folder of the shipped model's SavedModel, moved after the export."""
    from gfla_tf.export import export_saved_model

    return build_once("saved_model", lambda folder: export_saved_model(model, folder / "1")) / "1"


@pytest.fixture(scope="session")
def client(exported):
    """A process of `client.py`, which cannot import gfla_tf and serves the exported model."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(CLIENT), str(exported)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    output, _ = process.communicate()
    assert output == "done\n"
    assert process.returncode == 0


@pytest.fixture(scope="session")
def answers(client, tmp_path_factory):
    """answers(requests) sends (signature, inputs) pairs to `client` and returns its answers."""

    def ask(requests):
        folder = tmp_path_factory.mktemp("client")
        encoded = [
            {"signature": name, "inputs": {field: to_json(value) for field, value in inputs.items()}}
            for name, inputs in requests
        ]
        (folder / "requests.json").write_text(json.dumps(encoded))
        client.stdin.write(f"{folder}\n")
        client.stdin.flush()
        assert client.stdout.readline() == "answered\n"
        return [
            {field: from_json(value) for field, value in answer["outputs"].items()}
            if "outputs" in answer
            else answer
            for answer in json.loads((folder / "answers.json").read_text())
        ]

    return ask


def request(sizes):
    """Returns a `serving_default` request for photos of these sizes, every second one a JPEG."""
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


def generate_with_keras(model, inputs, row, size="source", **options):
    """Returns the image that `gfla generate` makes of a row of a request: uint8 RGB."""
    from gfla_tf.generate import generate

    poses = inputs["source_keypoints"][row], inputs["target_keypoints"][row]
    return generate(decode_image(inputs["source_bytes"][row]), *poses, model, size=size, **options).image


def to_json(value):
    """Encodes an array, or the array of a TensorProto, for `client.py`."""
    value = np.asarray(value)
    if value.dtype == object:
        encoded = [base64.b64encode(data).decode() for data in value.ravel()]
        return {"dtype": "string", "shape": list(value.shape), "values": encoded}
    return {"dtype": str(value.dtype), "shape": list(value.shape), "values": value.ravel().tolist()}


def from_json(field):
    """Decodes an array of an answer."""
    if field["dtype"] == "string":
        decoded = [base64.b64decode(value) for value in field["values"]]
        return np.array(decoded, object).reshape(field["shape"])
    return np.array(field["values"], field["dtype"]).reshape(field["shape"])
