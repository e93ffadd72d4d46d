"""A small network for tests of the exports, and random inputs for it."""

import numpy as np

from gfla_tf.evaluation.synthetic import MODEL_INPUTS
from gfla_tf.models import PersonImageGenerator


def small_model():
    """Returns a generator with two attention layers for images of 32 x 32 pixels."""
    return PersonImageGenerator(
        image_size=(32, 32),
        attention_layers={2: 3, 1: 1},
        width=8,
        max_width=16,
        num_layers=2,
        attention_hidden=8,
        flow_width=8,
        flow_max_width=16,
        flow_encoder_layers=3,
        heatmap_sigma=2.0,
        initial_gain=1.0,
    )


def random_inputs(size, batch, seed=0):
    """Returns {input: array} of noise, on which no export was calibrated."""
    random = np.random.default_rng(seed)
    image, *poses = (random.random((batch, *size, c), np.float32) for c in (3, 18, 18))
    return dict(zip(MODEL_INPUTS, (image * 2 - 1, *poses), strict=True))
