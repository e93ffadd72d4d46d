"""Preset folders: writing, reading, files of the other Keras version, and errors; encoding a source once."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat, models
from gfla_tf.errors import InputError
from gfla_tf.models.loading import load_generator

SMALL = {"attention_layers": {1: 3}, "width": 2, "max_width": 4, "encoder_layers": 2, "pose_channels": 2}
WRITTEN = Path(__file__).parent / "written"  # by `write_with_both.py`, once with each Keras version


def _inputs(size=8):
    rng = np.random.default_rng(0)
    return [rng.uniform(-1, 1, [1, size, size, c]).astype("float32") for c in (3, 2, 2)]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A network and the preset folder it was saved to."""
    network = models.FlowFieldEstimator(**SMALL)
    for i, variable in enumerate(network.trainable_variables):
        variable.assign(np.random.default_rng(i).uniform(-0.5, 0.5, variable.shape))
    folder = tmp_path_factory.mktemp("preset") / "above" / "small"
    network.save_to_preset(folder)
    return network, folder


def _same(one, other):
    for mine, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_folder_has_kerashubs_format(written):
    network, folder = written
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "metadata.json",
        "model.weights.h5",
    ]
    config = json.loads((folder / "config.json").read_text())
    assert (config["class_name"], config["registered_name"]) == (
        "FlowFieldEstimator",
        "gfla_tf>FlowFieldEstimator",
    )
    assert config["config"] == network.get_config()
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["parameter_count"] == network.count_params()
    assert metadata["keras_version"] == keras.__version__


def test_a_folder_is_read_back(written):
    network, folder = written
    for path in (folder, str(folder)):
        _same(models.FlowFieldEstimator.from_preset(path), network)
    new = models.FlowFieldEstimator.from_preset(folder, load_weights=False)
    assert new.get_config() == network.get_config()
    assert not np.array_equal(new.get_weights()[2], network.get_weights()[2])


def test_overrides_must_fit_the_weights(written):
    assert models.FlowFieldEstimator.from_preset(written[1], name="mine").name == "mine"
    with pytest.raises(InputError, match=r"do not fit width=4: pass load_weights=False for a new network"):
        models.FlowFieldEstimator.from_preset(written[1], width=4)
    wider = models.FlowFieldEstimator.from_preset(written[1], load_weights=False, width=4)
    assert wider.width == 4
    with pytest.raises(InputError, match="cannot be built: encoder_layers=1 must be more"):
        models.FlowFieldEstimator.from_preset(written[1], encoder_layers=1)


def test_load_generator_reads_preset_folders(tmp_path):
    model = load_generator(None)
    model.save_to_preset(tmp_path / "person")
    _same(load_generator(tmp_path / "person"), model)
    _same(models.PersonImageGenerator.from_preset(tmp_path / "person"), model)


def test_existing_files_are_overwritten_only_on_request(written, tmp_path):
    network, _ = written
    network.save_to_preset(tmp_path)
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(InputError, match=r"contains config.json already: choose another one, or pass"):
        models.ResDiscriminator(1, width=2).save_to_preset(tmp_path)
    assert (tmp_path / "config.json").read_bytes() == before
    models.ResDiscriminator(1, width=2).save_to_preset(tmp_path, overwrite=True)
    assert models.ResDiscriminator.from_preset(tmp_path).num_blocks == 1
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="cannot be created"):
        network.save_to_preset(tmp_path / "file")


