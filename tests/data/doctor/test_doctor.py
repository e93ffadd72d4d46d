"""The doctor of data folders: each planted fault, clean folders, and agreement with what training refuses."""

import contextlib
import json
import re
import shutil
import zlib

import numpy as np
import pytest

from gfla_tf.data import DeepFashion, SyntheticPeople
from gfla_tf.data.doctor import CHECKS, ERROR, check_folder, files
from gfla_tf.data.doctor.frames import judge_axes, judge_frame
from gfla_tf.data.doctor.padding import has_side_bars
from gfla_tf.data.doctor.pairs import identity
from gfla_tf.data.pipeline import data_errors
from gfla_tf.errors import InputError
from gfla_tf.images.io import encode_image, read_image
from gfla_tf.synthetic import write_folder
from tests.data.doctor.plants import PLANTS, Folder
from tests.data.mutations import mutate_bytes, mutate_text
from tests.pages import ROOT, table

SIZE = (64, 44)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doctor") / "people"
    write_folder(folder, SyntheticPeople(SIZE, identities={"train": 2, "test": 1}))
    return folder


@pytest.fixture
def folder(drawn, tmp_path):
    return Folder(shutil.copytree(drawn, tmp_path / "people"))


def _read_all(path):
    """Reads every pair of both splits, as training and its validation do."""
    data = DeepFashion(path, SIZE)
    with data_errors():
        for split in ("train", "test"):
            for _ in data.as_dataset(split, 32, heatmaps=False):
                pass


@pytest.mark.parametrize("name", PLANTS)
def test_each_planted_fault_is_found(folder, name):
    plant = PLANTS[name]
    plant.plant(folder)
    report = check_folder(folder.path, decode=True)
    found = [fault for fault in report.faults if fault.check == plant.check]
    assert found, report.to_text()
    fault = found[0]
    path = str(folder.path / plant.file)
    assert (fault.severity, fault.file, fault.line) == (plant.severity, path, plant.line)
    assert path in fault.sentence
    assert plant.line is None or re.search(rf"line {plant.line}\b", fault.sentence)
    assert re.search(plant.words, fault.sentence)
    assert report.trains == (plant.severity != ERROR)
    with pytest.raises(InputError) if plant.refused else contextlib.nullcontext():
        _read_all(folder.path)


def test_every_check_has_a_plant():
    assert {plant.check for plant in PLANTS.values()} == set(CHECKS)


@pytest.mark.parametrize(("layout", "size"), [("deepfashion", (256, 176)), ("market1501", (128, 64))])
def test_a_drawn_folder_is_clean(tmp_path, layout, size):
    write_folder(tmp_path / "people", SyntheticPeople(size, identities={"train": 2, "test": 2}), layout)
    report = check_folder(tmp_path / "people", decode=True)
    assert report.faults == []
    assert report.layout.name == layout
    assert {split: summary.read for split, summary in report.splits.items()} == {"train": 8, "test": 8}
    assert report.to_text().endswith("no faults")


def test_the_folder_is_left_as_it_is(drawn):
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in drawn.rglob("*")}
    check_folder(drawn, decode=True)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in drawn.rglob("*")} == before


def test_one_split_and_some_images(folder):
    PLANTS["truncated image"].plant(folder)
    PLANTS["image in both splits"].plant(folder)
    report = check_folder(folder.path, splits=("test",))
    assert list(report.splits) == ["test"]
    assert report.faults == []
    assert "one split only: nothing that lies across the splits was looked for" in report.to_text()
    report = check_folder(folder.path, limit=2)
    assert {split: summary.read for split, summary in report.splits.items()} == {"train": 2, "test": 2}
    assert "4 of 13 images read" in report.to_text()
    assert "unreadable-image" not in {fault.check for fault in report.faults}


