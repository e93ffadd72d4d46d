"""The true flow and visibility of SyntheticPeople."""

import cv2
import numpy as np
import pytest

from gfla_tf.synthetic.identity import RenderSettings, render_identity


@pytest.fixture(scope="module")
def flat():
    """People rendered without light and noise, so that warping by the true flow reproduces the target."""
    settings = RenderSettings((128, 128), 3, 2, flat=True)
    return [render_identity(settings, "test", number) for number in range(6)]


def test_warping_by_the_true_flow_reproduces_the_target(flat):
    for identity in flat:
        flow, visibility = identity.truth(0, 1)
        source, target = (rendering.image.astype(np.float32) for rendering in identity.renderings)
        y, x = np.mgrid[:128, :128].astype(np.float32)
        warped = cv2.remap(
            source, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE
        )
        error = np.abs(warped - target).mean(axis=-1)
        person = identity.renderings[1].parts > 0
        seen = visibility > 0
        inside = cv2.erode(person.astype(np.uint8), np.ones((3, 3))) > 0
        assert error[seen & ~person].mean() < 1.5
        if (seen & inside).sum() > 200:
            assert np.median(error[seen & inside]) < 12
            assert error[seen & inside].mean() < 0.5 * np.abs(source - target).mean(axis=-1)[person].mean()


def test_true_flow_points_to_the_same_surface_point(flat):
    """At the position that the flow gives, the source shows a neighbor of the target's surfel."""
    for identity in flat:
        flow, visibility = identity.truth(0, 1)
        source, target = identity.renderings
        rows, columns = np.nonzero((visibility > 0) & (target.surfel >= 0))
        to_x = np.rint(columns + flow[rows, columns, 0]).astype(int).clip(0, 127)
        to_y = np.rint(rows + flow[rows, columns, 1]).astype(int).clip(0, 127)
        found = source.surfel[to_y, to_x]
        hit = found >= 0
        assert hit.mean() > 0.93
        cloud = identity.person.cloud
        ids = target.surfel[rows, columns]
        rest = cloud.offset + cloud.center[cloud.ring].T
        gap = np.linalg.norm(rest[:, found[hit]] - rest[:, ids[hit]], axis=0)
        assert np.median(gap) * source.camera.unit < 1.5


def test_flow_of_an_image_to_itself_is_zero_and_visible(flat):
    for identity in flat[:3]:
        flow, visibility = identity.truth(0, 0)
        assert np.abs(flow).max() < 1e-3
        person = identity.renderings[0].parts > 0
        assert visibility[person].mean() > 0.97
        assert visibility[~person].mean() > 0.97


def test_occluded_surfaces_are_not_visible(people):
    """Between front and back views hardly any surface is visible in both; between similar views most is."""
    shares = []
    for index in range(0, 20 * 12, 7):
        sample = people.sample("train", index)
        noses = [sample[f"{role}_keypoints"][0, 0] >= 0 for role in ("source", "target")]
        person = sample["target_parts"] > 0
        shares.append((noses[0] == noses[1], sample["visibility"][person].mean()))
    similar = np.mean([share for same_side, share in shares if same_side])
    opposite = np.mean([share for same_side, share in shares if not same_side])
    assert similar > opposite + 0.2
