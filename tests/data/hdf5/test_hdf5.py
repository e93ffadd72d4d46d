"""Tests of HDF5 files of pairs: reading, writing, and files that are rejected."""

import sys

import h5py
import numpy as np
import pytest

from gfla_tf.data import Market1501, PairFile
from gfla_tf.data.hdf5 import reader as pair_file
from gfla_tf.data.hdf5.writer import write_pair_file
from gfla_tf.data.protocol import Protocol, write_protocol
from gfla_tf.errors import InputError
from tests.data.folders import write_folder

SIZE = (12, 8)
NAMES = (*pair_file.IMAGES, *pair_file.KEYPOINTS)


def arrays(count=5, size=SIZE, seed=0):
    """{data set: array} of a split, pair i's source image marked by i in its first value."""
    rng = np.random.default_rng(seed)
    parts = {name: rng.integers(0, 256, (count, *size, 3), np.uint8) for name in pair_file.IMAGES}
    low, high = 0, np.maximum(size, 1)
    parts |= {name: rng.integers(low, high, (count, 18, 2), np.int32) for name in pair_file.KEYPOINTS}
    parts["source_image"][:, :1, 0, 0] = np.arange(count)[:, None] % 256
    return parts


def write(path, splits=("train", "test"), options=None, **changes):
    """A file of the arrays, some of them changed; None leaves one out. Returns its path."""
    with h5py.File(path, "w") as file:
        for split in splits:
            for name, part in {**arrays(), **changes}.items():
                if part is not None:
                    file.create_dataset(f"{split}/{name}", data=part, **(options or {}))
    return path


def joined(dataset):
    """All batches of a dataset as one dict."""
    batches = list(dataset.as_numpy_iterator())
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "photos", "market", (128, 64), (128, 64))


def test_batches(tmp_path):
    data = PairFile(write(tmp_path / "pairs.h5"))
    assert (data.image_size, data.num_pairs("train"), data.protocol) == (SIZE, 5, None)
    batches = list(data.as_dataset("test", 2).as_numpy_iterator())
    assert [len(batch["source_image"]) for batch in batches] == [2, 2, 1]
    whole, expected = joined(data.as_dataset("test", 2)), arrays()
    for name in pair_file.IMAGES:
        assert whole[name].dtype == np.float32
        np.testing.assert_allclose(whole[name], expected[name] / 127.5 - 1.0, atol=1e-6)
    for name in pair_file.KEYPOINTS:
        np.testing.assert_array_equal(whole[name], expected[name].astype(np.float32))
    assert whole["source_pose"].shape == (5, *SIZE, 18)
    (y, x) = expected["source_keypoints"][3, 7]
    assert whole["source_pose"][3, y, x, 7] == pytest.approx(1)


def test_writing_a_folder(folder, tmp_path):
    out = tmp_path / "pairs.h5"
    steps = []
    counts = write_pair_file(folder, out, workers=2, progress=lambda *done: steps.append(done))
    assert counts == {"train": 6, "test": 6}
    assert steps[-1] == (12, 12)
    data, source = PairFile(out), Market1501(folder, augment=False)
    assert data.image_size == (128, 64)
    one, other = (joined(which.as_dataset("test", 4)) for which in (data, source))
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)

    def rows(dataset):  # every pair as one row
        whole = joined(dataset.as_dataset("train", 4, shuffle=False, heatmaps=False))
        return np.concatenate([whole[name].reshape(6, -1) for name in sorted(whole)], axis=1)

    one, other = rows(data), rows(source)
    assert not np.array_equal(one, other)  # training pairs are in random order
    assert sorted(map(bytes, one)) == sorted(map(bytes, other))


def test_the_protocol_is_copied(folder, tmp_path):
    protocol = Protocol("market1501", "bounding_box", "area", 128, 64, "png")
    write_protocol(folder, protocol)
    write_pair_file(folder, tmp_path / "pairs.h5")
    assert PairFile(tmp_path / "pairs.h5").protocol == protocol


