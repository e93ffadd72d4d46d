"""The feature network of a run, made ready before stage 1 and stored with the run."""

import time

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.features import PartFeatures, VGG19Features
from gfla_tf.training.batch import take_batch
from gfla_tf.training.callbacks import clock
from gfla_tf.training.sources import SyntheticSource

_FILE = "features.weights.h5"
_CALIBRATION_BATCHES = 16


def prepare_features(config, source, run):
    """Builds, trains or calibrates what `config.features` asks for; later starts of the run read it back.

    Raises:
      InputError: weights that are not there, or part features without SyntheticPeople's part labels.
    """
    if config.features.kind == "vgg19":
        return _vgg19(config, source, run)
    if not isinstance(source, SyntheticSource):
        raise InputError(
            "features.kind=parts learns from part labels, which only the synthetic source has; use vgg19"
        )
    features = PartFeatures(config.features.width, len(source.dataset.part_names), seed=config.seed)
    if _restore(features, run):
        return features
    began = time.monotonic()
    arrays = source.dataset.as_arrays("train", 0, source.dataset.identities["train"])
    figures = features.fit_parts(
        arrays["images"], arrays["parts"], steps=config.features.steps, seed=config.seed
    )
    run.save_weights(features, _FILE)
    accuracy = ", ".join(
        f"{name.removesuffix('_accuracy')} {value:.3f}"
        for name, value in figures.items()
        if name.endswith("accuracy")
    )
    print(f"part features trained in {clock(time.monotonic() - began)}; accuracy {accuracy}", flush=True)
    return features


def _vgg19(config, source, run):
    chosen = config.features
    features = VGG19Features(
        chosen.weights, vgg_input=chosen.vgg_input, width_multiplier=chosen.width_multiplier, seed=config.seed
    )
    if features.needs_calibration and not _restore(features, run):
        batches = source.training_batches(config.batch_size, seed=config.seed, parts=False)
        images = (
            np.asarray(take_batch(batch)["target_image"]) for batch in batches.take(_CALIBRATION_BATCHES)
        )
        features.calibrate(images)
        run.save_weights(features, _FILE)
    return features


def _restore(features, run):
    path = run.path / _FILE
    if not path.exists():
        return False
    try:
        features.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} cannot be read ({error}); delete it to make the features again") from error
    return True