def _changed(folder, tmp_path, change):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.weights.h5").write_bytes((folder / "model.weights.h5").read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(registered_name="os>system"), "is not a FlowFieldEstimator but 'os>system'"),
        (lambda c: c.update(registered_name=["gfla_tf>FlowFieldEstimator"]), "is not a FlowFieldEstimator"),
        (lambda c: c.update(config=None), "is damaged: its arguments need more"),
        (
            lambda c: c["config"].update(width=10**6, max_width=10**6),
            "is damaged: its arguments need more",
        ),
        (lambda c: c["config"].update(encoder_layers=10**9), "is damaged: its arguments need more"),
        (lambda c: c["config"].update(color="red"), "cannot be built"),
        (lambda c: c["config"].update(dtype={"module": "os"}), "cannot be built"),
        (lambda c: c["config"].update(attention_layers={"1": "x"}), "is damaged: its arguments"),
    ],
)
def test_invalid_configurations(written, tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        models.FlowFieldEstimator.from_preset(_changed(written[1], tmp_path, change))


def test_files_that_are_missing_or_damaged(written, tmp_path):
    load = models.FlowFieldEstimator.from_preset
    with pytest.raises(
        InputError, match=r"the preset has no file '.*model.weights.h5'; pass load_weights=False"
    ):
        load(tmp_path)
    _changed(written[1], tmp_path, lambda config: None)
    data = (tmp_path / "model.weights.h5").read_bytes()
    (tmp_path / "model.weights.h5").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="do not fit the network or are damaged"):
        load(tmp_path)
    for text, message in (
        ("{", "cannot be read"),
        ("[" * 10**5, "cannot be read"),
        (" " * 2**21, "more than"),
    ):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(InputError, match=message):
            load(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(InputError, match=r"config.json' does not exist"):
        load(tmp_path)


def test_a_preset_that_is_neither_name_nor_folder():
    for cls, message in (
        (models.PersonImageGenerator, "no preset 'none': the presets are fashion, market, synthetic"),
        (
            models.FlowFieldEstimator,
            "no preset 'none': FlowFieldEstimator has no named presets",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            cls.from_preset("none")


@pytest.mark.parametrize("version", ["2", "3"])
def test_each_keras_version_reads_the_files_of_the_other(version):
    expected = np.load(WRITTEN / "outputs.npz")
    for network in (
        keras.saving.load_model(WRITTEN / f"keras{version}.keras"),
        models.FlowFieldEstimator.from_preset(WRITTEN / f"keras{version}"),
    ):
        # The recorded outputs are of pose maps in [-1, 1], whose range only an eager call checks.
        flows, masks = tf.function(network)(_inputs())
        np.testing.assert_allclose(flows[0], expected["flow"], atol=1e-5)
        np.testing.assert_allclose(masks[0], expected["mask"], atol=1e-5)


@pytest.fixture(scope="module")
def shipped():
    return load_generator(None)


def _person_inputs(batch, seed=0):
    rng = np.random.default_rng(seed)
    image = rng.uniform(-1, 1, [batch, 64, 64, 3]).astype("float32")
    poses = rng.uniform(0, 1, [2, batch, 64, 64, 18]).astype("float32")
    return {"source_image": image, "source_pose": poses[0], "target_pose": poses[1]}


# Convolutions use different algorithms for batches of three and of one; float32 sums differ.
@pytest.mark.parametrize("in_graph", [False, True])
def test_one_source_is_encoded_once_for_many_poses(shipped, in_graph):
    inputs = _person_inputs(3)
    source = {name: inputs[name][:1] for name in ("source_image", "source_pose")}
    render = tf.function(shipped.render, reduce_retracing=True) if in_graph else shipped.render
    encoded = shipped.encode_source(**source)
    assert [part.shape[1:3] for part in encoded["features"]] == [(16, 16), (32, 32)]
    assert [part.shape[1:3] for part in encoded["projected"]] == [(18, 18), (34, 34)]
    outputs = render(encoded, inputs["target_pose"])
    assert outputs["image"].shape == (3, 64, 64, 3)
    for i in range(3):
        alone = shipped({**source, "target_pose": inputs["target_pose"][i : i + 1]})
        np.testing.assert_allclose(outputs["image"][i : i + 1], alone["image"], atol=1e-4)
        for kind, atol in (("flows", 1e-3), ("masks", 1e-4)):
            for whole, one in zip(outputs[kind], alone[kind], strict=True):
                np.testing.assert_allclose(whole[i : i + 1], one, atol=atol)


def test_several_sources_are_rendered_in_one_pose_each(shipped):
    inputs = _person_inputs(2)
    encoded = shipped.encode_source(inputs["source_image"], inputs["source_pose"])
    outputs = shipped.render(encoded, inputs["target_pose"], return_attention=True)
    expected = shipped(inputs, return_attention=True)
    np.testing.assert_allclose(outputs["image"], expected["image"], atol=1e-6)
    for kind in ("flows", "masks", "attentions"):
        for one, other in zip(outputs[kind], expected[kind], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)
    with pytest.raises(ValueError, match="2 encoded sources need 2 target poses, got 3"):
        shipped.render(encoded, _person_inputs(3)["target_pose"])


def test_outputs_have_names_outside_python(shipped):
    outputs = shipped(_person_inputs(1), return_attention=True)
    named = shipped.named_outputs(outputs)
    assert sorted(named) == [*("attention_0", "attention_1", "flow_0", "flow_1", "image", "mask_0", "mask_1")]
    assert named["flow_1"] is outputs["flows"][1]


def test_export_writes_a_saved_model_of_any_size(shipped, tmp_path):
    shipped.export(tmp_path / "saved")
    loaded = tf.saved_model.load(tmp_path / "saved")
    for batch in (1, 3):
        inputs = _person_inputs(batch, seed=batch)
        found = loaded.serve({name: tf.constant(value) for name, value in inputs.items()})
        for name, value in shipped.named_outputs(shipped(inputs)).items():
            np.testing.assert_allclose(found[name], value, atol=1e-4)
    small = {name: tf.constant(value[:, :32, :48]) for name, value in _person_inputs(1).items()}
    np.testing.assert_allclose(loaded.serve(small)["image"], shipped(small)["image"], atol=1e-4)
    with pytest.raises(ValueError, match="export writes a tf_saved_model, got format='onnx'"):
        shipped.export(tmp_path / "other", format="onnx")


@pytest.mark.skipif(not _compat.KERAS_3, reason="Keras 2 has no DTypePolicyMap")
def test_a_map_of_dtype_policies_survives_files(tmp_path):
    policies = keras.dtype_policies.DTypePolicyMap(default_policy="mixed_float16")
    network = models.ResDiscriminator(num_blocks=1, width=2, dtype=policies)
    network.save(tmp_path / "d.keras")
    network.save_to_preset(tmp_path / "preset")
    for loaded in (
        keras.saving.load_model(tmp_path / "d.keras"),
        models.ResDiscriminator.from_preset(tmp_path / "preset"),
    ):
        assert isinstance(loaded.dtype_policy, keras.dtype_policies.DTypePolicyMap)
        assert loaded.get_config() == network.get_config()
