"""Metrics of a data folder, and the protocol of its images that is recorded with them."""

import json

import numpy as np
import pytest

from gfla_tf.cli.main import main
from gfla_tf.data.layout import read_pairs
from gfla_tf.data.opening import open_pairs
from gfla_tf.data.prepare import prepare_folder
from gfla_tf.data.protocol import read_protocol
from gfla_tf.data.shards.builder import build_shards
from gfla_tf.errors import InputError
from gfla_tf.evaluation import evaluate_photographs
from gfla_tf.images.io import read_image
from gfla_tf.models import PersonImageGenerator
from tests.data import source_trees

SIZE = (128, 64)
ONLY_SYNTHETIC = "--report, --targets and --config need SyntheticPeople"


class Copier:
    """A model that returns the source, with `brighter` added, and zero flow."""

    def __init__(self, brighter=0.0):
        self.brighter = brighter

    def __call__(self, inputs, training=None):
        image = np.clip(np.asarray(inputs["source_image"]) + self.brighter, -1, 1)
        return {"image": image, "flows": [np.zeros((*image.shape[:3], 2), np.float32)], "masks": []}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("market")
    prepare_folder("market1501", source_trees.market1501(root / "source"), root / "out")
    return root / "out"


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    PersonImageGenerator.from_preset("synthetic", load_weights=False).save(path)
    return str(path)


@pytest.fixture
def bare(folder, tmp_path):
    """The same folder without `protocol.json`."""
    for path in folder.iterdir():
        if path.name != "protocol.json":
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


def test_metrics_are_means_over_the_pairs(folder):
    result = evaluate_photographs(Copier(), open_pairs(folder, SIZE), pairs=7, batch_size=3)
    errors, brighter_errors = [], []
    for _, names in list(read_pairs(str(folder / "market-pairs-test.csv")))[:7]:
        source, target = (read_image(folder / "test" / name) / 127.5 for name in names)
        errors.append(np.abs(source - target).mean())
        brighter_errors.append(np.abs(np.clip(source + 0.25, 0, 2) - target).mean())
    assert result.images["generated"]["l1"] == pytest.approx(np.mean(errors), rel=1e-5)
    for name in ("copy the source", "source warped by F"):
        assert result.images[name] == pytest.approx(result.images["generated"], rel=1e-5)
    assert (result.pairs, result.mean_images, result.image_size) == (7, 24, SIZE)
    assert evaluate_photographs(Copier(), open_pairs(folder, SIZE), mean_images=5).pairs == 12
    brighter = evaluate_photographs(Copier(0.25), open_pairs(folder, SIZE), pairs=7)
    assert brighter.images["generated"]["l1"] == pytest.approx(np.mean(brighter_errors), rel=1e-5)
    assert brighter.images["copy the source"]["l1"] == pytest.approx(np.mean(errors), rel=1e-5)


def test_the_protocol_is_recorded_with_the_metrics(folder, bare):
    result = evaluate_photographs(Copier(), open_pairs(folder, SIZE), pairs=2)
    words = read_protocol(folder).describe()
    assert words in result.to_text()
    assert words in result.to_markdown()
    document = json.loads(result.to_json())
    assert document["protocol"] == json.loads((folder / "protocol.json").read_text())
    assert document["protocol_text"] == words
    result = evaluate_photographs(Copier(), open_pairs(folder, (64, 32)), pairs=2)
    assert f"{words}; resized again to 64 x 32 when read (tf-bilinear)" in result.to_text()
    result = evaluate_photographs(Copier(), open_pairs(bare, SIZE), pairs=2)
    assert f"Protocol: not recorded: images as found in {bare}\n" in result.to_text()
    assert json.loads(result.to_json())["protocol"] is None


def test_shards_contain_the_protocol_and_give_the_same_metrics(folder, tmp_path):
    build_shards(folder, tmp_path / "shards")
    results = [
        json.loads(evaluate_photographs(Copier(), open_pairs(root, SIZE), pairs=5).to_json())
        for root in (folder, tmp_path / "shards")
    ]
    assert results[0]["protocol"] is not None
    assert [one.pop("folder") for one in results] == [str(folder), str(tmp_path / "shards")]
    assert results[0] == results[1]


def test_invalid_numbers_images_and_models_are_rejected(folder, tmp_path):
    dataset = open_pairs(folder, SIZE)
    with pytest.raises(InputError, match="cannot evaluate 13 pairs: the test split has 12"):
        evaluate_photographs(Copier(), dataset, pairs=13)
    with pytest.raises(InputError, match="batch size must be at least 1, got 0"):
        evaluate_photographs(Copier(), dataset, batch_size=0)
    with pytest.raises(InputError, match="the model's output is not finite"):
        evaluate_photographs(Copier(np.nan), dataset)
    for path in folder.iterdir():
        if path.name != "test":
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "test").mkdir()
    for path in (folder / "test").iterdir():
        (tmp_path / "test" / path.name).write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"^the image '.*/test/0001_.*' is a truncated .*PNG file"):
        evaluate_photographs(Copier(), open_pairs(tmp_path, SIZE))


def test_the_command_line(model_path, folder, tmp_path, capsys):
    output = tmp_path / "metrics.json"
    arguments = ["evaluate", "--model", model_path, "--data", str(folder), "--pairs", "3", "-o", str(output)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "3 pairs of the test split of market1501, 64 x 64 pixels" in printed
    assert "Protocol: bounding_box of market1501, resized to 128 x 64" in printed
    assert "resized again to 64 x 64 when read" in json.loads(output.read_text())["protocol_text"]
    assert main([*arguments, "--force", "--markdown"]) == 0
    assert "| copy the source |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--targets", "demo"], ONLY_SYNTHETIC),
        (["--config", "demo"], ONLY_SYNTHETIC),
        (["--layout", "deepfashion"], "it contains no fasion-pairs-train.csv"),
    ],
)
def test_options_that_need_synthetic_people_are_rejected(model_path, folder, capsys, arguments, message):
    assert main(["evaluate", "--model", model_path, "--data", str(folder), *arguments]) == 2
    assert message in capsys.readouterr().err
