"""Reading state dicts: every format, every kind of wrong file, and nothing of a pickle ever run."""

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
    """Pickled, it makes whoever loads it create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def refusal(path):
    with pytest.raises(InputError) as caught:
        read_weights(path)
    message = str(caught.value)
    assert os.fspath(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("zipped", [True, False])
def test_pytorchs_formats(torch, tmp_path, zipped, parallel):
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


def test_written_by_us_read_by_pytorch(torch, tmp_path):
    write_torch(tmp_path / "net.pth", TENSORS, shared=[("second.bias", "block.bias")])
    state = torch.load(tmp_path / "net.pth", weights_only=True)
    assert list(state) == [*TENSORS, "second.bias"]
    assert state["second.bias"].data_ptr() == state["block.bias"].data_ptr()
    np.testing.assert_array_equal(state["block.weight"].numpy(), TENSORS["block.weight"])


def test_only_what_is_asked_for(torch, tmp_path):
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


def test_without_pytorch_the_extra_is_named(torch, tmp_path, monkeypatch):
    save(torch, tmp_path / "net.pth", TENSORS)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert 'pip install "gfla-tf[torch]"' in refusal(tmp_path / "net.pth")
    with pytest.raises(InputError, match=r"gfla-tf\[torch\]"):
        write_torch(tmp_path / "out.pth", TENSORS)


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4}])
def test_code_in_a_pickle_is_refused_unexecuted(torch, tmp_path, options):
    made = tmp_path / "made"
    torch.save({"a": torch.zeros(2), "b": Touch(made)}, tmp_path / "net.pth", **options)
    message = refusal(tmp_path / "net.pth")
    assert "nothing of it was run" in message
    assert ("posix.system" if "pickle_protocol" not in options else "STACK_GLOBAL") in message
    assert not made.exists()
    pickle.loads(pickle.dumps(Touch(made)))
    assert made.exists()  # which loading it would have done


def test_code_in_other_files_is_refused_unexecuted(tmp_path):
    made = tmp_path / "made"
    for protocol in (0, 2, 5):
        (tmp_path / "net.pth").write_bytes(pickle.dumps({"a": Touch(made)}, protocol))
        assert "weights" in refusal(tmp_path / "net.pth")
    np.savez(tmp_path / "net.npz", a=np.array([Touch(made)], dtype=object))
    assert "object" in refusal(tmp_path / "net.npz")
    (tmp_path / "pickle").write_bytes(pickle.dumps(Touch(made)))
    with tarfile.open(
        tmp_path / "old.pth", "w", format=tarfile.GNU_FORMAT
    ) as archive:  # PyTorch's format before 0.1.10
        archive.add(tmp_path / "pickle", "\udc80\x02\udc8a\nl\udcfc\udc9cF\udcf9 j\udca8P\x19.")
    assert (tmp_path / "old.pth").read_bytes().startswith(kinds._LEGACY_MAGIC)
    assert "tar archive" in refusal(tmp_path / "old.pth")
    assert not made.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xff\xd8\xff\xe0 and so on", "is a JPEG picture"),
        (b"<!DOCTYPE html><html>Virus scan warning", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "is a pointer of Git LFS"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        (b'\x00\x01\x00\x00\x00\x00\x00\x00{"', "is a safetensors file"),
        (b"hello", "is not a file of weights"),
        (b"PK\x03\x04 and no more", "is cut short or damaged"),
    ],
)
def test_other_files(tmp_path, content, said):
    (tmp_path / "net.pth").write_bytes(content)
    assert said in refusal(tmp_path / "net.pth")


def test_no_file(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "absent.pth")
    assert "is not a file" in refusal(tmp_path)


@pytest.mark.parametrize("zipped", [True, False])
def test_cut_short_at_any_place(torch, tmp_path, zipped):
    data = save(torch, tmp_path / "whole.pth", TENSORS, zipped).read_bytes()
    for share in np.linspace(0.02, 0.98, 25):
        (tmp_path / "net.pth").write_bytes(data[: int(share * len(data))])
        refusal(tmp_path / "net.pth")


def test_a_wrong_bit_is_found(torch, tmp_path):
    data = bytearray(save(torch, tmp_path / "whole.pth", TENSORS).read_bytes())
    at = bytes(data).index(TENSORS["block.weight"].tobytes())
    data[at + 5] ^= 1
    (tmp_path / "net.pth").write_bytes(data)
    assert "the checksum of its whole/data/0 is wrong" in refusal(tmp_path / "net.pth")


def test_what_is_no_state_dict(torch, tmp_path):
    tensor = torch.zeros(2)
    for value, said in [
        ({"state": {0: {"step": tensor}}, "param_groups": [{"lr": 0.1}]}, "the state of an optimizer"),
        ({"epoch": 3, "net_G": {"a": tensor}}, "2 of its 2 entries are something else (epoch, net_G)"),
        ([tensor], "holds a list"),
        (tensor, "holds a Tensor"),
        ({}, "holds 0 tensors"),
        ({1: tensor}, "1 of its 1 entries"),
        ({"a": tensor.to_sparse()}, "holds more than tensors"),
        ({"a": tensor.to(torch.complex64)}, "holds more than tensors"),
        (torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
    ]:
        torch.save(value, tmp_path / "net.pth")
        assert said in refusal(tmp_path / "net.pth")


def test_tensors_larger_than_their_file(torch, tmp_path):
    torch.save({"a": torch.zeros(1).expand(10**6, 10**6)}, tmp_path / "net.pth")
    assert "more than 2147483648 bytes" in refusal(tmp_path / "net.pth")
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "net.npz", "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00v\x00" + header)
    assert "(1000000000000,) in 128 bytes" in refusal(tmp_path / "net.npz")


def test_archives_that_no_honest_program_makes(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "packed.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", b"\x80\x02}." + bytes(10**6))
    assert "claim 1000004 bytes" in refusal(tmp_path / "packed.pth")
    with zipfile.ZipFile(tmp_path / "double.pth", "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02}.")
        archive.writestr("x/DATA.pkl", b"\x80\x02}.")
    assert "double or hidden entries" in refusal(tmp_path / "double.pth")
    (tmp_path / "hidden.pth").write_bytes(b"PK\x03\x04" + (tmp_path / "packed.pth").read_bytes())
    assert "double or hidden entries" in refusal(tmp_path / "hidden.pth")
    with zipfile.ZipFile(tmp_path / "packed.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(10**6))
    monkeypatch.setattr(archives, "MAX_BYTES", 10**5)
    assert "claim 1000000 bytes" in refusal(tmp_path / "packed.npz")
    monkeypatch.setattr(archives, "_MAX_DIRECTORY_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "many.pth", "w") as archive:
        for i in range(100):
            archive.writestr(f"x/data/{i}", b"")
    assert "its directory is too large" in refusal(tmp_path / "many.pth")


def test_a_zip_around_the_weights(torch, tmp_path):
    save(torch, tmp_path / "net.pth", TENSORS)
    with zipfile.ZipFile(tmp_path / "weights.zip", "w") as archive:
        archive.write(tmp_path / "net.pth", "weights/latest_net_G.pth")
    assert "unpack it and name weights/latest_net_G.pth" in refusal(tmp_path / "weights.zip")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "script.pth")
    assert "TorchScript" in refusal(tmp_path / "script.pth")


def test_a_pickle_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "_MAX_INSTRUCTIONS", 1000)
    (tmp_path / "net.pth").write_bytes(kinds._LEGACY_MAGIC + b"\x80\x02" + b"0" * 2000)
    assert "far larger" in refusal(tmp_path / "net.pth")


@pytest.mark.parametrize("kind", ["zip", "legacy", "npz"])
def test_damaged_files_end_in_a_sentence(tmp_path, kind, request):
    """Seeded damage, also within archives whose checksums are made right again."""
    whole = tmp_path / "whole"
    if kind == "npz":
        write_npz(whole, TENSORS)
    else:
        save(request.getfixturevalue("torch"), whole, TENSORS, zipped=kind == "zip")
    rng = np.random.default_rng(0)
    said = []
    for i in range(100):
        (tmp_path / "net").write_bytes(damaged(whole, rng, inside=kind != "legacy" and i % 2))
        try:
            read_weights(tmp_path / "net")
        except InputError as error:
            said.append(str(error))
    assert len(said) > 50
    assert not [sentence for sentence in said if "\n" in sentence]


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
    """Bytes changed, cut out, put in, or the rest cut off."""
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
