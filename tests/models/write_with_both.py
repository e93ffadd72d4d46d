"""Writes `written/`: a network as a file and as a folder, with the installed Keras, and its outputs.

python -m tests.models.write_with_both        (under Keras 2.15, and under Keras 3)
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gfla_tf import models
from tests.models.test_preset_folder import SMALL, WRITTEN, _inputs


def main():
    network = models.FlowFieldEstimator(**SMALL, name="small")
    for i, variable in enumerate(network.trainable_variables):
        variable.assign(np.random.default_rng(i).uniform(-0.5, 0.5, variable.shape))
    name = f"keras{keras.__version__.split('.')[0]}"
    Path(WRITTEN).mkdir(exist_ok=True)
    network.save(WRITTEN / f"{name}.keras")
    network.save_to_preset(WRITTEN / name, overwrite=True)
    flows, masks = tf.function(network)(_inputs())
    np.savez(WRITTEN / "outputs.npz", flow=flows[0], mask=masks[0])


if __name__ == "__main__":
    main()
