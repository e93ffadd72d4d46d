"""The command line from an original dataset to a generated image, with the full-size networks."""

import csv
import json

import keras
import numpy as np
import pytest

from gfla_tf.cli.main import main
from gfla_tf.config import load_config
from gfla_tf.data import DeepFashion, Market1501
from gfla_tf.data.layout import DEEPFASHION, MARKET1501
from gfla_tf.generate import generate
from gfla_tf.images.io import read_image
from tests.data import source_trees

# {name: (writer of the original files, reader, layout, configuration, batch size, parameters of F and G)}
DATASETS = {
    "deepfashion": (source_trees.deepfashion, DeepFashion, DEEPFASHION, "fashion", 1, 14_047_395),
    "market1501": (source_trees.market1501, Market1501, MARKET1501, "market", 2, 12_926_471),
}
LOSS_WEIGHTS = {
    "stage1": {"correctness": 20.0, "regularization": 0.01},
    "stage2": {
        "l1": 5.0,
        "correctness": 5.0,
        "regularization": 0.0025,
        "adversarial": 2.0,
        "content": 0.5,
        "style": 500.0,
    },
}
FEW_STEPS = (
    *("features.weights=random", "features.width_multiplier=0.25", "validation_batches=1"),
    *("stage1.epochs=1", "stage1.steps_per_epoch=2", "stage2.epochs=1", "stage2.steps_per_epoch=2"),
)


def _run(*words):
    assert main([str(word) for word in words]) == 0


def _logged(run, stage):
    """The only row of a stage's log: {column: value}."""
    with open(run / stage / "log.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    return row


def _losses(run):
    """The values of every loss that both stages logged."""
    rows = [_logged(run, stage) for stage in ("stage1", "stage2")]
    return np.array([float(row[name]) for row in rows for name in row if "loss" in name or "l1" in name])


def _assert_trained(run, config, image_size, parameters):
    """Checks the logs, the networks and the resolved configuration of a finished run."""
    model = keras.models.load_model(run / "model.keras")
    layers = len(model.attention_layers)
    for stage, weights in LOSS_WEIGHTS.items():
        for prefix in ("", "val_"):
            row = {name: float(value) for name, value in _logged(run, stage).items() if value}
            total = sum(weight * row[prefix + name] for name, weight in weights.items())
            assert row[prefix + "loss"] == pytest.approx(total, rel=1e-4)
            # each layer's term is between exp(-1) - exp(-1) and exp(0) - exp(-1) for rectified features
            assert 0 < row[prefix + "correctness"] < layers * (1 - np.exp(-1))
    for prefix in ("", "val_"):
        assert 0 < row[prefix + "l1"] < 2  # of images in [-1, 1]
        assert 0 < row[prefix + "discriminator"] < 1  # 1/2 for D = 0 everywhere
    assert sum(int(np.prod(variable.shape)) for variable in model.trainable_variables) == parameters
    assert model.image_size == image_size
    resolved = load_config(run / "config.yaml")
    assert (resolved.model.preset, resolved.stage2.learning_rate, resolved.stage2.style) == (
        config,
        1e-4,
        500.0,
    )


def _assert_equal_batches(one, other):
    for split in ("train", "test"):
        assert one.num_pairs(split) == other.num_pairs(split) > 0
        for _ in range(2):
            batches = (source.as_dataset(split, 5, seed=3) for source in (one, other))
            for ours, theirs in zip(*batches, strict=True):
                assert ours.keys() == theirs.keys()
                for name in ours:
                    np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.slow  # up to a minute: it traces both stages of the full-size networks twice
@pytest.mark.parametrize("dataset", DATASETS)
def test_from_the_original_dataset_to_an_image(tmp_path, capsys, dataset):
    make, reader, layout, config, batch_size, parameters = DATASETS[dataset]
    source, data, shards = make(tmp_path / "source"), tmp_path / "data", tmp_path / "shards"

    _run("data", "prepare", dataset, source, "-o", data)
    report = tmp_path / "report.json"
    _run("data", "check", data, "--decode", "--strict", "--json", report, "--sheet", tmp_path / "sheet.png")
    checked = json.loads(report.read_text())
    assert (checked["trains"], checked["faults"], checked["layout"]) == (True, [], dataset)
    assert (checked["protocol"]["height"], checked["protocol"]["width"]) == layout.image_size
    _run("data", "build", data, "-o", shards)
    _run("data", "build", "--verify", shards)
    _assert_equal_batches(reader(data), reader(shards))

    for root, run in ((data, tmp_path / "run"), (shards, tmp_path / "run_of_shards")):
        _run("train", config, f"data.root={root}", f"batch_size={batch_size}", *FEW_STEPS, "-o", run)
    assert "the model is" in capsys.readouterr().out
    _assert_trained(tmp_path / "run", config, layout.image_size, parameters)
    losses = _losses(tmp_path / "run")
    assert len(losses) >= 6
    assert np.isfinite(losses).all()
    np.testing.assert_allclose(_losses(tmp_path / "run_of_shards"), losses, rtol=1e-3)

    annotation = data / f"{layout.prefixes[0]}-annotation-test.csv"
    first, second = (line.split(":")[0] for line in annotation.read_text().splitlines()[1:3])
    poses = ("--source-pose", f"{annotation}#{first}", "--target-pose", f"{annotation}#{second}")
    photo, picture = data / "test" / first, tmp_path / "picture.png"
    _run("generate", "--source", photo, *poses, "--model", tmp_path / "run", "-o", picture)
    generated = read_image(picture)
    assert generated.shape == (*layout.image_size, 3)
    assert (generated != read_image(photo)).any()
    expected = generate(photo, poses[1], poses[3], tmp_path / "run").image
    np.testing.assert_array_equal(generated, expected)
    capsys.readouterr()
