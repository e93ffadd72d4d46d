import cv2
import numpy as np
import pytest

from gfla_tf.evaluation.classical import CLASSICAL_FLOWS, classical_flow


def shifted_pair(dx, dy, size=64):
    noise = np.random.default_rng(3).normal(size=(size + 32, size + 32, 3)).astype(np.float32)
    texture = np.clip(cv2.GaussianBlur(noise, (0, 0), 1.0) * 2, -1, 1)
    target = texture[16 : 16 + size, 16 : 16 + size]
    source = texture[16 - dy : 16 - dy + size, 16 - dx : 16 - dx + size]
    return source, target


@pytest.mark.parametrize("name", CLASSICAL_FLOWS)
def test_the_flow_of_a_shift_points_from_target_to_source(name):
    source, target = shifted_pair(dx=3, dy=-2)
    flow = classical_flow(name, source, target)
    assert flow.shape == (64, 64, 2)
    assert flow.dtype == np.float32
    np.testing.assert_allclose(np.median(flow[12:-12, 12:-12], (0, 1)), [3, -2], atol=0.25)


def test_an_unknown_name_is_rejected_with_the_known_names():
    with pytest.raises(ValueError, match=r"'DIS, native'.*got 'Lucas'"):
        classical_flow("Lucas", *shifted_pair(0, 0))
