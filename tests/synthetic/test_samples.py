"""Samples of SyntheticPeople: purity, recorded values, pairs, keypoints and part labels."""

import numpy as np
import pytest

from gfla_tf.synthetic import PART_NAMES, SyntheticPeople

RECORDED = {
    "source": {
        "blocks": [
            [168.16, 168.61, 184.51, 190.41], [171.80, 136.45, 173.98, 192.90],
            [170.09, 145.94, 181.80, 191.58], [156.19, 158.07, 171.73, 178.67],
        ],
        "keypoints": [[-1, -1], [19.299, 28.983], [20.029, 34.339]],
        "parts": [3645, 30, 13, 148, 11, 16, 0, 3, 57, 74, 39, 41, 7, 12, 0, 0],
    },
    "target": {
        "blocks": [
            [209.65, 193.47, 193.37, 180.84], [213.88, 167.00, 193.52, 182.27],
            [210.58, 166.83, 189.78, 179.81], [192.68, 179.66, 176.91, 166.99],
        ],
        "keypoints": [[16.259, 24.753], [19.737, 28.043], [-1, -1]],
        "parts": [3690, 25, 21, 73, 31, 14, 28, 15, 62, 37, 35, 39, 13, 13, 0, 0],
    },
}  # fmt: skip
"""Of pair 17 of the test split, seed 0, 64 x 64."""


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a)


def test_sample_has_the_documented_shapes(people):
    sample = people.sample("train", 0)
    for role in ("source", "target"):
        assert sample[f"{role}_image"].shape == (64, 64, 3)
        assert sample[f"{role}_image"].dtype == np.uint8
        assert sample[f"{role}_keypoints"].shape == (18, 2)
        assert sample[f"{role}_keypoints"].dtype == np.float32
        assert sample[f"{role}_parts"].shape == (64, 64)
    assert sample["flow"].shape == (64, 64, 2)
    assert sample["flow"].dtype == np.float32
    assert sample["visibility"].shape == (64, 64)
    assert set(np.unique(sample["visibility"])) <= {0.0, 1.0}


def test_a_sample_is_a_function_of_seed_split_and_index(people):
    forwards = [people.sample("train", index) for index in (0, 13, 30)]
    other = SyntheticPeople(identities={"train": 31, "test": 2})
    backwards = [other.sample("train", index) for index in (30, 13, 0)][::-1]
    assert all(same(a, b) for a, b in zip(forwards, backwards, strict=True))
    assert not same(forwards[0], SyntheticPeople(seed=1).sample("train", 0))


@pytest.mark.parametrize("role", RECORDED)
def test_samples_are_those_recorded(people, role):
    """Recorded means of 16 x 16 blocks, keypoints and part sizes: libraries may differ by single pixels."""
    sample = people.sample("test", 17)
    blocks = sample[f"{role}_image"].mean(-1).reshape(4, 16, 4, 16).mean((1, 3))
    parts = np.bincount(sample[f"{role}_parts"].ravel(), minlength=len(PART_NAMES))
    expected = RECORDED[role]
    np.testing.assert_allclose(blocks, expected["blocks"], atol=0.3)
    np.testing.assert_allclose(sample[f"{role}_keypoints"][:3], expected["keypoints"], atol=2e-3)
    np.testing.assert_allclose(parts, expected["parts"], atol=3)


def test_the_recorded_flow(people):
    sample = people.sample("test", 17)
    seen = (sample["visibility"] > 0) & (sample["target_parts"] > 0)
    assert seen.sum() == pytest.approx(52, abs=2)
    np.testing.assert_allclose(sample["flow"][seen].mean(0), [-1.045, -2.160], atol=0.1)
    np.testing.assert_allclose(sample["flow"].mean((0, 1)), [0.245, -0.276], atol=0.01)


def test_samples_are_independent_copies(people):
    first = people.sample("train", 5)
    first["source_image"][:] = 0
    assert people.sample("train", 5)["source_image"].any()


def test_splits_share_no_person(people):
    assert not same(people.sample("train", 0), people.sample("test", 0))
    train = people.as_arrays("train", 0, 6)["images"].reshape(24, -1)
    test = people.as_arrays("test")["images"].reshape(24, -1)
    assert not any(np.array_equal(a, b) for a in train for b in test)


