"""Named presets: trained weights, new networks, overrides, and the quality of the shipped model."""

import numpy as np
import pytest

from gfla_tf.data import SyntheticPeople
from gfla_tf.errors import InputError
from gfla_tf.models import PRESETS, PersonImageGenerator, ResDiscriminator, shipped_model_path
from gfla_tf.models.loading import load_generator


@pytest.fixture(scope="module")
def shipped():
    return load_generator(None)


def _same_weights(one, other):
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(mine, theirs) for mine, theirs in pairs)


def test_the_shipped_model_is_small_and_documented():
    path = shipped_model_path()
    assert path.stat().st_size < 10e6
    page = (path.parent / "README.md").read_text()
    for word in ("Data", "Command", "SSIM", "License", "Apache-2.0"):
        assert word in page


def test_the_shipped_model_beats_copying_the_source(shipped):
    assert shipped.count_params() < 1_500_000
    dataset = SyntheticPeople(shipped.image_size, heatmap_sigma=shipped.heatmap_sigma)
    batch = next(iter(dataset.as_dataset("test", 24, truth=True)))
    outputs = shipped({key: batch[key] for key in ("source_image", "source_pose", "target_pose")})
    person = (batch["source_parts"] > 0) | (batch["target_parts"] > 0)

    def l1(image):
        return float(np.abs(image - batch["target_image"])[np.asarray(person)].mean())

    assert l1(outputs["image"]) < 0.8 * l1(batch["source_image"])


def test_the_synthetic_preset_has_the_shipped_weights(shipped):
    model = PersonImageGenerator.from_preset("synthetic")
    assert model.get_config() == shipped.get_config()
    assert _same_weights(model, shipped)
    assert _same_weights(load_generator("synthetic"), shipped)


def test_load_weights_false_makes_a_new_network_with_the_same_arguments(shipped):
    new = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    assert {**new.get_config(), "name": ""} == {**shipped.get_config(), "name": ""}
    assert not _same_weights(new, shipped)
    assert not _same_weights(new, PersonImageGenerator.from_preset("synthetic", load_weights=False))


def test_overrides_that_fit_the_weights(shipped):
    model = PersonImageGenerator.from_preset("synthetic", name="mine", heatmap_sigma=3.0, image_size=(96, 64))
    assert (model.name, model.heatmap_sigma, model.image_size) == ("mine", 3.0, (96, 64))
    assert _same_weights(model, shipped)


@pytest.mark.parametrize("overrides", [{"width": 16}, {"attention_layers": {2: 3}}, {"pose_channels": 17}])
def test_overrides_that_do_not_fit_the_weights(overrides):
    with pytest.raises(
        InputError, match=r"'synthetic' do not fit .*: pass load_weights=False for a new network"
    ):
        PersonImageGenerator.from_preset("synthetic", **overrides)
    new = PersonImageGenerator.from_preset("synthetic", load_weights=False, **overrides)
    assert all(getattr(new, name, value) == value for name, value in overrides.items())


@pytest.mark.parametrize("load", [PersonImageGenerator.from_preset, load_generator])
@pytest.mark.parametrize("name", ["fashion", "market"])
def test_presets_without_trained_weights(load, name):
    with pytest.raises(
        InputError, match=f"'{name}' come with gfla_tf: .*`gfla convert`, .*load_weights=False"
    ):
        load(name)


@pytest.mark.parametrize("name", PRESETS)
def test_no_trained_discriminator(name):
    with pytest.raises(InputError, match=r"of ResDiscriminator come with gfla_tf: .*load_weights=False"):
        ResDiscriminator.from_preset(name)
    arguments = PRESETS[name]["discriminator"]
    new = ResDiscriminator.from_preset(name, load_weights=False)
    assert {key: new.get_config()[key] for key in arguments} == arguments


def test_a_new_discriminator_is_normalized_before_its_first_training_step():
    """Each block has a spectral norm near 1, so logits are at most of the size of the image."""
    images = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype("float32")
    logits = ResDiscriminator.from_preset("fashion", load_weights=False)(images)
    assert 1e-6 < np.abs(logits).max() < 10


def test_overrides_of_unknown_arguments():
    with pytest.raises(InputError, match="PersonImageGenerator has no argument 'color'"):
        PersonImageGenerator.from_preset("synthetic", color="red")
