"""Large photos are converted in blocks: the memory beyond that of the decoder and of the result is small."""

import subprocess
import sys

import pytest

from tests.images import pictures

SIDE = 3000
LIMIT = 2**28  # the result has 27 MB, and the decoded image up to 72 MB
SCRIPT = """
import resource, sys
from gfla_tf.images.io import decode_image
files = [open(path, "rb").read() for path in sys.argv[2:]]
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]),) * 2)
for data in files:
    assert decode_image(data).shape == (3000, 3000, 3)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs the memory limit of Linux")
def test_large_photos_need_little_memory(tmp_path):
    palette = pictures.palette_png(SIDE, SIDE)
    kinds = [pictures.png(6, depth, [bytes(SIDE * depth // 2)] * SIDE, (SIDE, SIDE)) for depth in (8, 16)]
    paths = []
    for number, data in enumerate([palette, *kinds]):
        paths.append(tmp_path / f"{number}.png")
        paths[-1].write_bytes(data)
    command = [sys.executable, "-c", SCRIPT, str(LIMIT), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
