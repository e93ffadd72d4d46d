"""Tests of `check_folder`: all fault cases, clean folders, and agreement with reading."""

import contextlib
import re
import zlib

import numpy as np
import pytest

from gfla_tf.data import DeepFashion, SyntheticPeople
from gfla_tf.data.doctor import CHECKS, ERROR, check_folder, files
from gfla_tf.data.pipeline import data_errors
from gfla_tf.errors import InputError
from gfla_tf.images.io import encode_image, read_image
from gfla_tf.synthetic import write_folder
from tests.data.doctor.fault_cases import FAULT_CASES
from tests.fuzz.mutations import mutate_bytes, mutate_text

SIZE = (64, 44)


def _read_all(path):
    """Reads every pair of both splits, as training and its validation do."""
    data = DeepFashion(path, SIZE)
    with data_errors():
        for split in ("train", "test"):
            for _ in data.as_dataset(split, 32, heatmaps=False):
                pass


@pytest.mark.parametrize("name", FAULT_CASES)
def test_fault_cases(folder, name):
    case = FAULT_CASES[name]
    case.apply(folder)
    report = check_folder(folder.path, decode=True)
    found = [fault for fault in report.faults if fault.check == case.check]
    assert found, report.to_text()
    fault = found[0]
    path = str(folder.path / case.file)
    assert (fault.severity, fault.file, fault.line) == (case.severity, path, case.line)
    assert path in fault.sentence
    assert case.line is None or re.search(rf"line {case.line}\b", fault.sentence)
    assert re.search(case.words, fault.sentence)
    assert report.trains == (case.severity != ERROR)
    with pytest.raises(InputError) if case.refused else contextlib.nullcontext():
        _read_all(folder.path)


def test_every_check_has_a_case():
    assert {case.check for case in FAULT_CASES.values()} == set(CHECKS)


@pytest.mark.parametrize(("layout", "size"), [("deepfashion", (256, 176)), ("market1501", (128, 64))])
def test_synthetic_folders_have_no_faults(tmp_path, layout, size):
    write_folder(tmp_path / "people", SyntheticPeople(size, identities={"train": 2, "test": 2}), layout)
    report = check_folder(tmp_path / "people", decode=True)
    assert report.faults == []
    assert report.layout.name == layout
    assert {split: summary.read for split, summary in report.splits.items()} == {"train": 8, "test": 8}
    assert report.to_text().endswith("no faults")


def test_unused_images_give_warnings(folder):
    folder.write("pairs", "train", folder.lines("pairs", "train")[:13])
    folder.image("train", 6).write_bytes(b"")
    folder.image("train", 7).unlink()
    report = check_folder(folder.path)
    assert {fault.check: fault.severity for fault in report.faults} == {
        "missing-image": "warning",
        "unreadable-image": "warning",
    }
    _read_all(folder.path)


def test_decoding_finds_damaged_pixels(folder):
    path = folder.image("train", 0)
    data = bytearray(encode_image("x.png", read_image(path)))
    start = data.index(b"IDAT")
    length = int.from_bytes(data[start - 4 : start], "big")
    data[start + 4 : start + 4 + length] = bytes(length)
    checksum = zlib.crc32(data[start : start + 4 + length])
    data[start + 4 + length : start + 8 + length] = checksum.to_bytes(4, "big")
    path.write_bytes(data)
    assert check_folder(folder.path).trains
    (fault,) = check_folder(folder.path, decode=True).faults
    assert "is a damaged PNG file: it cannot be decoded" in fault.sentence


def test_folder_without_read_permission(clean_folder, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "scandir", refuse)
    faults = check_folder(clean_folder).faults
    assert [fault.check for fault in faults] == ["missing-file"] * 2
    assert (
        faults[0].sentence == f"the folder {str(clean_folder / 'train')!r} cannot be read: Permission denied"
    )


def test_a_row_outside_the_folder(folder):
    line = folder.lines("annotation", "train")[1]
    folder.append("annotation", "train", "../" + line)
    (fault,) = check_folder(folder.path).faults
    assert (fault.check, fault.severity, fault.line) == ("outside-folder", "warning", 10)


def test_unreadable_images_are_not_reported_as_duplicates(folder):
    for number in (0, 1):
        folder.image("train", number).write_bytes(b"")
    assert [fault.check for fault in check_folder(folder.path).faults] == ["unreadable-image"] * 2


def test_pairs_of_a_malformed_row(folder):
    folder.change("annotation", "train", 3, lambda line: line.replace(":[", ":(", 1))
    faults = check_folder(folder.path).faults
    assert [fault.check for fault in faults] == ["malformed-line", "no-annotation"]
    assert re.search(
        r"line 2 and 5 more: the row of the image .* line 3\) cannot be read", faults[1].sentence
    )


_NOT_REFUSED = {
    *("mixed-pair", "no-keypoints", "zero-keypoints", "wrong-frame", "swapped-axes"),
    *("padded-images", "protocol"),
}
"""Errors over which training goes on, and learns from something wrong."""


def _refusal(path):
    """The sentence with which a reading of the training split ends, or None."""
    try:
        data = DeepFashion(path, SIZE).load("train")
        for number in range(len(data.names)):
            data.images.read(number)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("kind", ["annotation", "pairs", "image"])
def test_agreement_with_reading_of_damaged_files(folder, kind):
    path = folder.image("train", 2) if kind == "image" else folder.csv(kind, "train")
    whole, mutate = path.read_bytes(), mutate_bytes if kind == "image" else mutate_text
    refused = 0
    for number in range(60):
        path.write_bytes(mutate(whole, np.random.default_rng([7, number])))
        errors = [fault for fault in check_folder(folder.path, decode=True).faults if fault.severity == ERROR]
        refusal = _refusal(folder.path)
        expected = any(fault.check not in _NOT_REFUSED for fault in errors)
        assert expected == (refusal is not None), (number, refusal, errors)
        refused += expected
    assert 30 < refused < 60
