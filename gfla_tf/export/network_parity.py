"""Comparison of an exported graph's image, flows and masks with those of the Keras model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gfla_tf.data import SyntheticPeople
from gfla_tf.errors import InputError
from gfla_tf.evaluation.metrics import ssim
from gfla_tf.evaluation.synthetic import MODEL_INPUTS
from gfla_tf.images.scaling import scale_images
from gfla_tf.models import PersonImageGenerator
from gfla_tf.pose.heatmaps import pose_heatmaps

NUM_PAIRS = 4
"""The number of pairs that an export is compared on."""

LIMITS = {"float32": 1e-4, "float16": 5e-3}
"""The largest accepted difference, by form, of images in [-1, 1], masks, and flows in pixels."""


def synthetic_pairs(model: PersonImageGenerator, size: tuple[int, int]) -> list[dict[str, np.ndarray]]:
    """Returns the model inputs of held-out synthetic people: a dict of [1, ...] arrays per pair."""
    people = SyntheticPeople(size, identities={"test": NUM_PAIRS})
    pairs = []
    for person in range(NUM_PAIRS):
        sample = people.sample("test", person * people.pairs_per_identity)
        points = np.stack([sample["source_keypoints"], sample["target_keypoints"]])
        source, target = pose_heatmaps(points, size, model.heatmap_sigma).numpy()[:, None]
        image = scale_images(sample["source_image"][None]).numpy()
        pairs.append(dict(zip(MODEL_INPUTS, (image, source, target), strict=True)))
    return pairs


def compare(
    model: PersonImageGenerator,
    run: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]],
    pairs: list[dict[str, np.ndarray]],
) -> dict[str, float]:
    """Returns the largest difference of each output over some pairs, and "ssim", the images' mean SSIM.

    Args:
      model: The Keras model.
      run: The exported graph: {input: array} -> {output: array}.
      pairs: Model inputs, one dict per call.

    Raises:
      InputError: An output is not finite.
    """
    expected = [
        {name: value.numpy() for name, value in model.named_outputs(model(pair, training=False)).items()}
        for pair in pairs
    ]
    actual = [run(pair) for pair in pairs]
    if not all(np.isfinite(value).all() for outputs in (*actual, *expected) for value in outputs.values()):
        raise InputError("the model's or the export's output is not finite: check the model's weights")
    parity = {
        name: max(float(np.abs(a[name] - e[name]).max()) for a, e in zip(actual, expected, strict=True))
        for name in expected[0]
    }
    similarity = [ssim(a["image"], e["image"]).mean() for a, e in zip(actual, expected, strict=True)]
    return {**parity, "ssim": float(np.mean(similarity))}


def check_parity(parity: dict[str, float], form: str) -> None:
    """Checks the differences of an export against the limit of its form in `LIMITS`, if it has one.

    Raises:
      InputError: A difference exceeds the limit; the message names the output, the difference and the limit.
    """
    limit = LIMITS.get(form)
    worst = max((name for name in parity if name != "ssim"), key=parity.get)
    if limit is not None and parity[worst] > limit:
        hint = "; try --quantize float32" if form != "float32" else ""
        raise InputError(
            f"the {form} export's {worst} differs from the model's by {parity[worst]:.2g}, more than "
            f"{limit:g}: nothing was written{hint}"
        )
