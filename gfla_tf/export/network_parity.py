"""How far an exported graph's image, flows and masks are from those of the Keras model."""

from __future__ import annotations

import numpy as np

from gfla_tf.data import SyntheticPeople
from gfla_tf.errors import InputError
from gfla_tf.evaluation.metrics import ssim
from gfla_tf.evaluation.synthetic import MODEL_INPUTS
from gfla_tf.pose.heatmaps import pose_heatmaps

PAIRS = 4
"""How many pairs an export is compared on."""

LIMITS = {"float32": 1e-4, "float16": 5e-3}
"""The largest difference that an export may have: of images in [-1, 1], masks, and flows in pixels."""


def synthetic_pairs(model, size: tuple[int, int]) -> list[dict]:
    """Inputs of drawn people that no model was trained on, a dict of [1, ...] arrays for each pair."""
    people = SyntheticPeople(size, identities={"test": PAIRS})
    pairs = []
    for person in range(PAIRS):
        sample = people.sample("test", person * people.pairs_per_identity)
        points = np.stack([sample["source_keypoints"], sample["target_keypoints"]])
        source, target = pose_heatmaps(points, size, model.heatmap_sigma).numpy()[:, None]
        image = sample["source_image"][None].astype(np.float32) / 127.5 - 1.0
        pairs.append(dict(zip(MODEL_INPUTS, (image, source, target), strict=True)))
    return pairs


def compare(model, run, pairs: list[dict]) -> dict[str, float]:
    """The largest difference of each output over some pairs, and "ssim", the pictures' mean similarity.

    Args:
      model: the `PersonImageGenerator`.
      run: the exported graph, a function of {input: array} to {output: array}.
      pairs: inputs of the model, one dict a call.

    Raises:
      InputError: an output is not finite.
    """
    wanted = [
        {name: value.numpy() for name, value in model.named_outputs(model(pair, training=False)).items()}
        for pair in pairs
    ]
    given = [run(pair) for pair in pairs]
    if not all(np.isfinite(value).all() for one in (*given, *wanted) for value in one.values()):
        raise InputError("the model's or the export's output is not finite: check the model's weights")
    parity = {
        name: max(float(np.abs(g[name] - w[name]).max()) for g, w in zip(given, wanted, strict=True))
        for name in wanted[0]
    }
    similar = [ssim(g["image"], w["image"]).mean() for g, w in zip(given, wanted, strict=True)]
    return {**parity, "ssim": float(np.mean(similar))}


def check_parity(parity: dict[str, float], form: str) -> None:
    """Refuses an export that is further from the model than `LIMITS` of its form; the others have none.

    Raises:
      InputError: it is; the sentence names the output and both figures.
    """
    limit = LIMITS.get(form)
    worst = max((name for name in parity if name != "ssim"), key=parity.get)
    if limit is not None and parity[worst] > limit:
        other = "; try --quantize float32" if form != "float32" else ""
        raise InputError(
            f"the {form} export's {worst} differs from the model's by {parity[worst]:.2g}, more than "
            f"{limit:g}: nothing was written{other}"
        )