def test_progress_reaches_the_number_of_images(drawn):
    seen = []
    check_folder(drawn, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (12, 12)


def test_an_unused_bad_image_does_not_stop_training(folder):
    folder.write("pairs", "train", folder.lines("pairs", "train")[:13])
    folder.image("train", 6).write_bytes(b"")
    folder.image("train", 7).unlink()
    report = check_folder(folder.path)
    assert {fault.check: fault.severity for fault in report.faults} == {
        "missing-image": "warning",
        "unreadable-image": "warning",
    }
    _read_all(folder.path)


def test_only_decoding_finds_what_no_header_tells(folder):
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


def test_a_folder_that_may_not_be_read_is_named(drawn, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "scandir", refuse)
    faults = check_folder(drawn).faults
    assert [fault.check for fault in faults] == ["missing-file"] * 2
    assert faults[0].sentence == f"the folder {str(drawn / 'train')!r} cannot be read: Permission denied"


def test_a_row_outside_the_folder_is_reported_once(folder):
    line = folder.lines("annotation", "train")[1]
    folder.append("annotation", "train", "../" + line)
    (fault,) = check_folder(folder.path).faults
    assert (fault.check, fault.severity, fault.line) == ("outside-folder", "warning", 10)


def test_unreadable_images_are_not_called_alike(folder):
    for number in (0, 1):
        folder.image("train", number).write_bytes(b"")
    assert [fault.check for fault in check_folder(folder.path).faults] == ["unreadable-image"] * 2


def test_a_row_that_cannot_be_read_is_named_by_its_pairs(folder):
    folder.change("annotation", "train", 3, lambda line: line.replace(":[", ":(", 1))
    faults = check_folder(folder.path).faults
    assert [fault.check for fault in faults] == ["malformed-line", "no-annotation"]
    assert re.search(
        r"line 2 and 5 more: the row of the image .* line 3\) cannot be read", faults[1].sentence
    )


def test_identities():
    names = {
        "fashionWOMENDressesid0000262902_1front.jpg": "WOMENDressesid00002629",
        "fashionMENTees_Tanksid0000000101_7additional.png": "MENTees_Tanksid00000001",
        "0002_c1s1_000451_03.jpg": "0002",
        "0000_c1s1_000451_03.jpg": None,
        "-1_c1s1_000451_03.jpg": None,
        "holiday.jpg": None,
    }
    assert {name: identity(name) for name in names} == names


@pytest.fixture(scope="module")
def points():
    """Keypoints [24, 18, 2] of drawn people, in a frame of 256 x 176."""
    drawn = SyntheticPeople(SIZE, identities={"train": 6}).as_arrays("train")["keypoints"]
    return np.where(drawn < 0, -1, np.rint(drawn * 4))


def test_frames_are_told_apart_in_both_directions(points):
    square = np.where(points < 0, -1, points * (1, 256 / 176))
    padded = np.where(points < 0, -1, points + np.array([0, 40]))
    assert judge_frame(points, (256, 176)) is None
    assert judge_frame(square, (256, 256)) is None
    for wider in (square, padded):
        assert "in pixels of 256 x 256 (h x w)" in judge_frame(wider, (256, 176))
    assert "in pixels of 256 x 176 (h x w)" in judge_frame(points, (256, 256))
    assert judge_axes(points, (256, 176)) is None
    assert "runs sideways in" in judge_axes(points[..., ::-1], (256, 176))


def test_a_few_odd_rows_are_no_other_frame(points):
    points = points.copy()
    points[:5] = np.where(points[:5] < 0, -1, points[:5, :, ::-1])
    points[5:9] = np.where(points[5:9] < 0, -1, points[5:9] * (1, 1.45))
    assert judge_frame(points, (256, 176)) is None
    assert judge_axes(points, (256, 176)) is None
    assert judge_frame(points[:0], (256, 176)) is None
    assert judge_axes(points[:0], (256, 176)) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist or is not a folder"),
        (
            lambda path: path.mkdir(),
            "is not a data folder: it contains no fasion-pairs-train.csv or market-pairs",
        ),
        (lambda path: (path.mkdir(), (path / "shards.json").touch()), "`gfla data build --verify"),
        (lambda path: (path / "WOMEN").mkdir(parents=True), "`gfla data prepare deepfashion"),
        (lambda path: (path / "bounding_box_train").mkdir(parents=True), "`gfla data prepare market1501"),
    ],
)
def test_what_is_no_data_folder_is_refused(tmp_path, make, message):
    make(tmp_path / "folder")
    with pytest.raises(InputError, match=message):
        check_folder(tmp_path / "folder")


