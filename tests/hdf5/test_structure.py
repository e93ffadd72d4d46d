"""The structure of HDF5 files: everything that h5py writes by default is read, and damage is refused."""

import h5py
import ml_dtypes
import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.hdf5 import read_structure
from tests.fuzz.mutations import mutate_bytes
from tests.hdf5.hostile import HOSTILE


@pytest.fixture
def plain(tmp_path):
    """A file with the features of the format that are read."""
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file.attrs["text"], file.attrs["bytes"], file.attrs["é"] = "{}" * 50, np.bytes_(b"abc"), 3
        for i in range(12):
            file[f"g{i}/vars/0"] = np.ones((2, 3), "f4")
        file["g0"].attrs["names"] = np.array(["a", "bc"], h5py.string_dtype())
        file["scalar"], file["empty"], file["big"] = (
            np.float64(3),
            np.zeros((0, 3), "f2"),
            np.arange(3, dtype=">i8"),
        )
        chunked = {"data": np.ones((5, 4, 4), "u1"), "chunks": (2, 4, 3)}
        file.create_dataset("chunks", **chunked)
        file.create_dataset("gzip", **chunked, compression="gzip", shuffle=True, fletcher32=True)
        file.create_dataset("grown", (5, 3), "i4", maxshape=(None, 3))[:] = 1
    return tmp_path / "plain.h5"


def test_datasets_are_those_of_h5py(plain):
    found = read_structure(plain)
    expected = {}
    with h5py.File(plain) as file:
        file.visititems(lambda name, item: expected.update({name: item}) if hasattr(item, "dtype") else None)
        assert set(found) == set(expected)
        for name, item in expected.items():
            one = found[name]
            assert (one.shape, one.dtype, one.chunks) == (item.shape, item.dtype, item.chunks)
            assert one.nbytes == item.size * item.dtype.itemsize
    assert found["gzip"].filters == (2, 1, 3)


def test_bfloat16_as_keras_writes_it(tmp_path):
    with h5py.File(tmp_path / "half.h5", "w") as file:
        file["kernel"] = np.ones((2, 3), ml_dtypes.bfloat16)
        file["kernel"].attrs["dtype"] = "bfloat16"
    found = read_structure(tmp_path / "half.h5")["kernel"]
    assert (found.shape, found.nbytes) == ((2, 3), 12)


def test_groups_of_many_entries_and_names_beyond_ascii(tmp_path):
    with h5py.File(tmp_path / "many.h5", "w") as file:
        for i in range(300):
            file[f"layers/{i}"] = np.float32(i)
        file["größe/0"] = np.ones(3)
    found = read_structure(tmp_path / "many.h5")
    assert len(found) == 301
    assert found["größe/0"].shape == (3,)


@pytest.mark.parametrize("kind", sorted(set(HOSTILE) - {"zeros"}))
def test_hostile_files_are_refused(tmp_path, kind):
    HOSTILE[kind](tmp_path / "bad.h5")
    with pytest.raises(
        InputError, match=r"bad.h5' is (not an HDF5 file, or is damaged|damaged or not supported): "
    ):
        read_structure(tmp_path / "bad.h5")


def test_only_wanted_datasets_are_read(tmp_path):
    HOSTILE["soft link"](tmp_path / "link.h5")
    assert set(read_structure(tmp_path / "link.h5", ["vars/0", "vars/1", "none/0"])) == {"vars/0"}
    HOSTILE["compound"](tmp_path / "compound.h5")
    assert set(read_structure(tmp_path / "compound.h5", ["vars/0"])) == {"vars/0"}


def test_files_that_are_no_hdf5(tmp_path):
    for content in (b"", b"\x89HDF\r\n\x1a\n", b"x" * 200):
        (tmp_path / "no.h5").write_bytes(content)
        with pytest.raises(InputError, match="is not an HDF5 file, or is damaged"):
            read_structure(tmp_path / "no.h5")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_structure(tmp_path / "none.h5")


def test_damaged_files_raise_input_error(plain):
    data, rng = plain.read_bytes(), np.random.default_rng(0)
    messages = []
    for _ in range(300):
        plain.write_bytes(mutate_bytes(data, rng))
        try:
            read_structure(plain)
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 150
    assert not [message for message in messages if "\n" in message]
