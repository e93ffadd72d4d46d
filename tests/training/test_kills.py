"""Kill test: a run that is killed again and again has the same result as one that is not, bit for bit."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow as tf
import yaml

from gfla_tf import _compat
from gfla_tf.training.checkpoint_folder import CheckpointFolder
from tests.training import kills, small

RUN = {
    "model": {"preset": "synthetic", "overrides": {"image_size": [32, 32], **small.ARGUMENTS}},
    "data": {"identities": 4, "test_identities": 1, "workers": 0},
    "features": {"kind": "parts", "steps": 2, "width": 4},
    "stage1": {"epochs": 2, "steps_per_epoch": 5, "final_learning_rate": 1e-5},
    "stage2": {"epochs": 2, "steps_per_epoch": 4},
    "batch_size": 2,
    "validation_batches": 1,
    "ema": 0.9,
    "checkpoint_every": "1 step",
    "keep_checkpoints": 2,
}
ROOT = Path(__file__).parents[2]


def checkpoints(folder):
    """{name: value} of the last checkpoints of both stages, except their description of Python objects."""
    found = {}
    for stage in ("stage1", "stage2"):
        path = folder / stage / "checkpoints"
        step = CheckpointFolder(path).steps()[-1]
        reader = tf.train.load_checkpoint(str(path / f"step-{step}" / "state"))
        found |= {f"{stage}/{name}": reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    return {name: np.asarray(value) for name, value in found.items() if "OBJECT_GRAPH" not in name}


def saved_weights(path):
    """{name: value} of a `.keras` file."""
    found = {}
    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as data, h5py.File(data) as file:
        file.visititems(lambda name, item: found.update({name: item[()]} if hasattr(item, "shape") else {}))
    return found


def assert_same(whole, other):
    assert whole.keys() == other.keys()
    assert whole
    different = [name for name in whole if whole[name].tobytes() != other[name].tobytes()]
    assert not different


@pytest.mark.skipif(not _compat.KERAS_3, reason="takes a minute; test_resume.py resumes runs on both stacks")
@pytest.mark.slow  # about 27 processes, most of which build both trainers
def test_a_killed_run_equals_an_uninterrupted_one(tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(RUN))
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # for safe forks
    two_threads = {"TF_NUM_INTRAOP_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.kills", str(tmp_path)],
        env={**os.environ, **one_thread, **two_threads},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    output = tmp_path / "output.txt"
    assert done.returncode == 0, done.stderr + (output.read_text() if output.exists() else "")
    killed = json.loads(done.stdout.splitlines()[-1])
    assert len(killed) >= kills.KILLS
    assert sum(kill["inside"] for kill in killed) >= kills.INSIDE
    assert {kill["stage"] for kill in killed} == {"stage1", "stage2"}

    for stage in ("stage1", "stage2"):
        logs = [(tmp_path / name / stage / "log.csv").read_bytes() for name in ("whole", "killed")]
        assert logs[0] == logs[1]
        assert logs[0].count(b"\n") == 1 + RUN[stage]["epochs"]
        samples = [sorted((tmp_path / name / stage / "samples").iterdir()) for name in ("whole", "killed")]
        assert [path.read_bytes() for path in samples[0]] == [path.read_bytes() for path in samples[1]]
    assert_same(checkpoints(tmp_path / "whole"), checkpoints(tmp_path / "killed"))
    models = (
        "model.keras",
        "model_raw.keras",
        "discriminator.keras",
        "stage1/best.keras",
        "stage2/best.keras",
    )
    for name in models:
        assert_same(saved_weights(tmp_path / "whole" / name), saved_weights(tmp_path / "killed" / name))
    assert not list(tmp_path.rglob("*.part*"))
