"""Reading and writing of image files of all kinds, and the errors for invalid ones."""

import os
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.files import write_files
from gfla_tf.images.io import encode_image, read_image
from tests.images import pictures

RGB = pictures.gradient(24, 16)


def _save(path, data: bytes):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("extension", [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".PNG"])
def test_round_trip(tmp_path, extension):
    path = tmp_path / f"a{extension}"
    write_files({path: encode_image(path, RGB)})
    tolerance = 12 if extension in (".jpg", ".jpeg") else 0
    np.testing.assert_allclose(read_image(path).astype(int), RGB, atol=tolerance)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_png_keeps_the_channel_order():
    image = np.zeros((3, 5, 3), np.uint8)
    image[..., 0] = 200
    decoded = cv2.imdecode(np.frombuffer(encode_image("a.png", image), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded[..., ::-1], image)
    with pytest.raises(ValueError, match="float64"):
        encode_image("a.png", np.zeros((3, 3, 3)))


def test_kinds_of_png(tmp_path):
    gray = _save(tmp_path / "gray.png", pictures.png(0, 8, [[0, 128, 255]], (1, 3)))
    np.testing.assert_array_equal(read_image(gray), [[[0] * 3, [128] * 3, [255] * 3]])
    one_bit = _save(tmp_path / "bit.png", pictures.png(0, 1, [[0b10100000]], (1, 3)))
    np.testing.assert_array_equal(read_image(one_bit)[0, :, 0], [255, 0, 255])
    deep = _save(tmp_path / "deep.png", pictures.png(2, 16, [struct.pack(">3H", 65535, 257, 128)], (1, 1)))
    np.testing.assert_array_equal(read_image(deep), [[[255, 1, 0]]])
    clear = _save(
        tmp_path / "clear.png", pictures.png(6, 8, [[9, 8, 7, 255, 9, 8, 7, 0, 0, 0, 0, 128]], (1, 3))
    )
    np.testing.assert_array_equal(read_image(clear), [[[9, 8, 7], [255] * 3, [127] * 3]])
    faint = _save(tmp_path / "faint.png", pictures.png(4, 8, [[10, 255, 20, 0]], (1, 2)))
    np.testing.assert_array_equal(read_image(faint), [[[10] * 3, [255] * 3]])


def test_kinds_of_jpeg(tmp_path):
    cmyk = read_image(Path(__file__).with_name("cmyk.jpg"))
    assert cmyk.shape == (24, 16, 3)
    np.testing.assert_allclose(cmyk[[0, 23], [0, 15]].astype(int), [[0, 0, 255], [240, 230, 135]], atol=3)
    gray = cv2.imencode(".jpg", RGB[..., 0])[1].tobytes()
    result = read_image(_save(tmp_path / "gray.jpg", gray))
    assert result.shape == (24, 16, 3)
    np.testing.assert_allclose(result.astype(int), RGB[..., :1].repeat(3, -1), atol=12)
    assert (result[..., 0] == result[..., 2]).all()
    progressive = cv2.imencode(".jpg", RGB[..., ::-1], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    result = read_image(_save(tmp_path / "progressive.jpg", progressive))
    np.testing.assert_allclose(result.astype(int), RGB, atol=12)
    turned = read_image(_save(tmp_path / "turned.jpg", pictures.jpeg(RGB, orientation=6)))
    np.testing.assert_allclose(turned.astype(int), np.rot90(RGB, -1), atol=12)


def test_the_extension_is_ignored(tmp_path):
    path = _save(tmp_path / "really_a_png.jpg", pictures.png(0, 8, [[7]], (1, 1)))
    assert read_image(path).shape == (1, 1, 3)


_JPEG = pictures.jpeg(pictures.gradient(64, 64))
_PNG = encode_image("a.png", pictures.gradient(64, 64))
_SECOND_FRAME = b"\xff\xc0\0\x0b\x08" + struct.pack(">HHB", 20000, 20000, 1) + b"\x01\x11\0"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"Once upon a time there was no picture.", "is not a PNG, JPEG, WebP or BMP image"),
        (b"GIF89a" + b"\0" * 20, "is a GIF file, which is not supported"),
        (_JPEG[: len(_JPEG) // 2], "is a truncated JPEG file"),
        (_JPEG[:-2], "is a truncated JPEG file"),
        (_JPEG[:2] + _SECOND_FRAME + _JPEG[2:], "declares its size twice"),
        (_JPEG[:4], "is a truncated JPEG file"),
        (_PNG[: len(_PNG) // 2], "is a truncated or damaged PNG file"),
        (_PNG[:-12], "is a truncated or damaged PNG file"),
        (_PNG[:20], "has no valid PNG header .truncated"),
        (_PNG[:60] + b"\x55" + _PNG[61:], "is a truncated or damaged PNG file"),
        (encode_image("a.webp", RGB)[:-9], "has no valid WebP header .truncated"),
        (encode_image("a.bmp", RGB)[:-9], "is a truncated or damaged BMP file"),
        (pictures.huge_png(), "declares 20000 x 20000 pixels, more than"),
        (pictures.huge_jpeg(), "declares 60000 x 60000 pixels, more than"),
        (pictures.huge_bmp(), "declares 20000 x 20000 pixels, more than"),
        (pictures.huge_webp(16000), "declares 16000 x 16000 pixels, more than"),
        (pictures.png(2, 8, [b"\0" * 9], (400, 300)), "cannot be decoded|damaged"),
        (pictures.png(2, 8, [], (0, 3)), "declares a size of 3 x 0 pixels"),
    ],
)
def test_bad_files(tmp_path, data, message):
    path = _save(tmp_path / "bad one.jpg", data)
    with pytest.raises(InputError, match=message) as error:
        read_image(path)
    assert "bad one.jpg" in str(error.value)
    assert "\n" not in str(error.value)


def test_bad_paths(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_image(tmp_path / "missing.png")
    with pytest.raises(InputError, match="is a folder"):
        read_image(tmp_path)
    with pytest.raises(InputError, match="not a regular file"):
        read_image("/dev/null")
    with pytest.raises(InputError, match="cannot be read"):
        read_image("a\0b.png")


@pytest.mark.parametrize(
    ("name", "limit"), [("a.png", 1_000_000), ("a.JPG", 65_500), ("a.jpeg", 65_500), ("a.webp", 16_383)]
)
def test_sides_that_a_format_cannot_have(name, limit):
    for shape in ((1, limit + 1, 3), (limit + 1, 1, 3)):
        with pytest.raises(InputError, match=f"cannot be written to '{name}': a side of .* has at most"):
            encode_image(name, np.zeros(shape, np.uint8))
    assert encode_image(name, np.zeros((1, limit, 3), np.uint8))


def test_writing_does_not_damage_existing_files(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"mine")
    with pytest.raises(InputError, match="exists already"):
        write_files({path: encode_image(path, RGB)})
    assert path.read_bytes() == b"mine"
    write_files({path: encode_image(path, RGB)}, force=True)
    np.testing.assert_array_equal(read_image(path), RGB)
    for target, message in (
        (tmp_path / "no" / "a.png", "there is no folder"),
        (path / "a.png", "there is no folder"),
        (tmp_path / "a.txt", "must end in one of"),
        ("/dev/null.png/", "must end in one of|cannot be written|folder"),
    ):
        with pytest.raises(InputError, match=message):
            write_files({target: encode_image(target, RGB)})
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write_files({tmp_path / "folder.png": encode_image(tmp_path / "folder.png", RGB)}, force=True)
    assert sorted(os.listdir(tmp_path)) == ["a.png", "folder.png"]
    with pytest.raises(ValueError, match="uint8"):
        encode_image("a.png", RGB.astype(float))