def test_shuffling_depends_on_seed_and_epoch(tmp_path):
    with h5py.File(tmp_path / "pairs.h5", "w") as file:
        for name, part in arrays(count=60).items():
            file[f"train/{name}"] = part
    data = PairFile(tmp_path / "pairs.h5")

    def order(seed, **options):
        dataset = data.as_dataset("train", 7, seed=seed, heatmaps=False, scaled=False, **options)
        return [joined(dataset)["source_image"][:, 0, 0, 0].tolist() for _ in range(2)]

    first, second = order(1)
    assert sorted(first) == sorted(second) == list(range(60))
    assert first != second
    assert order(1) == [first, second]
    assert order(2)[0] != first
    assert order(1, shuffle=False)[0] == list(range(60))
    endless = data.as_dataset("train", 50, repeat=True, heatmaps=False).take(3)
    assert [len(batch["source_image"]) for batch in endless] == [50, 50, 50]


@pytest.mark.parametrize(("shuffle", "reads"), [(False, 4), (True, 2)])
def test_blocks_in_memory(tmp_path, monkeypatch, shuffle, reads):
    with h5py.File(tmp_path / "pairs.h5", "w") as file:
        for name, part in arrays(count=60).items():
            file[f"train/{name}"] = part
    data, blocks = PairFile(tmp_path / "pairs.h5"), []
    read = data._read
    monkeypatch.setattr(
        data, "_read", lambda *where: lambda rows: blocks.append(rows.start) or read(*where)(rows)
    )
    pairs = data.row_reader("train", shuffle=shuffle, seed=0)
    for _ in range(2):
        every = pairs.read(np.arange(60))[0][:, 0, 0, 0]
        assert sorted(every) == list(range(60))
    assert len(blocks) == reads


