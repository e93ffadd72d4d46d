"""Loading networks from files: which ones are taken, and how much of them."""

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.models import FlowFieldEstimator, ResDiscriminator, saved


@pytest.fixture
def path(tmp_path):
    ResDiscriminator(1, width=2).save(tmp_path / "d.keras")
    return tmp_path / "d.keras"


def test_only_the_named_classes_are_loaded(path):
    model = saved.load_network(path, [FlowFieldEstimator, ResDiscriminator])
    assert (type(model), model.num_blocks, model.width) == (ResDiscriminator, 1, 2)
    assert np.isfinite(model(np.zeros([1, 2, 2, 3], np.float32))).all()
    with pytest.raises(InputError, match="is not a FlowFieldEstimator but 'gfla_tf>ResDiscriminator'"):
        saved.load_network(path, [FlowFieldEstimator])


def test_a_file_that_unpacks_to_too_much_is_refused(path, monkeypatch):
    monkeypatch.setattr(saved, "_MAX_BYTES", 10_000)
    with pytest.raises(InputError, match="unpacks to more than 10000 bytes"):
        saved.load_network(path, [ResDiscriminator])
