"""Loading a generator from files and folders, and the errors for invalid ones."""

import json
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.models import PersonImageGenerator, ResDiscriminator
from gfla_tf.models.loading import load_generator


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    return model, path


def test_round_trip_from_file_and_folder(saved):
    model, path = saved
    for source in (path, path.parent):
        loaded = load_generator(source)
        assert isinstance(loaded, PersonImageGenerator)
        assert (loaded.image_size, loaded.heatmap_sigma) == (model.image_size, model.heatmap_sigma)
        for mine, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_invalid_files_and_folders(saved, tmp_path):
    with pytest.raises(InputError, match=r"does not exist"):
        load_generator(tmp_path / "none.keras")
    with pytest.raises(InputError, match=r"contains no .keras file"):
        load_generator(tmp_path)
    (tmp_path / "text.keras").write_text("hello")
    with pytest.raises(InputError, match=r"is not a .keras file, or is damaged"):
        load_generator(tmp_path / "text.keras")
    (tmp_path / "half.keras").write_bytes(saved[1].read_bytes()[:5000])
    with pytest.raises(InputError, match=r"is not a .keras file, or is damaged"):
        load_generator(tmp_path / "half.keras")
    flipped = bytearray(saved[1].read_bytes())
    flipped[len(flipped) // 2] ^= 1
    (tmp_path / "half.keras").write_bytes(flipped)
    with pytest.raises(InputError, match=r"is damaged: the checksum of its model.weights.h5 is wrong"):
        load_generator(tmp_path / "half.keras")
    with pytest.raises(InputError, match=r"contains 2 .keras files: name one"):
        load_generator(tmp_path)
    ResDiscriminator(num_blocks=3).save(tmp_path / "other.keras")
    with pytest.raises(InputError, match="is not a PersonImageGenerator but"):
        load_generator(tmp_path / "other.keras")
    keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)]).save(tmp_path / "dense.keras")
    with pytest.raises(InputError, match="is not a PersonImageGenerator but"):
        load_generator(tmp_path / "dense.keras")


def test_weights_of_another_network(saved, tmp_path):
    path = tmp_path / "mixed.keras"
    with zipfile.ZipFile(saved[1]) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                config = json.loads(data)
                config["config"]["width"] = 8
                data = json.dumps(config).encode()
            new.writestr(name, data)
    with pytest.raises(InputError, match="cannot be loaded"):
        load_generator(path)
    assert tf.executing_eagerly()
