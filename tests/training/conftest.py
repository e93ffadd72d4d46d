"""The configuration of a tiny run, shared by the tests of training."""

import pytest
import yaml

from gfla_tf.config import load_config
from tests.training import small

TINY = {
    "model": {"preset": "synthetic", "overrides": {"image_size": [32, 32], **small.ARGUMENTS}},
    "data": {"identities": 4, "test_identities": 1, "workers": 0},
    "features": {"kind": "parts", "steps": 2, "width": 4},
    "stage1": {"epochs": 1, "steps_per_epoch": 2},
    "stage2": {"epochs": 2, "steps_per_epoch": 2, "freeze_flow_steps": 3},
    "batch_size": 2,
    "validation_batches": 1,
    "ema": 0.5,
}


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory):
    """The path of the configuration."""
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY))
    return path


@pytest.fixture(scope="session")
def tiny(tiny_path):
    """A function that loads the configuration with overrides."""
    return lambda *overrides: load_config(tiny_path, overrides)
