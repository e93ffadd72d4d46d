"""From the files that the owners of the datasets hand out to a picture, by command line, at true sizes."""

import csv
import json

import numpy as np
import pytest

from gfla_tf.cli.main import main
from gfla_tf.data import DeepFashion, Market1501
from gfla_tf.data.layout import DEEPFASHION, MARKET1501
from gfla_tf.images.io import read_image
from tests.data import source_trees

DATASETS = {
    "deepfashion": (source_trees.deepfashion, DeepFashion, DEEPFASHION, "fashion"),
    "market1501": (source_trees.market1501, Market1501, MARKET1501, "market"),
}
FEW_STEPS = (
    *("features.weights=random", "features.width_multiplier=0.25", "batch_size=1", "validation_batches=1"),
    *("stage1.epochs=1", "stage1.steps_per_epoch=3", "stage2.epochs=1", "stage2.steps_per_epoch=3"),
)


def _run(*words):
    assert main([str(word) for word in words]) == 0


def _losses(run):
    """Every number that both stages logged."""
    values = []
    for stage in ("stage1", "stage2"):
        with open(run / stage / "log.csv", newline="") as file:
            (row,) = csv.DictReader(file)
        values += [float(value) for name, value in row.items() if "loss" in name or "l1" in name]
    return np.array(values)


def _assert_equal_batches(one, other):
    for split in ("train", "test"):
        assert one.num_pairs(split) == other.num_pairs(split) > 0
        for _ in range(2):
            batches = (source.as_dataset(split, 5, seed=3) for source in (one, other))
            for ours, theirs in zip(*batches, strict=True):
                assert ours.keys() == theirs.keys()
                for name in ours:
                    np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", DATASETS)
def test_from_the_owners_files_to_a_picture(tmp_path, capsys, dataset):
    make, reader, layout, config = DATASETS[dataset]
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
        _run("train", config, f"data.root={root}", *FEW_STEPS, "-o", run)
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
    capsys.readouterr()