@pytest.mark.parametrize(
    "options", [{"compression": "gzip", "shuffle": True}, {"chunks": True, "fletcher32": True}]
)
@pytest.mark.parametrize("kind", [np.int64, np.float64, np.float32])
def test_kinds_and_filters(tmp_path, options, kind):
    points = arrays()["source_keypoints"].astype(kind)
    path = write(tmp_path / "pairs.h5", options=options, source_keypoints=points)
    whole = joined(PairFile(path).as_dataset("test", 2, heatmaps=False))
    np.testing.assert_array_equal(whole["source_keypoints"], points.astype(np.float32))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target_image": None}, "has no dataset train/target_image"),
        ({"target_image": np.zeros((4, *SIZE, 3), np.uint8)}, "with the N, H and W of source_image"),
        ({"target_image": np.zeros((5, *SIZE, 3), np.float32)}, "must be uint8 .*and is float32"),
        ({"source_image": np.zeros((5, *SIZE, 4), np.uint8)}, r"is uint8 \[5, 12, 8, 4\]"),
        ({"source_image": np.zeros(5, np.uint8)}, r"is uint8 \[5\]"),
        ({"source_image": np.uint8(3)}, r"is uint8 \[\]"),
        ({"source_keypoints": np.zeros((5, 17, 2))}, r"must be 32-bit or 64-bit int or float \[N, 18, 2\]"),
        ({"source_keypoints": np.zeros((5, 18, 2), ">f4")}, "and is >f4"),
        ({"source_keypoints": np.zeros((5, 18, 2), np.complex64)}, "neither integers, floats nor text"),
        ({"source_keypoints": np.full((5, 18, 2), np.nan)}, "not finite"),
        ({"source_keypoints": np.full((5, 18, 2), 0.4)}, "source_keypoints of .* in fractions of the image"),
        ({"target_keypoints": np.full((5, 18, 2), 9)}, "target_keypoints of .* outside its frame of 12 x 8"),
        (arrays(count=0), "contains 0 images"),
        (arrays(size=(0, 8)), "contains 5 images of 0 x 8"),
    ],
)  # fmt: skip
def test_invalid_arrays(tmp_path, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        PairFile(write(tmp_path / "pairs.h5", **changes))
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        PairFile(tmp_path / "missing.h5")
    (tmp_path / "text.h5").write_text("from,to\n")
    with pytest.raises(InputError, match="is not an HDF5 file"):
        PairFile(tmp_path / "text.h5")
    whole = write(tmp_path / "pairs.h5").read_bytes()
    (tmp_path / "half.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"is not an HDF5 file, or is damaged"):
        PairFile(tmp_path / "half.h5")
    with pytest.raises(InputError, match="neither a group 'train' nor 'test'"):
        PairFile(write(tmp_path / "other.h5", splits=("valid",)))


def test_only_data_in_the_file_itself_is_read(tmp_path):
    inside = write(tmp_path / "inside.h5")
    links = {"a.h5": h5py.ExternalLink(str(inside), "/train"), "b.h5": h5py.SoftLink("/elsewhere")}
    for name, link in links.items():
        with h5py.File(tmp_path / name, "w") as file:
            file["train"] = link
        with pytest.raises(InputError, match=r"train of .* is a link"):
            PairFile(tmp_path / name)
    write(tmp_path / "c.h5", splits=("train",), source_image=None)
    with h5py.File(tmp_path / "c.h5", "a") as file:
        layout = h5py.VirtualLayout((5, *SIZE, 3), np.uint8)
        layout[:] = h5py.VirtualSource(str(inside), "train/source_image", (5, *SIZE, 3))
        file.create_virtual_dataset("train/source_image", layout)
    with pytest.raises(InputError, match=r"train/source_image of .* is stored in other files"):
        PairFile(tmp_path / "c.h5")


def test_unsupported_filters_and_huge_arrays(tmp_path):
    with pytest.raises(InputError, match="has an unsupported compression"):
        PairFile(write(tmp_path / "a.h5", options={"compression": "lzf"}))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        for name in NAMES:
            shape = (10**9, *SIZE, 3) if name in pair_file.IMAGES else (10**9, 18, 2)
            file.create_dataset(
                f"train/{name}", shape, "u1" if name in pair_file.IMAGES else "f4", chunks=True
            )
    with pytest.raises(InputError, match=r"of .* contains 0 of its \d+ chunks"):
        PairFile(tmp_path / "b.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_dataset("train/source_image", (10**6, *SIZE, 3), "u1", chunks=(10**6, *SIZE, 3))
    with pytest.raises(InputError, match="has chunks of more than 256 MiB"):
        PairFile(tmp_path / "c.h5")


def test_invalid_protocol(tmp_path):
    for text in ("[", "3", np.zeros(3), '{"schema": 99}'):
        path = write(tmp_path / "pairs.h5")
        with h5py.File(path, "a") as file:
            file.attrs["protocol"] = text
        with pytest.raises(InputError, match="the protocol of"):
            PairFile(path)


def test_wrong_arguments(tmp_path):
    path = write(tmp_path / "pairs.h5", splits=("train",))
    with pytest.raises(ValueError, match="reader must be one of h5py, tensorflow-io, got 'zarr'"):
        PairFile(path, reader="zarr")
    with pytest.raises(InputError, match="must be 64 x 64, and are 12 x 8"):
        PairFile(path, (64, 64))
    data = PairFile(path, SIZE)
    with pytest.raises(ValueError, match="split must be one of"):
        data.num_pairs("valid")
    with pytest.raises(InputError, match="has no group 'test'"):
        data.as_dataset("test", 2)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        data.as_dataset("train", 0)
    with pytest.raises(ValueError, match="truth must be False"):
        data.as_dataset("train", 2, truth=True)


def test_without_tensorflow_io(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    with pytest.raises(InputError, match=r"the extra \[tf215\] installs"):
        PairFile(write(tmp_path / "pairs.h5"), reader="tensorflow-io")


def test_a_failing_write_leaves_nothing(folder, tmp_path):
    (folder / "train" / "train1_0.jpg").write_bytes(b"no image")
    out = tmp_path / "out" / "pairs.h5"
    with pytest.raises(InputError, match="there is no folder"):
        write_pair_file(folder, out)
    out.parent.mkdir()
    with pytest.raises(InputError, match=r"train1_0\.jpg"):
        write_pair_file(folder, out)
    assert list(out.parent.iterdir()) == []
    out.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        write_pair_file(folder, out)
    assert out.read_text() == "mine"
