"""Tests of reading the frames of a video, and of files that are rejected."""

import sys

import numpy as np
import pytest

from gfla_tf.cli.main import main
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from gfla_tf.images.video import video_frames
from tests.images.videos import CODED, LOSSLESS, sample_frames, turn, write_video


def stacked(dataset):
    return np.stack(list(dataset.as_numpy_iterator()))


@pytest.fixture
def lossless(tmp_path):
    return write_video(tmp_path / f"clip.{LOSSLESS[0]}", LOSSLESS[1], sample_frames())


def test_the_frames_of_a_lossless_video(lossless):
    dataset = video_frames(lossless)
    assert dataset.element_spec.shape == (48, 64, 3)
    for _ in range(2):
        np.testing.assert_array_equal(stacked(dataset), sample_frames())


@pytest.mark.parametrize("kind", CODED)
def test_every_kind(tmp_path, kind):
    frames = stacked(video_frames(write_video(tmp_path / f"clip.{kind}", CODED[kind], sample_frames())))
    assert frames.shape == sample_frames().shape
    assert np.abs(frames.astype(int) - sample_frames()).max() <= 24  # of lossy codings, smooth frames


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_frames_are_upright(tmp_path, degrees):
    path = write_video(tmp_path / "clip.mp4", "mp4v", sample_frames())
    still = stacked(video_frames(path))
    turned = stacked(video_frames(turn(path, degrees)))
    np.testing.assert_array_equal(turned, np.rot90(still, -degrees // 90, axes=(1, 2)))


def test_other_files_are_refused(tmp_path, lossless):
    with pytest.raises(InputError, match=r"missing\.mp4' cannot be read: No such file"):
        video_frames(tmp_path / "missing.mp4")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        video_frames(tmp_path)
    with pytest.raises(InputError, match="is not valid UTF-8, which FFmpeg needs: rename it"):
        video_frames(lossless.rename(lossless.with_name("a\udcff.avi")))
    lossless.with_name("a\udcff.avi").rename(lossless)
    for content in (b"", b"#EXTM3U\n/etc/hostname\n", b"ffconcat version 1.0\nfile clip.avi\n"):
        (tmp_path / "list.mp4").write_bytes(content)
        with pytest.raises(InputError, match="is not an MP4, MOV, AVI, Matroska or WebM file"):
            video_frames(tmp_path / "list.mp4")
    for content in (lossless.read_bytes()[:16], b"\0\0\0\x18ftypisom" + bytes(100)):
        (tmp_path / "cut.avi").write_bytes(content)
        with pytest.raises(InputError, match=r"is damaged, or has a codec|no frame that can be decoded"):
            video_frames(tmp_path / "cut.avi")
    with pytest.raises(ValueError, match="reader must be one of opencv, tensorflow-io, got 'pyav'"):
        video_frames(lossless, reader="pyav")


def test_a_damaged_end(tmp_path, lossless):
    data = lossless.read_bytes()
    lossless.write_bytes(data[: len(data) * 3 // 4])
    frames = stacked(video_frames(lossless))
    assert 1 < len(frames) < 7
    complete = frames[:-1]  # some versions of OpenCV return part of the last one
    np.testing.assert_array_equal(complete, sample_frames()[: len(complete)])


def test_without_tensorflow_io(lossless, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    with pytest.raises(InputError, match=r"the extra \[tf215\] installs"):
        video_frames(lossless, reader="tensorflow-io")


def test_data_frames(tmp_path, lossless, capsys):
    out = tmp_path / "frames"
    assert main(["data", "frames", str(lossless), "-o", str(out), "--every", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"{out}: 4 frames."
    names = [f"clip_{number:06}.png" for number in (0, 2, 4, 6)]
    assert sorted(path.name for path in out.iterdir()) == names
    for name, frame in zip(names, sample_frames()[::2], strict=True):
        np.testing.assert_array_equal(read_image(out / name), frame)
    few = tmp_path / "few"
    few.mkdir()
    assert main(["data", "frames", str(lossless), "-o", str(few), "--most", "3"]) == 0
    assert len(list(few.iterdir())) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["clip.avi", "-o", "taken"], "exists and is not an empty folder: choose a new one"),
        (["clip.avi", "-o", "no/frames"], "frames' cannot be written: there is no folder"),
        (["clip.mp4", "-o", "frames"], "clip.mp4' cannot be read"),
    ],
)
def test_wrong_usage(lossless, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").touch()
    assert main(["data", "frames", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.avi", "taken"]
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["mine.txt"]
