"""Tests of contact sheets: the layout, the marks, and the choice of images of a checked folder."""

import shutil

import numpy as np
import pytest

from gfla_tf.data import SyntheticPeople
from gfla_tf.data.doctor import check_folder
from gfla_tf.errors import InputError
from gfla_tf.synthetic import write_folder
from gfla_tf.viz import data_sheet as sheets
from gfla_tf.viz.contact_sheet import Cell, contact_sheet
from tests.data.doctor.fault_cases import FAULT_CASES
from tests.data.doctor.faulty_folder import Folder

RED = (190, 20, 20)


def test_cells_form_rows_and_faulty_ones_are_framed():
    images = [np.full((20, 10, 3), level, np.uint8) for level in (0, 60, 120)]
    cells = [Cell(images[0], "first", "broken"), Cell(images[1], "second"), Cell(images[2], "third")]
    sheet = contact_sheet(cells, (40, 30), columns=2)
    assert sheet.shape == (2 * (40 + 42), 2 * (30 + 12), 3)
    for row, column, level in ((0, 0, 0), (0, 1, 60), (1, 0, 120)):
        top, left = row * 82 + 6, column * 42 + 6
        assert (sheet[top + 1 : top + 39, left + 1 : left + 29] == level).all()
        framed = (sheet[top - 2, left : left + 30] == RED).all()
        assert framed == (level == 0)
    assert (sheet[88:, 48:] == 245).all()


def test_captions_stay_in_their_cell():
    cell = Cell(np.zeros((8, 60, 3), np.uint8), "a very long name of an image \u2014 indeed", "fault" * 20)
    sheet = contact_sheet([cell, cell], (8, 60))
    assert (sheet[18:, 66:78] == 245).all()
    assert (sheet[18:, 6:66] < 245).any()


def test_empty_sheet_is_an_error():
    with pytest.raises(ValueError, match="at least one cell"):
        contact_sheet([], (8, 8))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheet") / "people"
    write_folder(folder, SyntheticPeople((64, 44), identities={"train": 2, "test": 1}))
    return folder


@pytest.fixture
def folder(drawn, tmp_path):
    return Folder(shutil.copytree(drawn, tmp_path / "people"))


@pytest.fixture
def captions(monkeypatch):
    """The (name, fault) of the cells of the latest sheet."""
    seen = []

    def record(cells, size, columns=6):
        seen[:] = [(cell.name, cell.fault) for cell in cells]
        return contact_sheet(cells, size, columns)

    monkeypatch.setattr(sheets, "contact_sheet", record)
    return seen


def test_faults_come_first_and_alternate_between_kinds(folder, captions):
    for number in (0, 1, 2):
        folder.image("train", number).unlink()
    folder.image("test", 0).write_bytes(b"")
    FAULT_CASES["half a keypoint"].apply(folder)
    report = check_folder(folder.path)
    sheets.data_sheet(report, count=6)
    first, *_ = names = [name for name, _ in captions]
    assert [fault for _, fault in captions] == [
        "missing images",
        "unreadable images",
        "keypoints with one coordinate",
        "missing images",
        "",
        "",
    ]
    assert first == f"train/{folder.name('train', 0)}"
    assert len(set(names)) == 6
    sheets.data_sheet(report, count=100)
    assert len(captions) == 12


def test_sample_is_determined_by_the_seed(drawn, captions):
    report = check_folder(drawn)
    chosen = []
    for seed in (0, 0, 1):
        sheets.data_sheet(report, count=4, seed=seed)
        chosen.append(list(captions))
    assert chosen[0] == chosen[1] != chosen[2]


def test_fault_of_a_whole_split_is_shown_on_its_images(folder, captions):
    FAULT_CASES["y and x swapped"].apply(folder)
    sheets.data_sheet(check_folder(folder.path), count=12)
    faults = {name.split("/")[0]: fault for name, fault in captions}
    assert faults == {"train": "y and x swapped", "test": ""}


def test_pose_is_drawn_on_its_image(folder):
    report = check_folder(folder.path)
    shown = sheets.data_sheet(report, count=12)[6:262, 6:262]
    folder.points("train", lambda points: np.full_like(points, -1))
    folder.points("test", lambda points: np.full_like(points, -1))
    bare = sheets.data_sheet(check_folder(folder.path), count=12)[6:262, 6:262]
    drawn_on = (shown != bare).any(-1)
    assert 0.005 < drawn_on.mean() < 0.2
    assert drawn_on[:, 96:160].sum() > 0.5 * drawn_on.sum()


def test_errors_of_data_sheet(folder):
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        sheets.data_sheet(check_folder(folder.path), count=0)
    for split in ("train", "test"):
        folder.csv("annotation", split).unlink()
        folder.csv("pairs", split).unlink()
    folder.write("pairs", "test", ["from,to"])
    with pytest.raises(InputError, match="can be drawn: its annotation files contain none"):
        sheets.data_sheet(check_folder(folder.path))