def test_pairs_are_all_ordered_pairs_of_one_person(people):
    arrays = people.as_arrays("train", 2, 4)
    assert arrays["pairs"].shape == (24, 2)
    assert len({tuple(pair) for pair in arrays["pairs"]}) == 24
    assert (arrays["pairs"][:, 0] // 4 == arrays["pairs"][:, 1] // 4).all()
    for row, index in ((0, 24), (17, 41)):
        sample = people.sample("train", index)
        source, target = arrays["pairs"][row]
        assert np.array_equal(arrays["images"][source], sample["source_image"])
        assert np.array_equal(arrays["images"][target], sample["target_image"])
        assert np.array_equal(arrays["parts"][target], sample["target_parts"])
        assert np.array_equal(arrays["keypoints"][source], sample["source_keypoints"])


def test_keypoints_are_on_their_limbs(people):
    limbs = {3: (5, 7, 3), 6: (4, 6, 3), 9: (9, 11, 14), 12: (8, 10, 14), 10: (11, 13, 9), 13: (10, 12, 8)}
    right, total, missing = 0, 0, 0
    arrays = people.as_arrays("train", 0, 20)
    for keypoints, parts in zip(arrays["keypoints"], arrays["parts"], strict=True):
        hidden = keypoints[:, 0] < 0
        assert (keypoints[hidden] == -1).all()
        assert (keypoints[~hidden] >= 0).all()
        assert (keypoints[~hidden] <= 63).all()
        missing += hidden.sum()
        for number, labels in limbs.items():
            if not hidden[number]:
                y, x = np.rint(keypoints[number]).astype(int)
                near = parts[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
                total += 1
                right += np.isin(near, labels).any()
    assert right / total > 0.9
    assert 0 < missing < 0.4 * arrays["keypoints"].shape[0] * 18


def test_left_and_right_are_the_persons_sides(people):
    """In a front view the person's right hip is on the left of the image, in a back view on the right."""
    keypoints = people.as_arrays("train", 0, 30)["keypoints"]
    known = keypoints[(keypoints[:, [0, 8, 11], 0] >= 0).all(axis=1)]
    eyes = known[(known[:, 14, 0] >= 0) & (known[:, 15, 0] >= 0)]
    assert len(eyes) > 20
    assert (eyes[:, 8, 1] < eyes[:, 11, 1]).mean() > 0.95
    faceless = (keypoints[:, [0, 14, 15], 0] < 0).all(axis=1)  # a hand may hide the nose alone
    behind = keypoints[faceless & (keypoints[:, [16, 17, 8, 11], 0] >= 0).all(axis=1)]
    assert len(behind) > 5
    assert (behind[:, 8, 1] > behind[:, 11, 1]).mean() > 0.9


def test_part_labels_are_all_used(people):
    assert people.part_names == PART_NAMES
    parts = people.as_arrays("train", 0, 30)["parts"]
    assert set(np.unique(parts)) == set(range(len(PART_NAMES)))
    person = (parts > 0).mean(axis=(1, 2))
    assert person.min() > 0.05
    assert person.max() < 0.5


def test_images_differ(people):
    images = people.as_arrays("train", 0, 10)["images"].astype(np.float32)
    assert np.abs(images[None] - images[:, None]).mean(axis=(2, 3, 4))[~np.eye(40, dtype=bool)].min() > 3


@pytest.mark.parametrize("size", [(128, 64), (96, 160)])
def test_other_image_sizes(size):
    sample = SyntheticPeople(size, identities={"train": 1}).sample("train", 3)
    assert sample["target_image"].shape == (*size, 3)
    assert sample["flow"].shape == (*size, 2)
    assert (sample["target_parts"] > 0).mean() > 0.02


def test_heatmap_sigma_follows_the_height():
    assert [SyntheticPeople((h, 64)).heatmap_sigma for h in (64, 128, 256)] == [2.0, 3.0, 6.0]
    assert SyntheticPeople(heatmap_sigma=1.25).heatmap_sigma == 1.25
