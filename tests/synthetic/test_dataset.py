"""SyntheticPeople as `tf.data` datasets and arrays: cache, shuffling, worker processes, arguments."""

import subprocess
import sys
import time

import numpy as np
import pytest

from gfla_tf.synthetic import SyntheticPeople


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_missing_people_are_an_error(people):
    def fail(done, total):
        if done == 1:
            raise OSError("the terminal was closed")

    with pytest.raises(RuntimeError, match="failed in a worker process: 3 of 4 people were received"):
        people.as_arrays("train", 0, 4, workers=2, progress=fail)


def test_workers_render_the_same_without_tensorflow():
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


def test_a_cached_split_is_not_rendered_again(monkeypatch):
    people = SyntheticPeople(identities={"test": 2})
    assert people.cache("test", truth=True, workers=0) is people
    monkeypatch.setattr("gfla_tf.synthetic.batches.render_identity", None)
    batch = next(iter(people.as_dataset("test", 24, truth=True)))
    assert np.array_equal(batch["flow"][13].numpy(), people.sample("test", 13)["flow"])


def test_repeat_continues_after_the_last_pair():
    people = SyntheticPeople(identities={"train": 1}, images_per_identity=2)
    dataset = people.as_dataset("train", 2, repeat=True, heatmaps=False)
    assert sum(1 for _ in zip(range(5), dataset, strict=False)) == 5


def test_rendering_is_fast(people):
    """An image takes less time than six million normal random numbers, and usually less than one million."""

    def seconds(function, *arguments):
        start = time.process_time()
        function(*arguments)
        return time.process_time() - start

    people.as_arrays("train", 0, 1)
    baseline = min(seconds(np.random.default_rng(0).standard_normal, 1_000_000) for _ in range(3))
    assert seconds(people.as_arrays, "train", 1, 6) / 20 < 6 * baseline


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
def test_arguments_out_of_range(arguments):
    with pytest.raises(ValueError, match="must"):
        SyntheticPeople(**arguments)


def test_requests_out_of_range(people):
    with pytest.raises(ValueError, match="has the splits train, test"):
        people.num_pairs("validation")
    with pytest.raises(IndexError, match="got index 72"):
        people.sample("test", 72)
    with pytest.raises(ValueError, match="identities 0 to 5"):
        people.as_arrays("test", 3, 9)
    with pytest.raises(ValueError, match="batch_size"):
        people.as_dataset("test", 0)