def test_two_layouts_in_one_folder(folder):
    shutil.copy(folder.csv("pairs", "test"), folder.path / "market-pairs-test.csv")
    with pytest.raises(InputError, match="contains the files of deepfashion and market1501: choose one"):
        check_folder(folder.path)
    assert check_folder(folder.path, layout="deepfashion").trains
    assert not check_folder(folder.path, layout="market1501").trains


def test_wrong_arguments(drawn):
    with pytest.raises(ValueError, match="limit must be at least 1, got 0"):
        check_folder(drawn, limit=0)
    with pytest.raises(ValueError, match="splits must be of"):
        check_folder(drawn, splits=("validation",))
    with pytest.raises(ValueError, match="layout must be one of"):
        check_folder(drawn, layout="vogue")


def test_the_report_for_programs(folder):
    PLANTS["missing image"].plant(folder)
    PLANTS["byte-order mark"].plant(folder)
    report = json.loads(json.dumps(check_folder(folder.path).to_dict()))
    assert (report["schema"], report["trains"], report["errors"], report["warnings"]) == (1, False, 1, 1)
    assert report["layout"] == "deepfashion"
    assert report["splits"]["train"] == {"images": 8, "pairs": 24, "identities": 2, "read": 7}
    assert set(report["checks"]) == set(CHECKS)
    found = {check: count for check, count in report["checks"].items() if count}
    assert found == {"encoding": 1, "missing-image": 1}
    assert [fault["check"] for fault in report["faults"]] == ["encoding", "missing-image"]
    missing = report["faults"][1]
    assert set(missing) == {"check", "severity", "sentence", "split", "file", "line", "image"}
    assert (missing["severity"], missing["split"], missing["line"]) == ("error", "train", 8)
    assert missing["image"] == folder.name("train", 6)


def test_many_faults_are_counted_and_few_shown(folder):
    for number in range(8):
        folder.image("train", number).unlink()
    text = check_folder(folder.path).to_text()
    assert "error: missing images: 8" in text
    assert text.count("there is no image") == 3
    assert "... and 5 more" in text
    assert text.endswith("8 errors, 0 warnings: training would fail, or learn from something wrong")


def test_the_checks_are_listed_in_the_documents():
    rows = table(ROOT / "docs" / "data.md", "## Check a folder")
    assert [row[0].strip("`") for row in rows if row[0].startswith("`")] == list(CHECKS)


def test_only_bars_of_the_right_width_with_an_edge_are_padding():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (64, 44, 3), np.uint8)
    padded = np.full((64, 64, 3), 255, np.uint8)
    padded[:, 10:54] = picture
    assert has_side_bars(padded, 44 / 64)
    assert not has_side_bars(picture, 44 / 64)
    assert not has_side_bars(np.full((64, 64, 3), 255, np.uint8), 44 / 64)
    uneven = padded.copy()
    uneven[:, :10] = np.linspace(255, 235, 64)[:, None, None]
    assert not has_side_bars(uneven, 44 / 64)
    narrow = np.full((64, 64, 3), 255, np.uint8)
    narrow[:, 5:59] = rng.integers(0, 256, (64, 54, 3), np.uint8)
    assert not has_side_bars(narrow, 44 / 64)


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
def test_the_doctor_agrees_with_reading_on_damaged_files(folder, kind):
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
