"""Tests of preparation: images, lists, protocol and summary."""

import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from gfla_tf.data import DeepFashion, Market1501
from gfla_tf.data.prepare import SplitSummary, Summary, prepare_folder
from gfla_tf.data.prepare.image import crop_borders
from gfla_tf.data.prepare.source import image_name
from gfla_tf.data.protocol import Protocol, read_protocol
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from gfla_tf.images.resize import resize
from gfla_tf.pose.keypoints import read_annotations
from tests.data import source_trees
from tests.data.prepare.conftest import FIRST, contents, first_image


def test_image_name():
    name = image_name("WOMEN", "Dresses", "id_00002629", "02_1_front.jpg")
    assert name == "fashionWOMENDressesid0000262902_1front.jpg"
    assert (
        image_name("MEN", "Tees_Tanks", "id_1", "02_7_additional.jpg")
        == "fashionMENTees_Tanksid102_7additional.jpg"
    )


@pytest.mark.parametrize("interpolation", ["pil-bilinear", "pil-bicubic"])
def test_deepfashion_is_resized_as_by_pillow(tmp_path, interpolation):
    source = source_trees.deepfashion(tmp_path / "source", train=1, test=1)
    before = contents(source)
    out = tmp_path / "out"
    summary = prepare_folder("deepfashion", source, out, interpolation=interpolation)
    assert contents(source) == before
    assert sorted(path.name for path in out.iterdir()) == [
        "fasion-annotation-test.csv", "fasion-annotation-train.csv", "fasion-pairs-test.csv",
        "fasion-pairs-train.csv", "protocol.json", "summary.json", "test", "train",
    ]  # fmt: skip
    with Image.open(first_image(source)) as photo:
        assert photo.size == (750, 1101)
        filters = {"pil-bilinear": Image.Resampling.BILINEAR, "pil-bicubic": Image.Resampling.BICUBIC}
        expected = np.asarray(photo.convert("RGB").resize((256, 256), filters[interpolation])).astype(int)
    assert np.abs(read_image(out / "train" / f"{FIRST}.png") - expected).max() <= 1
    assert read_protocol(out) == summary.protocol
    assert summary.protocol == Protocol("deepfashion", "img_highres", interpolation, 256, 256)
    assert {split: (one.images, one.pairs) for split, one in summary.splits.items()} == {
        "train": (4, 12), "test": (4, 12)
    }  # fmt: skip
    dataset = DeepFashion(out)
    assert (dataset.num_pairs("train"), dataset.num_pairs("test")) == (12, 12)
    given = read_annotations(source / "fasion-annotation-train.csv")
    kept = read_annotations(out / "fasion-annotation-train.csv")
    assert list(kept) == [name.replace(".jpg", ".png") for name in given]
    np.testing.assert_array_equal(list(kept.values()), list(given.values()))


def test_market1501_keeps_its_pixels(tmp_path):
    source = source_trees.market1501(tmp_path / "source")
    before = contents(source)
    summary = prepare_folder("market1501", source, tmp_path / "out")
    assert contents(source) == before
    assert summary.protocol == Protocol("market1501", "bounding_box", "pil-bilinear", 128, 64)
    names = [path.name for path in (tmp_path / "out" / "test").iterdir()]
    assert len(names) == 4  # the distractor is in no list
    for name in names:
        original = source / "bounding_box_test" / name.replace(".png", ".jpg")
        np.testing.assert_array_equal(read_image(tmp_path / "out" / "test" / name), read_image(original))
    assert Market1501(tmp_path / "out").num_pairs("train") == 24
    assert "the source has 5 test images, and 19,732 were published" in summary.differences()


def test_jpeg_quality_and_size(tree, tmp_path):
    sizes = {}
    for quality in (None, 60):
        out = tmp_path / f"out{quality}"
        summary = prepare_folder("deepfashion", tree, out, size=(64, 48), format="jpeg", quality=quality)
        data = (out / "train" / f"{FIRST}.jpg").read_bytes()
        expected = cv2.imencode(
            ".jpg",
            resize(read_image(first_image(tree)), (64, 48))[..., ::-1],
            [cv2.IMWRITE_JPEG_QUALITY, quality or 95],
        )[1].tobytes()
        assert data == expected
        assert (summary.protocol.format, summary.protocol.quality) == ("jpeg", quality or 95)
        assert summary.protocol.image_size == (64, 48)
        sizes[quality] = len(data)
    assert sizes[60] < sizes[None]
    assert f"{FIRST}.jpg," in (out / "fasion-pairs-train.csv").read_text()


def test_low_resolution_images_are_recognized(tmp_path):
    source = source_trees.deepfashion(tmp_path / "source", tree="img", train=1, test=1)
    (source / "img").rename(source / "img_highres")
    with pytest.raises(
        InputError, match=r"low-resolution images \(img, 256 x 256\), not img_highres: .*--low-res"
    ):
        prepare_folder("deepfashion", source, tmp_path / "out")
    summary = prepare_folder("deepfashion", source, tmp_path / "out", low_res=True, size=(256, 176))
    assert summary.protocol.source == "img"
    stored = read_image(tmp_path / "out" / "train" / f"{FIRST}.png")
    np.testing.assert_array_equal(stored, read_image(first_image(source))[:, 40:216])


def test_only_square_images_have_borders():
    square, cut = np.zeros((256, 256, 3), np.uint8), np.ones((256, 176, 3), np.uint8)
    assert crop_borders(square).shape == (256, 176, 3)
    assert crop_borders(cut) is cut


def test_img_highres_is_preferred(tree, tmp_path):
    for path in shutil.copytree(tree / "img_highres", tree / "img").rglob("*.jpg"):
        cv2.imwrite(str(path), np.zeros((256, 256, 3), np.uint8))
    summary = prepare_folder("deepfashion", tree, tmp_path / "out", size=(64, 64))
    assert summary.protocol.source == "img_highres"


def test_published_counts_give_no_differences():
    protocol = Protocol("market1501", "bounding_box", "area", 128, 64)
    splits = {
        "train": SplitSummary(12_000, 263_632, 12_000, 263_632, 12_936, []),
        "test": SplitSummary(11_000, 12_000, 11_000, 12_000, 19_732, []),
    }
    assert Summary(protocol, splits, 0).differences() == []
    protocol = Protocol("deepfashion", "img_highres", "area", 256, 256)
    splits = {
        "train": SplitSummary(48_674, 101_966, 48_674, 101_966, 52_712, []),
        "test": SplitSummary(4_038, 8_570, 4_038, 8_570, 52_712, []),
    }
    assert Summary(protocol, splits, 0).differences() == []
    assert "note" not in Summary(protocol, splits, 0).to_text()
