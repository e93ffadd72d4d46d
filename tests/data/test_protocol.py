"""Tests of `protocol.json`: reading back what was written, and the errors for invalid files."""

import json

import pytest

from gfla_tf._version import __version__
from gfla_tf.data.protocol import Protocol, describe_protocol, read_protocol, write_protocol
from gfla_tf.errors import InputError

PNG = Protocol("deepfashion", "img_highres", "pil-bilinear", 256, 176)
JPEG = Protocol("market1501", "bounding_box", "area", 128, 64, "jpeg", 95, "0.3.0")


@pytest.mark.parametrize("protocol", [PNG, JPEG])
def test_round_trip(tmp_path, protocol):
    assert read_protocol(tmp_path) is None
    write_protocol(tmp_path, protocol)
    assert read_protocol(tmp_path) == protocol
    assert [path.name for path in tmp_path.iterdir()] == ["protocol.json"]
    with pytest.raises(InputError, match="exists already"):
        write_protocol(tmp_path, protocol)
    write_protocol(tmp_path, PNG, force=True)
    assert read_protocol(tmp_path) == PNG


def test_content_of_the_file():
    assert JPEG.to_dict() == {
        "schema": 1, "layout": "market1501", "source": "bounding_box", "interpolation": "area",
        "height": 128, "width": 64, "format": "jpeg", "quality": 95, "gfla_tf": "0.3.0",
    }  # fmt: skip
    assert PNG.to_dict()["quality"] is None
    assert PNG.gfla_tf == __version__


def test_descriptions_contain_what_affects_metrics():
    assert PNG.describe() == (
        "img_highres of deepfashion, resized to 256 x 176 (h x w) by pil-bilinear, stored as PNG, "
        f"prepared with gfla_tf {__version__}"
    )
    assert "JPEG of quality 95" in JPEG.describe()
    assert describe_protocol(PNG, "data", (256, 176)) == PNG.describe()
    assert describe_protocol(PNG, "data", (256, 256)).endswith(
        "; resized again to 256 x 256 when read (tf-bilinear)"
    )
    assert describe_protocol(None, "data", (256, 256)) == "not recorded: images as found in data"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layout": "vogue"}, "layout must be 'deepfashion' or 'market1501', got 'vogue'"),
        ({"layout": ["deepfashion"]}, "layout must be .* got a list of 1"),
        ({"source": "bounding_box"}, "source must be 'img_highres' or 'img'"),
        ({"interpolation": "bilinear"}, "interpolation must be 'pil-bilinear'"),
        ({"height": 0}, "height must be 1 to 16384 pixels, got 0"),
        ({"width": True}, "width must be 1 to 16384 pixels, got True"),
        ({"width": 10**5000}, "width must be .* got a number of 16610 bits"),
        ({"height": 256.0}, "height must be"),
        ({"quality": 90}, "quality must be null for png, got 90"),
        ({"format": "jpeg"}, "quality must be 1 to 100 for jpeg, got None"),
        ({"format": "jpeg", "quality": 101}, "quality must be 1 to 100"),
        ({"format": "webp"}, "format must be 'png' or 'jpeg'"),
        ({"gfla_tf": ""}, "gfla_tf must be a version"),
        ({"schema": 2}, "is of schema 2: this version of gfla_tf reads schema 1"),
        ({"more": 1}, "it has the unknown entry 'more'"),
    ],
)
def test_invalid_values(change, message):
    with pytest.raises(InputError, match=f"^the file .*{message}"):
        Protocol.from_dict({**PNG.to_dict(), **change}, "the file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is not a JSON file"),
        (b"\xff\xfe{}", "is not a JSON file"),
        (b"[" * 50000, "is not a JSON file"),
        (b"9" * 5000, "is not a JSON file"),
        (b"[]", "expected a JSON object, found a list of 0"),
        (b"{}", "is of schema None"),
        (b'{"schema": 1}', "it has no entry 'format', 'gfla_tf', 'height'"),
        (b" " * (2**21), "more than the 1 MiB"),
    ],
)
def test_invalid_files(tmp_path, text, message):
    (tmp_path / "protocol.json").write_bytes(text)
    with pytest.raises(InputError, match=message):
        read_protocol(tmp_path)


def test_missing_entry(tmp_path):
    values = PNG.to_dict()
    del values["width"]
    (tmp_path / "protocol.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"protocol\.json' is not a protocol: it has no entry 'width'"):
        read_protocol(tmp_path)
