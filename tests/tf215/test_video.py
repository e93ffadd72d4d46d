"""Videos read by tensorflow-io: the frames equal those of the default reader, OpenCV, bit by bit."""

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.images.video import video_frames
from tests.images.test_video import stacked
from tests.images.videos import CODED, sample_frames, turn, write_video
from tests.tf215 import stack

stack.tensorflow_io()


def _has_ffmpeg():
    try:
        from tensorflow_io.python.ops import ffmpeg_ops  # noqa: F401
    except NotImplementedError:
        return False
    return True


HAS_FFMPEG = _has_ffmpeg()
needs_ffmpeg = pytest.mark.skipif(
    not HAS_FFMPEG, reason="tensorflow-io does not find FFmpeg 4 (libavformat.so.58)"
)


@needs_ffmpeg
@pytest.mark.parametrize("kind", CODED)
def test_the_frames_are_the_same(tmp_path, kind):
    path = write_video(tmp_path / f"clip.{kind}", CODED[kind], sample_frames(count=25))
    ours, theirs = video_frames(path), video_frames(path, reader="tensorflow-io")
    assert ours.element_spec == theirs.element_spec
    for _ in range(2):  # iterations
        np.testing.assert_array_equal(stacked(ours), stacked(theirs))


@needs_ffmpeg
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_the_orientation_is_the_same(tmp_path, degrees):
    path = turn(write_video(tmp_path / "clip.mp4", "mp4v", sample_frames()), degrees)
    ours, theirs = (stacked(video_frames(path, reader=reader)) for reader in ("opencv", "tensorflow-io"))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.skipif(HAS_FFMPEG, reason="FFmpeg 4 is installed")
def test_missing_ffmpeg_is_reported(tmp_path):
    path = write_video(tmp_path / "clip.avi", "FFV1", sample_frames())
    with pytest.raises(InputError, match=r"decodes video with FFmpeg 4, .*or use the reader opencv"):
        video_frames(path, reader="tensorflow-io")
