"""Tests of the output folder: resumption, other protocols, and overlap with the source."""

import os

import cv2
import numpy as np
import pytest

from gfla_tf.data.prepare import prepare_folder
from gfla_tf.data.protocol import Protocol, read_protocol
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from gfla_tf.images.resize import resize
from tests.data.prepare.conftest import FIRST, contents, first_image


def test_an_interrupted_preparation_is_resumed(source_tree, tmp_path):
    expected = tmp_path / "expected"
    prepare_folder("deepfashion", source_tree, expected)

    def stop(done, total):
        if done == 7:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        prepare_folder("deepfashion", source_tree, out, progress=stop)
    assert read_protocol(out) == Protocol("deepfashion", "img_highres", "pil-bilinear", 256, 256)
    assert not list(out.glob("*.csv"))  # so that nobody trains on it
    images = sorted(path for path in out.rglob("*.png"))
    assert len(images) == 7
    images[0].write_bytes(images[0].read_bytes()[:-20])  # a half-written file
    images[1].write_bytes(b"")
    cv2.imwrite(str(images[2]), np.zeros((256, 255, 3), np.uint8))  # another size
    cv2.imwrite(str(images[4]), np.zeros((255, 256, 3), np.uint8))
    images[3].write_bytes(cv2.imencode(".jpg", np.zeros((256, 256, 3), np.uint8))[1].tobytes())
    (out / "train" / ".0123456789abcdef.part").write_bytes(b"half")
    written = {path: path.stat().st_mtime_ns for path in images[5:]}
    assert prepare_folder("deepfashion", source_tree, out).kept == 2
    assert contents(out) == contents(expected)
    assert written == {path: path.stat().st_mtime_ns for path in images[5:]}
    assert prepare_folder("deepfashion", source_tree, out).kept == 12


@pytest.mark.parametrize("out", [".", "inside", "img_highres/MEN", ".."])
def test_output_must_not_overlap_the_source(tree, out):
    before = contents(tree)
    with pytest.raises(InputError, match="must not contain each other"):
        prepare_folder("deepfashion", tree, tree / out)
    assert contents(tree) == before


def test_output_must_not_link_into_the_source(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    with pytest.raises(InputError, match="must not contain each other"):
        prepare_folder("deepfashion", tree, tmp_path / "link" / "out")


def test_another_protocol_requires_force(source_tree, tmp_path):
    out = tmp_path / "out"
    prepare_folder("deepfashion", source_tree, out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(
        InputError, match=r"was prepared with another protocol .*pil-bilinear, stored as PNG.*--force"
    ):
        prepare_folder("deepfashion", source_tree, out, interpolation="area")
    prepare_folder("deepfashion", source_tree, out, interpolation="area", force=True)
    assert read_protocol(out).interpolation == "area"
    assert (out / "notes.txt").read_text() == "mine"
    expected = resize(read_image(first_image(source_tree)), (256, 256), "area")
    np.testing.assert_array_equal(read_image(out / "train" / f"{FIRST}.png"), expected)
    (out / "protocol.json").write_text("{")
    with pytest.raises(InputError, match="is not a JSON file"):
        prepare_folder("deepfashion", source_tree, out)
    assert prepare_folder("deepfashion", source_tree, out, force=True).kept == 0
    (out / "train" / "mine.png").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"mine\.png' is not in the lists"):
        prepare_folder("deepfashion", source_tree, out)


@pytest.mark.parametrize("force", [False, True])
def test_other_folders_are_not_changed(source_tree, tmp_path, force):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"is not empty and contains no protocol\.json"):
        prepare_folder("deepfashion", source_tree, tmp_path, force=force)
    with pytest.raises(InputError, match="is a file: give a folder"):
        prepare_folder("deepfashion", source_tree, tmp_path / "thesis.tex", force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_folder_without_write_permission(source_tree, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(InputError, match="cannot be written: Permission denied"):
        prepare_folder("deepfashion", source_tree, tmp_path / "locked" / "out")


@pytest.mark.parametrize("force", [True, False])
def test_two_processes_do_not_prepare_one_folder(source_tree, tmp_path, force):
    out = tmp_path / "out"

    def start_another(done, total):
        if done == 1:
            with pytest.raises(InputError, match=f"in use by process {os.getpid()} on"):
                prepare_folder("deepfashion", source_tree, out, force=force)

    prepare_folder("deepfashion", source_tree, out, progress=start_another)
    assert "prepare.lock" not in os.listdir(out)
