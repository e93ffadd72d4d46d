"""Batch k of every dataset is a function of the seed and k, and a batch is divided among workers."""

import h5py
import numpy as np
import pytest

from gfla_tf.data import Market1501, PairFile, SyntheticPeople
from gfla_tf.data.hdf5.reader import BLOCK, IMAGES, KEYPOINTS
from gfla_tf.data.shards.builder import build_shards
from gfla_tf.synthetic import batches as people_batches
from tests.data.folders import write_folder

KINDS = ("folder", "shards", "augmented", "hdf5", "cached", "rendered")
PAIRS = {"hdf5": 17 * BLOCK + 5, "cached": 6, "rendered": 6}
BATCH = {"hdf5": 50}
OPTIONS = {"seed": 3, "heatmaps": False}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    folder = write_folder(root / "folder", "market", (128, 64), (128, 64), people=5)
    build_shards(folder, root / "shards")
    rng = np.random.default_rng(0)
    with h5py.File(root / "pairs.h5", "w") as file:
        for name in IMAGES:
            file[f"train/{name}"] = rng.integers(0, 256, (PAIRS["hdf5"], 12, 8, 3), np.uint8)
        for name in KEYPOINTS:
            file[f"train/{name}"] = rng.integers(0, 8, (PAIRS["hdf5"], 18, 2), np.int32)
    people = {"image_size": (32, 32), "identities": {"train": 3}, "images_per_identity": 2}
    return {
        "folder": Market1501(folder, augment=False),
        "shards": Market1501(root / "shards"),
        "augmented": Market1501(folder),
        "hdf5": PairFile(root / "pairs.h5"),
        "cached": SyntheticPeople(**people).cache("train", workers=0),
        "rendered": SyntheticPeople(**people),
    }


def batches(dataset, count=None):
    return list((dataset if count is None else dataset.take(count)).as_numpy_iterator())


def equal(ours, theirs, tolerance=0.0):
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_allclose(value, other[name], rtol=0, atol=tolerance, err_msg=name)


@pytest.fixture(params=KINDS)
def case(request, datasets):
    """(dataset, number of pairs, batch size, the batches of two epochs and one more)."""
    data, size = datasets[request.param], BATCH.get(request.param, 4)
    count = data.num_pairs("train")
    assert count == PAIRS.get(request.param, 10)
    every = batches(data.as_dataset("train", size, repeat=True, **OPTIONS), 2 * count // size + 1)
    return data, count, size, every


def test_repeated_batches(case):
    data, count, size, every = case
    assert {len(part) for batch in every for part in batch.values()} == {size}
    for start in (1, count // size, len(every) - 2):
        later = data.as_dataset("train", size, repeat=True, start=start, **OPTIONS)
        equal(batches(later, len(every) - start), every[start:])
    parts = [
        batches(data.as_dataset("train", size, repeat=True, start=1, shard=(index, 2), **OPTIONS), 2)
        for index in range(2)
    ]
    joined = [
        {name: np.concatenate([half[name] for half in halves]) for name in halves[0]}
        for halves in zip(*parts, strict=True)
    ]
    equal(joined, every[1:3])


def test_each_pair_once_an_epoch(case, datasets):
    data, count, size, every = case
    if data is datasets["augmented"] or data is datasets["shards"]:
        every = batches(
            Market1501(data.root, augment=False).as_dataset("train", size, repeat=True, **OPTIONS), len(every)
        )
    rows = [
        (source.tobytes(), target.tobytes())
        for batch in every
        for source, target in zip(batch["source_keypoints"], batch["target_keypoints"], strict=True)
    ]
    assert len(set(rows[:count])) == count
    assert sorted(rows[:count]) == sorted(rows[count : 2 * count])
    assert rows[:count] != rows[count : 2 * count]


def test_single_epochs(case):
    data, count, size, every = case
    whole = data.as_dataset("train", size, **OPTIONS)
    later = data.as_dataset("train", size, start=1, **OPTIONS)
    rounding = 1e-4 if getattr(data, "augment", False) else 0  # of another graph
    equal(batches(whole)[: count // size], every[: count // size], rounding)
    equal(batches(later), batches(data.as_dataset("train", size, **OPTIONS))[1:])
    equal(batches(later), batches(whole)[1:])  # both are in their second epoch
    last = data.as_dataset("train", size, start=count // size, shard=(0, 100), **OPTIONS)
    assert [len(part) for batch in batches(last) for part in batch.values()] == [0] * 4


def test_shards_equal_the_folder_with_augmentation(datasets):
    ours, theirs = (
        batches(datasets[kind].as_dataset("train", 4, repeat=True, start=7, **OPTIONS), 2)
        for kind in ("shards", "augmented")
    )
    equal(ours, theirs)
    still = batches(datasets["folder"].as_dataset("train", 4, repeat=True, start=7, **OPTIONS), 2)
    assert np.abs(still[0]["source_image"] - theirs[0]["source_image"]).max() > 0.1


def test_a_start_reads_nothing_before_it(datasets, monkeypatch):
    opened = []
    reader = datasets["hdf5"]._read
    monkeypatch.setattr(
        datasets["hdf5"], "_read", lambda *where: lambda rows: opened.append(rows) or reader(*where)(rows)
    )
    data = datasets["hdf5"].as_dataset("train", 2, repeat=True, start=10**9, **OPTIONS)
    next(iter(data.take(1)))
    assert 0 < len(opened) < 40  # the first batches, which are prefetched
    rendered = []
    render = people_batches.render_identity
    monkeypatch.setattr(
        people_batches, "render_identity", lambda *person: rendered.append(person) or render(*person)
    )
    next(iter(datasets["rendered"].as_dataset("train", 1, repeat=True, start=10**9, **OPTIONS).take(1)))
    assert 0 < len(rendered) < 20
