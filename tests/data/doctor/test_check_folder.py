"""Tests of the arguments and reports of `check_folder`."""

import json
import shutil

import pytest

from gfla_tf.data.doctor import CHECKS, check_folder
from gfla_tf.errors import InputError
from tests.data.doctor.fault_cases import FAULT_CASES
from tests.images.pictures import gradient
from tests.images.samples import exif, with_exif
from tests.pages import ROOT, table

SIZE = (64, 44)


def test_the_folder_is_not_changed(clean_folder):
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in clean_folder.rglob("*")}
    check_folder(clean_folder, decode=True)
    assert {
        path: (path.stat().st_mtime_ns, path.stat().st_size) for path in clean_folder.rglob("*")
    } == before


def test_one_split_and_some_images(folder):
    FAULT_CASES["truncated image"].apply(folder)
    FAULT_CASES["image in both splits"].apply(folder)
    report = check_folder(folder.path, splits=("test",))
    assert list(report.splits) == ["test"]
    assert report.faults == []
    assert "one split only: faults between the splits were not checked" in report.to_text()
    report = check_folder(folder.path, limit=2)
    assert {split: summary.read for split, summary in report.splits.items()} == {"train": 2, "test": 2}
    assert "4 of 13 images read" in report.to_text()
    assert "unreadable-image" not in {fault.check for fault in report.faults}


def test_progress_reaches_the_number_of_images(clean_folder):
    seen = []
    check_folder(clean_folder, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (12, 12)


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
def test_other_folders_are_refused(tmp_path, make, message):
    make(tmp_path / "folder")
    with pytest.raises(InputError, match=message):
        check_folder(tmp_path / "folder")


def test_images_stored_turned_have_their_upright_size(folder):
    path = folder.image("train", 0)
    path.write_bytes(with_exif("PNG", gradient(*SIZE[::-1]), exif(6)))
    report = check_folder(folder.path, decode=True)
    assert report.trains
    assert "image-size" not in {fault.check for fault in report.faults}


def test_two_layouts_in_one_folder(folder):
    shutil.copy(folder.csv("pairs", "test"), folder.path / "market-pairs-test.csv")
    with pytest.raises(InputError, match="contains the files of deepfashion and market1501: choose one"):
        check_folder(folder.path)
    assert check_folder(folder.path, layout="deepfashion").trains
    assert not check_folder(folder.path, layout="market1501").trains


def test_wrong_arguments(clean_folder):
    with pytest.raises(ValueError, match="limit must be at least 1, got 0"):
        check_folder(clean_folder, limit=0)
    with pytest.raises(ValueError, match="splits must be of"):
        check_folder(clean_folder, splits=("validation",))
    with pytest.raises(ValueError, match="layout must be one of"):
        check_folder(clean_folder, layout="vogue")


def test_json_report(folder):
    FAULT_CASES["missing image"].apply(folder)
    FAULT_CASES["byte-order mark"].apply(folder)
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


def test_text_report_of_many_faults(folder):
    for number in range(8):
        folder.image("train", number).unlink()
    text = check_folder(folder.path).to_text()
    assert "error: missing images: 8" in text
    assert text.count("there is no image") == 3
    assert "... and 5 more" in text
    assert text.endswith("8 errors, 0 warnings: training would fail or be degraded")


def test_all_checks_are_documented():
    rows = table(ROOT / "docs" / "data.md", "## Check a folder")
    assert [row[0].strip("`") for row in rows if row[0].startswith("`")] == list(CHECKS)


def test_files_of_operating_systems_are_passed_over(folder):
    for name in ("._a.jpg", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (folder.path / "train" / name).write_bytes(b"\0\5\x16\7")
    assert check_folder(folder.path).faults == []


def test_names_that_differ_in_their_normalization_only(folder):
    name = folder.name("test", 0)
    (folder.path / "test" / name).rename(folder.path / "test" / f"\u00e9{name}")
    for kind in ("annotation", "pairs"):
        folder.replace(kind, "test", name, f"e\u0301{name}")
    sentences = [
        fault.sentence for fault in check_folder(folder.path).faults if fault.check == "missing-image"
    ]
    assert "the same name in another Unicode normalization: it is in NFC" in sentences[0]
    folder.replace("pairs", "test", f"e\u0301{name}", f"\u00e9{name}")
    sentences = [
        fault.sentence for fault in check_folder(folder.path).faults if fault.check == "no-annotation"
    ]
    assert "the same name in another Unicode normalization: it is in NFD" in sentences[0]
