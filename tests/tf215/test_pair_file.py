"""HDF5 files of pairs read by tensorflow-io: the batches equal those of the default reader, h5py."""

import h5py
import numpy as np
import pytest

from gfla_tf.data import PairFile
from tests.data.hdf5.test_hdf5 import arrays, joined, write
from tests.tf215 import stack

stack.tensorflow_io()

COUNT = 1100  # tensorflow-io reads blocks of 1024 rows


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs") / "pairs.h5"
    with h5py.File(path, "w") as file:
        for name, part in arrays(count=COUNT).items():
            file[f"train/{name}"] = part
        for name, part in arrays(count=70, seed=1).items():
            file.create_dataset(f"test/{name}", data=part, compression="gzip", chunks=(16, *part.shape[1:]))
    return path


@pytest.mark.parametrize(
    "options", [{}, {"shuffle": True, "seed": 3}, {"scaled": False}, {"heatmaps": False}]
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_batches_are_the_same(path, split, options):
    ours, theirs = (PairFile(path, reader=reader) for reader in ("h5py", "tensorflow-io"))
    assert theirs.num_pairs(split) == ours.num_pairs(split)
    one, other = (which.as_dataset(split, 16, **options) for which in (ours, theirs))
    assert one.element_spec == other.element_spec
    assert int(one.cardinality()) == int(other.cardinality())
    for _ in range(2):  # epochs
        batches = list(zip(one.as_numpy_iterator(), other.as_numpy_iterator(), strict=True))
        assert len(batches) == -(-ours.num_pairs(split) // 16)
        for ours_batch, theirs_batch in batches:
            for name in ours_batch:
                np.testing.assert_array_equal(ours_batch[name], theirs_batch[name], err_msg=name)


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.float32, np.float64])
def test_the_batches_are_the_same_for_every_type_of_keypoints(tmp_path, kind):
    points = arrays()["source_keypoints"].astype(kind)
    path = write(tmp_path / f"{np.dtype(kind)}.h5", source_keypoints=points)
    ours, theirs = (
        joined(PairFile(path, reader=reader).as_dataset("test", 2)) for reader in ("h5py", "tensorflow-io")
    )
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_a_repeated_dataset_does_not_end(path):
    dataset = PairFile(path, reader="tensorflow-io").as_dataset("test", 50, repeat=True, heatmaps=False)
    assert [len(batch["source_image"]) for batch in dataset.take(4)] == [50] * 4


def test_a_repeated_dataset_starts_at_any_batch(path):
    ours, theirs = (
        PairFile(path, reader=reader).as_dataset("train", 50, seed=1, repeat=True, heatmaps=False, start=43)
        for reader in ("h5py", "tensorflow-io")
    )
    for one, other in zip(ours.take(3), theirs.take(3), strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_a_replaced_file_is_read_again(tmp_path):
    for seed in range(3):
        path = write(tmp_path / "pairs.h5", **arrays(seed=seed))
        for reader in ("tensorflow-io", "h5py"):
            whole = joined(PairFile(path, reader=reader).as_dataset("test", 2, heatmaps=False, scaled=False))
            np.testing.assert_array_equal(whole["target_image"], arrays(seed=seed)["target_image"])
        path.unlink()
