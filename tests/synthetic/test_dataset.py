"""SyntheticPeople: purity, truth, keypoints and serving."""

import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from gfla_tf.synthetic import PART_NAMES, SyntheticPeople
from gfla_tf.synthetic.drawing import Recipe, draw_identity


@pytest.fixture(scope="module")
def people():
    return SyntheticPeople(identities={"train": 40, "test": 6})


@pytest.fixture(scope="module")
def flat():
    """Some people drawn without light or noise: warping by the true flow must reproduce them."""
    recipe = Recipe((128, 128), 3, 2, flat=True)
    return [draw_identity(recipe, "test", number) for number in range(6)]


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


def test_samples_may_be_written_on(people):
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


def test_warping_by_the_true_flow_reproduces_the_target(flat):
    for person in flat:
        flow, visibility = person.truth(0, 1)
        source, target = (drawing.image.astype(np.float32) for drawing in person.drawings)
        y, x = np.mgrid[:128, :128].astype(np.float32)
        warped = cv2.remap(
            source, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE
        )
        error = np.abs(warped - target).mean(axis=-1)
        figure = person.drawings[1].parts > 0
        seen = visibility > 0
        inside = cv2.erode(figure.astype(np.uint8), np.ones((3, 3))) > 0
        assert error[seen & ~figure].mean() < 1.5
        if (seen & inside).sum() > 200:
            assert np.median(error[seen & inside]) < 12
            assert error[seen & inside].mean() < 0.5 * np.abs(source - target).mean(axis=-1)[figure].mean()


def test_true_flow_lands_on_the_same_surface_point(flat):
    """Where the flow leads, the source shows the very neighbourhood of that surfel."""
    for person in flat:
        flow, visibility = person.truth(0, 1)
        source, target = person.drawings
        rows, columns = np.nonzero((visibility > 0) & (target.surfel >= 0))
        to_x = np.rint(columns + flow[rows, columns, 0]).astype(int).clip(0, 127)
        to_y = np.rint(rows + flow[rows, columns, 1]).astype(int).clip(0, 127)
        found = source.surfel[to_y, to_x]
        hit = found >= 0
        assert hit.mean() > 0.93
        cloud = person.figure.cloud
        ids = target.surfel[rows, columns]
        rest = cloud.offset + cloud.centre[cloud.ring].T
        gap = np.linalg.norm(rest[:, found[hit]] - rest[:, ids[hit]], axis=0)
        assert np.median(gap) * source.camera.unit < 1.5


def test_identity_flow_is_zero_and_visible(flat):
    for person in flat[:3]:
        flow, visibility = person.truth(0, 0)
        assert np.abs(flow).max() < 1e-3
        figure = person.drawings[0].parts > 0
        assert visibility[figure].mean() > 0.97
        assert visibility[~figure].mean() > 0.97


def test_hidden_surfaces_are_not_visible(people):
    """From front to back hardly anything of the figure can be seen; between like views most can."""
    shares = []
    for index in range(0, 20 * 12, 7):
        sample = people.sample("train", index)
        faces = [np.isin(sample[f"{role}_parts"], 2).sum() for role in ("source", "target")]
        noses = [sample[f"{role}_keypoints"][0, 0] >= 0 for role in ("source", "target")]
        figure = sample["target_parts"] > 0
        shares.append((noses[0] == noses[1], sample["visibility"][figure].mean(), faces))
    alike = np.mean([share for like, share, _ in shares if like])
    unlike = np.mean([share for like, share, _ in shares if not like])
    assert alike > unlike + 0.2


