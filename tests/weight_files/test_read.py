"""Reading of state dicts: every format, every kind of invalid file, and no code of a pickle is run."""

import io
import os
import pickle
import sys
import tarfile
import zipfile

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.weight_files import archives, kinds, pickles, read_weights, write_npz, write_torch
from tests.weight_files.released import save

TENSORS = {
    "block.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "block.bias": np.float32([0.5, -2]),
}


class Touch:
    """An object whose pickle creates a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def error_message(path):
    with pytest.raises(InputError) as caught:
        read_weights(path)
    message = str(caught.value)
    assert os.fspath(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("zipped", [True, False])
def test_formats_of_pytorch(torch, tmp_path, zipped, parallel):
    file = read_weights(save(torch, tmp_path / "net.pth", TENSORS, zipped, parallel))
    assert file.kind == (kinds.TORCH if zipped else kinds.LEGACY_TORCH)
    assert file.parallel == parallel
    assert list(file.tensors) == list(TENSORS)
    for name, value in TENSORS.items():
        np.testing.assert_array_equal(file.tensors[name], value)


def test_npz_needs_no_pytorch(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    write_npz(tmp_path / "net.any", TENSORS)
    np.savez_compressed(
        tmp_path / "packed.npz",
        **{f"module.{name}": np.asfortranarray(value) for name, value in TENSORS.items()},
    )
    plain, packed = read_weights(tmp_path / "net.any"), read_weights(tmp_path / "packed.npz")
    assert (plain.kind, plain.parallel, packed.parallel) == (kinds.NPZ, False, True)
    for name, value in TENSORS.items():
        np.testing.assert_array_equal(plain.tensors[name], value)
        np.testing.assert_array_equal(packed.tensors[name], value)


def test_written_files_are_read_by_pytorch(torch, tmp_path):
    write_torch(tmp_path / "net.pth", TENSORS, shared=[("second.bias", "block.bias")])
    state = torch.load(tmp_path / "net.pth", weights_only=True)
    assert list(state) == [*TENSORS, "second.bias"]
    assert state["second.bias"].data_ptr() == state["block.bias"].data_ptr()
    np.testing.assert_array_equal(state["block.weight"].numpy(), TENSORS["block.weight"])


def test_prefix(torch, tmp_path):
    save(torch, tmp_path / "net.pth", {**TENSORS, "classifier.weight": np.ones([2, 2])}, parallel=True)
    assert set(read_weights(tmp_path / "net.pth", "block.").tensors) == set(TENSORS)


def test_half_and_double_become_float32(torch, tmp_path):
    values = {
        f"a{i}": torch.tensor([0.1, 2.0], dtype=kind)
        for i, kind in enumerate((torch.float16, torch.bfloat16, torch.float64))
    }
    torch.save({**values, "steps": torch.tensor(3)}, tmp_path / "net.pth")
    tensors = read_weights(tmp_path / "net.pth").tensors
    for name, value in values.items():
        np.testing.assert_array_equal(tensors[name], value.float().numpy())
        assert tensors[name].dtype == np.float32
    assert tensors["steps"].dtype == np.int64


def test_the_error_without_pytorch_names_the_extra(torch, tmp_path, monkeypatch):
    save(torch, tmp_path / "net.pth", TENSORS)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert 'pip install "gfla-tf[torch]"' in error_message(tmp_path / "net.pth")
    with pytest.raises(InputError, match=r"gfla-tf\[torch\]"):
        write_torch(tmp_path / "out.pth", TENSORS)


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4}])
def test_code_in_a_pickle_is_rejected_without_running(torch, tmp_path, options):
    made = tmp_path / "made"
    torch.save({"a": torch.zeros(2), "b": Touch(made)}, tmp_path / "net.pth", **options)
    message = error_message(tmp_path / "net.pth")
    assert "no code was run" in message
    assert ("posix.system" if "pickle_protocol" not in options else "STACK_GLOBAL") in message
    assert not made.exists()
    pickle.loads(pickle.dumps(Touch(made)))
    assert made.exists()  # the pickle does run code when it is loaded


def test_code_in_other_files_is_rejected_without_running(tmp_path):
    made = tmp_path / "made"
    for protocol in (0, 2, 5):
        (tmp_path / "net.pth").write_bytes(pickle.dumps({"a": Touch(made)}, protocol))
        assert "weight" in error_message(tmp_path / "net.pth")
    np.savez(tmp_path / "net.npz", a=np.array([Touch(made)], dtype=object))
    assert "object" in error_message(tmp_path / "net.npz")
    (tmp_path / "pickle").write_bytes(pickle.dumps(Touch(made)))
    with tarfile.open(
        tmp_path / "old.pth", "w", format=tarfile.GNU_FORMAT
    ) as archive:  # PyTorch's format before 0.1.10
        archive.add(tmp_path / "pickle", "\udc80\x02\udc8a\nl\udcfc\udc9cF\udcf9 j\udca8P\x19.")
    assert (tmp_path / "old.pth").read_bytes().startswith(kinds._LEGACY_MAGIC)
    assert "tar archive" in error_message(tmp_path / "old.pth")
    assert not made.exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"\xff\xd8\xff\xe0 and so on", "is a JPEG image"),
        (b"<!DOCTYPE html><html>Virus scan warning", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "is a Git LFS pointer"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        (b'\x00\x01\x00\x00\x00\x00\x00\x00{"', "is a safetensors file"),
        (b"hello", "is not a supported weight file"),
        (b"PK\x03\x04 and no more", "is truncated or damaged"),
    ],
)
def test_other_files(tmp_path, content, expected):
    (tmp_path / "net.pth").write_bytes(content)
    assert expected in error_message(tmp_path / "net.pth")


def test_no_file(tmp_path):
    assert "cannot be read" in error_message(tmp_path / "absent.pth")
    assert "is not a file" in error_message(tmp_path)


@pytest.mark.parametrize("zipped", [True, False])
def test_truncated_files(torch, tmp_path, zipped):
    data = save(torch, tmp_path / "whole.pth", TENSORS, zipped).read_bytes()
    for share in np.linspace(0.02, 0.98, 25):
        (tmp_path / "net.pth").write_bytes(data[: int(share * len(data))])
        error_message(tmp_path / "net.pth")


def test_a_wrong_bit_is_detected(torch, tmp_path):
    data = bytearray(save(torch, tmp_path / "whole.pth", TENSORS).read_bytes())
    at = bytes(data).index(TENSORS["block.weight"].tobytes())
    data[at + 5] ^= 1
    (tmp_path / "net.pth").write_bytes(data)
    assert "the checksum of its whole/data/0 is wrong" in error_message(tmp_path / "net.pth")


def test_files_without_a_state_dict(torch, tmp_path):
    tensor = torch.zeros(2)
    for value, expected in [
        ({"state": {0: {"step": tensor}}, "param_groups": [{"lr": 0.1}]}, "the state of an optimizer"),
        ({"epoch": 3, "net_G": {"a": tensor}}, "2 of its 2 entries are something else (epoch, net_G)"),
        ([tensor], "contains a list"),
        (tensor, "contains a Tensor"),
        ({}, "contains 0 tensors"),
        ({1: tensor}, "1 of its 1 entries"),
        ({"a": tensor.to_sparse()}, "contains more than tensors"),
        ({"a": tensor.to(torch.complex64)}, "contains more than tensors"),
        (torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
    ]:
        torch.save(value, tmp_path / "net.pth")
        assert expected in error_message(tmp_path / "net.pth")


def test_tensors_larger_than_their_file(torch, tmp_path):
    torch.save({"a": torch.zeros(1).expand(10**6, 10**6)}, tmp_path / "net.pth")
    assert "more than 2147483648 bytes" in error_message(tmp_path / "net.pth")
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "net.npz", "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00v\x00" + header)
    assert "(1000000000000,) in 128 bytes" in error_message(tmp_path / "net.npz")


def test_malicious_archives(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "packed.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", b"\x80\x02}." + bytes(10**6))
    assert "declare 1000004 bytes" in error_message(tmp_path / "packed.pth")
    with zipfile.ZipFile(tmp_path / "double.pth", "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02}.")
        archive.writestr("x/DATA.pkl", b"\x80\x02}.")
    assert "duplicate or hidden entries" in error_message(tmp_path / "double.pth")
    (tmp_path / "hidden.pth").write_bytes(b"PK\x03\x04" + (tmp_path / "packed.pth").read_bytes())
    assert "duplicate or hidden entries" in error_message(tmp_path / "hidden.pth")
    with zipfile.ZipFile(tmp_path / "packed.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(10**6))
    found = archives.entries(tmp_path / "packed.npz")
    with pytest.raises(InputError, match="declare 1000000 bytes"):
        archives.check_contents(tmp_path / "packed.npz", found, compressed=True, most=10**5)
    with zipfile.ZipFile(tmp_path / "zeros.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(2**25))  # far below MAX_BYTES, but 32 KB unpack to 32 MB
    assert "declare 33554432 bytes" in error_message(tmp_path / "zeros.npz")
    monkeypatch.setattr(archives, "_MAX_DIRECTORY_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "many.pth", "w") as archive:
        for i in range(100):
            archive.writestr(f"x/data/{i}", b"")
    assert "its directory is too large" in error_message(tmp_path / "many.pth")


def test_other_archives(torch, tmp_path):
    save(torch, tmp_path / "net.pth", TENSORS)
    with zipfile.ZipFile(tmp_path / "weights.zip", "w") as archive:
        archive.write(tmp_path / "net.pth", "weights/latest_net_G.pth")
    assert "extract it and give weights/latest_net_G.pth" in error_message(tmp_path / "weights.zip")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "script.pth")
    assert "TorchScript" in error_message(tmp_path / "script.pth")


def test_a_huge_pickle(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "_MAX_INSTRUCTIONS", 1000)
    (tmp_path / "net.pth").write_bytes(kinds._LEGACY_MAGIC + b"\x80\x02" + b"0" * 2000)
    assert "much larger" in error_message(tmp_path / "net.pth")


@pytest.mark.parametrize("kind", ["zip", "legacy", "npz"])
def test_damaged_files_raise_input_error(tmp_path, kind, request):
    """Damage is seeded random, also inside archives whose checksums are then corrected."""
    whole = tmp_path / "whole"
    if kind == "npz":
        write_npz(whole, TENSORS)
    else:
        save(request.getfixturevalue("torch"), whole, TENSORS, zipped=kind == "zip")
    rng = np.random.default_rng(0)
    messages = []
    for i in range(100):
        (tmp_path / "net").write_bytes(damaged(whole, rng, inside=kind != "legacy" and i % 2))
        try:
            read_weights(tmp_path / "net")
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 50
    assert not [message for message in messages if "\n" in message]


def damaged(path, rng, inside):
    if not inside:
        return mutated(path.read_bytes(), rng)
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w") as new:
        chosen = rng.choice(old.namelist())
        for name in old.namelist():
            new.writestr(name, mutated(old.read(name), rng) if name == chosen else old.read(name))
    return packed.getvalue()


def mutated(data, rng):
    """Returns data with bytes changed, inserted or deleted."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(len(data) + 1))
        change = rng.integers(4)
        if change == 0:
            data[at : at + 4] = b"\xff\xff\xff\xff"
        elif change == 1:
            data[at : at + 1] = rng.bytes(1)
        elif change == 2:
            data[at:at] = rng.bytes(int(rng.integers(40)))
        else:
            del data[at : at + int(rng.integers(40))]
    return bytes(data)
