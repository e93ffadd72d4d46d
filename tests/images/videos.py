"""Small videos for tests."""

import cv2
import numpy as np

LOSSLESS = ("avi", "FFV1")
CODED = {"mp4": "mp4v", "mov": "mp4v", "avi": "MJPG", "mkv": "FFV1", "webm": "VP80"}


def sample_frames(count=7, size=(48, 64)):
    """uint8 RGB [count, H, W, 3]: ramps, and a red channel proportional to the frame number."""
    frames = np.zeros((count, *size, 3), np.uint8)
    frames[..., 0] = 30 * np.arange(count)[:, None, None]
    frames[..., 1] = 3 * np.arange(size[1])
    frames[..., 2] = 4 * np.arange(size[0])[:, None]
    return frames


def write_video(path, coding, frames):
    """Writes RGB frames as `coding` (four letters); returns the path."""
    size = frames.shape[2:0:-1]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*coding), 10, size)
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    return path


def turn(path, degrees):
    """Enters a rotation, clockwise, into an MP4 file's track header, as cameras do."""
    one = 0x10000
    a, b = {0: (one, 0), 90: (0, one), 180: (-one, 0), 270: (0, -one)}[degrees]
    data = bytearray(path.read_bytes())
    offset = data.index(b"tkhd") + 4 + 40  # version and flags, then 36 bytes of a header of version 0
    matrix = [a, b, 0, -b, a, 0, 0, 0, 0x40000000]
    data[offset : offset + 36] = np.array(matrix, ">i4").tobytes()
    path.write_bytes(data)
    return path
