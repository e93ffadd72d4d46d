"""The model that comes with the project: there, small, licensed, and better than nothing."""

import numpy as np

from gfla_tf.data import SyntheticPeople
from gfla_tf.models import shipped_model_path
from gfla_tf.models.loading import load_generator


def test_the_shipped_model_is_there_and_small():
    path = shipped_model_path()
    assert path.stat().st_size < 10e6
    card = (path.parent / "README.md").read_text()
    for word in ("Data", "Command", "Figures", "Licence", "Apache-2.0"):
        assert word in card


def test_the_shipped_model_beats_copying_the_source():
    model = load_generator(None)
    assert model.count_params() < 1_500_000
    dataset = SyntheticPeople(model.image_size, heatmap_sigma=model.heatmap_sigma)
    batch = next(iter(dataset.as_dataset("test", 24, truth=True)))
    outputs = model({key: batch[key] for key in ("source_image", "source_pose", "target_pose")})
    figure = (batch["source_parts"] > 0) | (batch["target_parts"] > 0)

    def l1(image):
        return float(np.abs(image - batch["target_image"])[np.asarray(figure)].mean())

    assert l1(outputs["image"]) < 0.8 * l1(batch["source_image"])