def test_keypoints_lie_on_their_own_limb(people):
    limbs = {3: (5, 7, 3), 6: (4, 6, 3), 9: (9, 11, 14), 12: (8, 10, 14), 10: (11, 13, 9), 13: (10, 12, 8)}
    right, total, missing = 0, 0, 0
    arrays = people.as_arrays("train", 0, 20)
    for keypoints, parts in zip(arrays["keypoints"], arrays["parts"], strict=True):
        gone = keypoints[:, 0] < 0
        assert (keypoints[gone] == -1).all()
        assert (keypoints[~gone] >= 0).all()
        assert (keypoints[~gone] <= 63).all()
        missing += gone.sum()
        for number, labels in limbs.items():
            if not gone[number]:
                y, x = np.rint(keypoints[number]).astype(int)
                near = parts[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
                total += 1
                right += np.isin(near, labels).any()
    assert right / total > 0.9
    assert 0 < missing < 0.4 * arrays["keypoints"].shape[0] * 18


def test_left_and_right_are_the_persons_own(people):
    """Seen from the front, the person's right hip is on the left of the picture; from behind on the right."""
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
    figure = (parts > 0).mean(axis=(1, 2))
    assert figure.min() > 0.05
    assert figure.max() < 0.5


def test_pictures_vary(people):
    images = people.as_arrays("train", 0, 10)["images"].astype(np.float32)
    assert np.abs(images[None] - images[:, None]).mean(axis=(2, 3, 4))[~np.eye(40, dtype=bool)].min() > 3


@pytest.mark.parametrize("size", [(128, 64), (96, 160)])
def test_other_shapes(size):
    sample = SyntheticPeople(size, identities={"train": 1}).sample("train", 3)
    assert sample["target_image"].shape == (*size, 3)
    assert sample["flow"].shape == (*size, 2)
    assert (sample["target_parts"] > 0).mean() > 0.02


def test_heatmap_sigma_follows_the_height():
    assert [SyntheticPeople((h, 64)).heatmap_sigma for h in (64, 128, 256)] == [2.0, 3.0, 6.0]
    assert SyntheticPeople(heatmap_sigma=1.25).heatmap_sigma == 1.25


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_people_that_do_not_arrive_are_an_error(people):
    def fail(done, total):
        if done == 1:
            raise OSError("the terminal is gone")

    with pytest.raises(RuntimeError, match="failed in a worker process: 3 of 4 people arrived"):
        people.as_arrays("train", 0, 4, workers=2, progress=fail)


def test_workers_draw_the_same_without_tensorflow():
    script = (
        "import sys\n"
        "from gfla_tf.synthetic import SyntheticPeople\n"
        "people = SyntheticPeople(identities={'train': 5})\n"
        "calls = []\n"
        "one = people.as_arrays('train', truth=True)\n"
        "two = people.as_arrays('train', truth=True, workers=2, progress=lambda *a: calls.append(a))\n"
        "assert all((one[k] == two[k]).all() for k in one), 'differ'\n"
        "assert calls == [(n, 5) for n in range(1, 6)], calls\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_dataset_equals_samples(people):
    rows = list(people.as_dataset("test", 5, truth=True))
    assert len(rows) == -(-people.num_pairs("test") // 5)
    batch = {name: value.numpy() for name, value in rows[2].items()}
    for row in range(5):
        sample = people.sample("test", 10 + row)
        assert np.abs(batch["source_image"][row] - (sample["source_image"] / 127.5 - 1)).max() < 1e-6
        for name in ("target_keypoints", "flow", "visibility", "target_parts"):
            assert np.array_equal(batch[name][row], sample[name])
    assert batch["source_pose"].shape == (5, 64, 64, 18)
    assert batch["source_parts"].dtype == np.int32
    here = sample["source_keypoints"][:, 0] >= 0
    assert np.array_equal(batch["source_pose"][4].max(axis=(0, 1)) > 0.99, here)


@pytest.mark.parametrize("cached", [False, True])
def test_shuffling_is_deterministic_and_complete(cached):
    def passes(seed):
        people = SyntheticPeople(identities={"train": 4}, images_per_identity=3)
        if cached:
            people.cache("train", workers=0)
        dataset = people.as_dataset("train", 7, heatmaps=False, seed=seed)
        return [np.concatenate([b["target_keypoints"].numpy() for b in dataset]) for _ in range(2)]

    first, second = passes(0), passes(0)
    assert np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], passes(1)[0])
    everyone = SyntheticPeople(identities={"train": 4}, images_per_identity=3).as_arrays("train")
    expected = everyone["keypoints"][everyone["pairs"][:, 1]]
    assert np.array_equal(np.sort(first[0], axis=0), np.sort(expected, axis=0))


def test_cache_serves_truth_without_drawing(monkeypatch):
    people = SyntheticPeople(identities={"test": 2})
    assert people.cache("test", truth=True, workers=0) is people
    monkeypatch.setattr("gfla_tf.synthetic.dataset.draw_identity", None)  # nothing can be drawn
    batch = next(iter(people.as_dataset("test", 24, truth=True)))
    assert np.array_equal(batch["flow"][13].numpy(), people.sample("test", 13)["flow"])


def test_repeat_goes_on():
    people = SyntheticPeople(identities={"train": 1}, images_per_identity=2)
    dataset = people.as_dataset("train", 2, repeat=True, heatmaps=False)
    assert sum(1 for _ in zip(range(5), dataset, strict=False)) == 5


def test_drawing_is_fast(people):
    people.as_arrays("train", 0, 1)
    start = time.process_time()
    people.as_arrays("train", 1, 6)
    assert (time.process_time() - start) / 20 < 0.05


@pytest.mark.parametrize(
    "arguments",
    [
        {"image_size": (16, 64)},
        {"seed": -1},
        {"images_per_identity": 1},
        {"identities": {"train": -1}},
        {"supersample": 0},
    ],
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match="must"):
        SyntheticPeople(**arguments)


def test_bad_requests(people):
    with pytest.raises(ValueError, match="has the splits train, test"):
        people.num_pairs("validation")
    with pytest.raises(IndexError, match="asked for 72"):
        people.sample("test", 72)
    with pytest.raises(ValueError, match="identities 0 to 5"):
        people.as_arrays("test", 3, 9)
    with pytest.raises(ValueError, match="batch_size"):
        people.as_dataset("test", 0)
