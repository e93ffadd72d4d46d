"""Training on a folder with unreadable images: within the limit, past it, and with other sources."""

import pytest
import yaml

from gfla_tf.config import load_config
from gfla_tf.data.pipeline import data_errors
from gfla_tf.errors import InputError
from gfla_tf.training.run import train
from gfla_tf.training.sources import open_source
from tests.data.folders import write_folder
from tests.training import small


@pytest.fixture
def configured(tmp_path):
    """(a function of overrides that returns a configuration, the paths of two damaged images)."""
    folder = write_folder(tmp_path / "photos", "market", (32, 32), (128, 64), people=3)
    paths = [folder / "train" / f"train{person}_0.jpg" for person in range(2)]
    for path in paths:
        path.write_bytes(path.read_bytes()[:200])
    values = {
        "model": {"preset": "synthetic", "overrides": {"image_size": [32, 32], **small.ARGUMENTS}},
        "data": {"source": "market1501", "root": str(folder)},
        "features": {"weights": "random", "width_multiplier": 0.0625},
        "stage1": {"epochs": 1, "steps_per_epoch": 4},
        "stage2": {"epochs": 0},
        "batch_size": 2,
        "validation_batches": 1,
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(values))
    return lambda *overrides: load_config(tmp_path / "c.yaml", overrides), paths


def test_training_with_unreadable_images(configured, tmp_path, caplog):
    config, paths = configured
    with caplog.at_level("WARNING", logger="gfla_tf"):
        train(config("data.max_unreadable=2"), tmp_path / "run")
    assert (tmp_path / "run" / "model.keras").is_file()
    warnings = [message for message in caplog.messages if "its pairs are replaced" in message]
    assert len(warnings) == 2
    assert all(any(str(path) in warning for warning in warnings) for path in paths)


def test_the_limit_of_the_configuration(configured):
    config, _ = configured
    batches = open_source(config("data.max_unreadable=1")).training_batches(2, 0, parts=False)
    with (
        pytest.raises(InputError, match=r"more than 1 image cannot be read, the limit max_unreadable; the"),
        data_errors(),
    ):
        list(batches.take(4))


def test_other_sources_have_no_limit(configured):
    config, _ = configured
    with pytest.raises(InputError, match=r"max_unreadable is for the images of .* got data.source=hdf5"):
        open_source(config("data.max_unreadable=1", "data.source=hdf5"))
