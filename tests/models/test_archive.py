"""Loading networks from untrusted files: allowed classes and limits on sizes."""

import json
import zipfile

import keras
import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.models import FlowFieldEstimator, PersonImageGenerator, ResDiscriminator
from gfla_tf.models import archive as saved
from gfla_tf.weight_files.keras_weights import check_shards
from tests.hdf5.hostile import HOSTILE


@pytest.fixture
def path(tmp_path):
    ResDiscriminator(1, width=2).save(tmp_path / "d.keras")
    return tmp_path / "d.keras"


def test_only_the_named_classes_are_loaded(path):
    model = saved.load_network(path, [FlowFieldEstimator, ResDiscriminator])
    assert (type(model), model.num_blocks, model.width) == (ResDiscriminator, 1, 2)
    same = keras.saving.load_model(path)
    for mine, theirs in zip(model.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(InputError, match="is not a FlowFieldEstimator but 'gfla_tf>ResDiscriminator'"):
        saved.load_network(path, [FlowFieldEstimator])


@pytest.mark.parametrize("member", ["model.weights.h5", "assets/large"])
def test_a_file_that_unpacks_to_too_many_bytes(path, tmp_path, member):
    with (
        zipfile.ZipFile(path) as old,
        zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in {*old.namelist(), member}:
            new.writestr(name, bytes(40 * 2**20) if name == member else old.read(name))
    assert (tmp_path / "m.keras").stat().st_size < 100_000
    with pytest.raises(InputError, match=r"m.keras' decompresses to 419\d{5} bytes, more than \d{7} for its"):
        saved.load_network(tmp_path / "m.keras", [ResDiscriminator])


def with_weights(path, out, weights):
    """Copies a model file with another HDF5 file of weights."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, weights if name == "model.weights.h5" else old.read(name))
    return out


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_weights_out_of_proportion(path, tmp_path, name):
    HOSTILE[name](tmp_path / "model.weights.h5")
    with_weights(path, tmp_path / "m.keras", (tmp_path / "model.weights.h5").read_bytes())
    (tmp_path / "config.json").write_bytes(zipfile.ZipFile(path).read("config.json"))
    network = ResDiscriminator(1, width=2)
    for load in (
        lambda: saved.load_network(tmp_path / "m.keras", [ResDiscriminator]),
        lambda: ResDiscriminator.from_preset(tmp_path),
        lambda: network.load_weights(tmp_path / "m.keras"),
        lambda: network.load_weights(tmp_path / "model.weights.h5"),
    ):
        with pytest.raises(InputError) as caught:
            load()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", ["twice", "hidden", "other method", "no weights", "checksum"])
def test_unusual_archives(path, tmp_path, change):
    out = tmp_path / "m.keras"
    method = zipfile.ZIP_LZMA if change == "other method" else zipfile.ZIP_STORED
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", method) as new:
        for name in old.namelist():
            if (change, name) != ("no weights", "model.weights.h5"):
                new.writestr(name, old.read(name))
        if change == "twice":
            with pytest.warns(UserWarning, match="Duplicate name"):
                new.writestr("config.json", "{}")
    data = out.read_bytes()
    if change == "hidden":
        out.write_bytes(b"PK" + data)
    if change == "checksum":
        out.write_bytes(data.replace(b"SNOD", b"SNOT", 1))
    with pytest.raises(InputError, match=r"m.keras' (is|has) "):
        saved.load_network(out, [ResDiscriminator])


@pytest.mark.parametrize("damage", ["another file", "the first file", "outside", "text"])
def test_weights_in_several_files(tmp_path, damage):
    network, index = ResDiscriminator(1, width=2), tmp_path / "d.weights.json"
    names = ["d_00000.weights.h5", "d_00001.weights.h5"]
    for name in names:
        network.save_weights(tmp_path / name)
    used = {"the first file": names[1:], "outside": ["../d_00001.weights.h5"]}.get(damage, names)
    index.write_text(json.dumps({"weight_map": {"/vars": used, "/more/vars": used[0]}}))
    if damage == "text":
        index.write_text("[1]")
    elif damage != "outside":
        check_shards(index, network)
        HOSTILE["zeros"](tmp_path / names[damage == "another file"])
    expected = {"outside": "outside its folder", "text": "is not an index"}.get(damage, "bytes")
    with pytest.raises(InputError, match=expected):
        network.load_weights(index)


def test_a_large_file_of_the_other_extension(tmp_path):
    HOSTILE["zeros"](tmp_path / "d.hdf5")
    with pytest.raises(InputError, match=r"d.hdf5' declares"):
        ResDiscriminator(1, width=2).load_weights(tmp_path / "d.hdf5")


SMALL = {"attention_layers": {2: 3}, "width": 4, "max_width": 8, "flow_width": 4, "flow_max_width": 8}


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    path = tmp_path_factory.mktemp("person") / "p.keras"
    PersonImageGenerator(**SMALL, attention_hidden=4).save(path)
    return path


def with_arguments(path, changes, out):
    """Copies a model file with other arguments in its configuration; those that are `...` are removed."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                config = json.loads(data)
                config["config"].update(changes)
                config["config"] = {name: one for name, one in config["config"].items() if one is not ...}
                data = json.dumps(config).encode()
            new.writestr(name, data)
    return out


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 20_000, "max_width": 20_000},
        {"flow_max_width": 10**9, "flow_width": 10**8},
        {"num_layers": 10**9},
        {"flow_encoder_layers": 40},
        {"attention_hidden": 10**9},
        {"attention_layers": {"2": 10**6 + 1}},
        {"attention_layers": [3]},
        {"pose_channels": 10**8},
        {"width": "8"},
        {"max_width": None},
        {"max_width": ...},
    ],
)
def test_arguments_for_more_weights_than_the_file_contains(person, tmp_path, changes):
    with pytest.raises(InputError, match=r"m.keras' is damaged: its arguments need more weights"):
        saved.load_network(with_arguments(person, changes, tmp_path / "m.keras"), [PersonImageGenerator])


def test_networks_of_all_sizes_are_loaded(person, tmp_path):
    assert saved.load_network(person, [PersonImageGenerator]).attention_layers == {2: 3}
    for blocks, width, largest in ((1, 128, 128), (2, 64, 512), (6, 2, 4)):
        ResDiscriminator(blocks, width=width, max_width=largest).save(tmp_path / "d.keras")
        assert saved.load_network(tmp_path / "d.keras", [ResDiscriminator]).num_blocks == blocks
    FlowFieldEstimator({1: 3}, width=64, max_width=64, encoder_layers=2).save(tmp_path / "f.keras")
    assert saved.load_network(tmp_path / "f.keras", [FlowFieldEstimator]).encoder_layers == 2
