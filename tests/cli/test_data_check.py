"""`gfla data check`: its output, files, exit codes and usage errors."""

import json
import shutil
import subprocess
import sys

import cv2
import pytest

from gfla_tf.cli.main import main
from gfla_tf.data import SyntheticPeople
from gfla_tf.data.doctor import folder as doctor
from gfla_tf.data.prepare import prepare_folder
from gfla_tf.synthetic import write_folder
from tests.data import source_trees
from tests.data.doctor.fault_cases import FAULT_CASES
from tests.data.doctor.faulty_folder import Folder


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("check") / "people"
    write_folder(folder, SyntheticPeople((64, 44), identities={"train": 2, "test": 1}))
    return folder


@pytest.fixture
def folder(people, tmp_path):
    return Folder(shutil.copytree(people, tmp_path / "people"))


def test_a_clean_folder(people, capsys):
    assert main(["data", "check", str(people), "--decode"]) == 0
    shown = capsys.readouterr().out
    assert "train  8 images of 2 people, 24 pairs" in shown
    assert "12 of 12 images read" in shown
    assert f"no faults\nTrain on it with: gfla train fashion data.root={people} " in shown


def test_exit_codes(folder, capsys):
    FAULT_CASES["byte-order mark"].apply(folder)
    assert main(["data", "check", str(folder.path)]) == 0
    assert "0 errors, 1 warning: the folder can be used for training" in capsys.readouterr().out
    assert main(["data", "check", str(folder.path), "--strict"]) == 1
    capsys.readouterr()
    FAULT_CASES["NaN"].apply(folder)
    assert main(["data", "check", str(folder.path)]) == 1
    assert "Train on it with" not in capsys.readouterr().out
    assert main(["data", "check", str(folder.path), "--split", "test"]) == 0
    assert main(["data", "check", str(folder.path / "train")]) == 2
    assert "gfla: error: " in capsys.readouterr().err


def test_report_and_sheet(folder, tmp_path, capsys):
    FAULT_CASES["missing image"].apply(folder)
    FAULT_CASES["y and x swapped"].apply(folder)
    report, sheet = tmp_path / "report.json", tmp_path / "sheet.png"
    outputs = ["--json", str(report), "--sheet", str(sheet), "--sheet-images", "9"]
    assert main(["data", "check", str(folder.path), *outputs]) == 1
    assert f"wrote {report}, {sheet}" in capsys.readouterr().out
    assert json.loads(report.read_text())["errors"] == 2
    assert cv2.imread(str(sheet)).shape == (2 * (256 + 42), 6 * (256 + 12), 3)
    assert main(["data", "check", str(folder.path), *outputs]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["data", "check", str(folder.path), *outputs, "--force"]) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--json", "people/report.json"], "'people/report.json' is inside 'people', which is not modified"),
        (["--sheet", "people/train/../sheet.png"], "is inside 'people'"),
        (["--sheet", "sheet.gif"], "must end in one of .png, .jpg"),
        (["--json", "a.png", "--sheet", "a.png"], "two outputs are both named 'a.png'"),
        (["--json", "nowhere/report.json"], "there is no folder 'nowhere'"),
    ],
)
def test_outputs_that_are_refused(folder, monkeypatch, capsys, options, message):
    monkeypatch.chdir(folder.path.parent)
    before = sorted(folder.path.rglob("*"))
    assert main(["data", "check", "people", *options]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.out == ""
    assert sorted(folder.path.rglob("*")) == before


def test_an_interrupted_check_prints_a_message(people, monkeypatch, capsys):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "check_contents", interrupt)
    assert main(["data", "check", str(people)]) == 130
    assert capsys.readouterr().err == "gfla: interrupted\n"


def test_tensorflow_is_not_loaded(people, tmp_path):
    code = (
        "import sys; from gfla_tf.cli.main import main\n"
        f"assert main(['data', 'check', {str(people)!r}, '--sheet', {str(tmp_path / 'sheet.png')!r}]) == 0\n"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_prepared_folder_is_clean(tmp_path, capsys):
    source, out = source_trees.market1501(tmp_path / "source", train=1), tmp_path / "market"
    prepare_folder("market1501", source, out)
    assert main(["data", "check", str(out), "--strict", "--decode"]) == 0
    shown = capsys.readouterr().out
    assert "protocol: bounding_box of market1501, resized to 128 x 64 (h x w) by pil-bilinear" in shown
    assert "no faults" in shown
