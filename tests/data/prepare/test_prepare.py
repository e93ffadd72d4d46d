"""From the owners' trees to the layout that training reads."""

import json
import os
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from gfla_tf.data import DeepFashion, Market1501
from gfla_tf.data.prepare import SplitSummary, Summary, prepare_folder, workers
from gfla_tf.data.prepare.image import crop_borders
from gfla_tf.data.prepare.source import image_name
from gfla_tf.data.protocol import Protocol, read_protocol
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from gfla_tf.images.resize import resize
from gfla_tf.pose.keypoints import read_annotations
from tests.data import source_trees

SMALL = (330, 225)  # of the fixtures whose size does not matter
FIRST = "fashionMENTees_Tanksid0000000001_1front"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """DeepFashion's tree with small images, drawn once; tests that change it take `tree`."""
    return source_trees.deepfashion(tmp_path_factory.mktemp("drawn") / "source", size=SMALL)


@pytest.fixture
def tree(drawn, tmp_path):
    return shutil.copytree(drawn, tmp_path / "source")


def _contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _first_image(tree):
    return tree / "img_highres/MEN/Tees_Tanks/id_00000000/01_1_front.jpg"


def test_the_name_rule():
    name = image_name("WOMEN", "Dresses", "id_00002629", "02_1_front.jpg")
    assert name == "fashionWOMENDressesid0000262902_1front.jpg"
    assert (
        image_name("MEN", "Tees_Tanks", "id_1", "02_7_additional.jpg")
        == "fashionMENTees_Tanksid102_7additional.jpg"
    )


@pytest.mark.parametrize("interpolation", ["pil-bilinear", "pil-bicubic"])
def test_deepfashion_at_its_true_size_is_what_pillow_makes_of_it(tmp_path, interpolation):
    source = source_trees.deepfashion(tmp_path / "source", train=1, test=1)
    before = _contents(source)
    out = tmp_path / "out"
    summary = prepare_folder("deepfashion", source, out, interpolation=interpolation)
    assert _contents(source) == before
    assert sorted(path.name for path in out.iterdir()) == [
        "fasion-annotation-test.csv", "fasion-annotation-train.csv", "fasion-pairs-test.csv",
        "fasion-pairs-train.csv", "protocol.json", "summary.json", "test", "train",
    ]  # fmt: skip
    with Image.open(_first_image(source)) as photo:
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
    before = _contents(source)
    summary = prepare_folder("market1501", source, tmp_path / "out")
    assert _contents(source) == before
    assert summary.protocol == Protocol("market1501", "bounding_box", "pil-bilinear", 128, 64)
    names = [path.name for path in (tmp_path / "out" / "test").iterdir()]
    assert len(names) == 4  # the distractor is in no list
    for name in names:
        original = source / "bounding_box_test" / name.replace(".png", ".jpg")
        np.testing.assert_array_equal(read_image(tmp_path / "out" / "test" / name), read_image(original))
    assert Market1501(tmp_path / "out").num_pairs("train") == 24
    assert "the source has 5 test images, and 19,732 were published" in summary.differences()


def test_jpeg_of_a_quality_and_another_size(tree, tmp_path):
    sizes = {}
    for quality in (None, 60):
        out = tmp_path / f"out{quality}"
        summary = prepare_folder("deepfashion", tree, out, size=(64, 48), format="jpeg", quality=quality)
        data = (out / "train" / f"{FIRST}.jpg").read_bytes()
        expected = cv2.imencode(
            ".jpg",
            resize(read_image(_first_image(tree)), (64, 48))[..., ::-1],
            [cv2.IMWRITE_JPEG_QUALITY, quality or 95],
        )[1].tobytes()
        assert data == expected
        assert (summary.protocol.format, summary.protocol.quality) == ("jpeg", quality or 95)
        assert summary.protocol.image_size == (64, 48)
        sizes[quality] = len(data)
    assert sizes[60] < sizes[None]
    assert f"{FIRST}.jpg," in (out / "fasion-pairs-train.csv").read_text()


def test_many_images_in_processes(tmp_path):
    source = source_trees.deepfashion(tmp_path / "source", train=4, test=1, size=SMALL)
    (source / "img_highres/MEN/Tees_Tanks/id_00050000/01_1_front.jpg").write_bytes(b"\xff\xd8\xff")
    calls = []
    with pytest.raises(
        InputError, match=r"^1 images cannot be read; the first error: the image .*01_1_front"
    ):
        prepare_folder(
            "deepfashion", source, tmp_path / "out", workers=2, progress=lambda *call: calls.append(call)
        )
    assert calls == [(done, 20) for done in range(1, 21)]
    assert not list((tmp_path / "out").glob("*.csv"))
    summary = prepare_folder("deepfashion", source, tmp_path / "out", workers=2, subset=True)
    assert summary.kept == 19
    assert (summary.splits["test"].images, summary.splits["test"].pairs) == (3, 6)
    prepare_folder("deepfashion", source, tmp_path / "alone", subset=True)
    assert _contents(tmp_path / "out") == _contents(tmp_path / "alone")


def _many(source, names=40):
    """A job for each of so many copies of one image."""
    image = next((source / "img_highres").rglob("*.jpg"))
    return [(str(image), str(source.parent / f"{number}.png")) for number in range(names)]


def test_processes_may_say_what_they_like(tree, monkeypatch):
    """Decoders write their warnings to standard error, which nobody reads meanwhile."""
    loud = "import sys; sys.stderr.write('Corrupt JPEG data\\n' * 2**17); "
    monkeypatch.setattr(workers, "_COMMAND", loud + workers._COMMAND)
    protocol = Protocol("deepfashion", "img_highres", "area", 32, 32)
    assert workers.prepare_images(_many(tree), protocol, workers=2).written == 40


def test_a_process_that_dies_is_one_sentence(tree, monkeypatch):
    monkeypatch.setattr(workers, "_COMMAND", "raise MemoryError('no memory')")
    protocol = Protocol("deepfashion", "img_highres", "area", 32, 32)
    with pytest.raises(
        InputError, match=r"ended unexpectedly \(MemoryError: no memory\): .* use fewer processes \(--workers\)"
    ):
        workers.prepare_images(_many(tree), protocol, workers=2)


def test_an_output_that_cannot_be_written_stops_the_processes(tmp_path):
    source = source_trees.deepfashion(tmp_path / "source", train=4, test=1, size=SMALL)
    (tmp_path / "out" / "train" / f"{FIRST}.png").mkdir(parents=True)
    prepare_folder("deepfashion", source, tmp_path / "other")
    shutil.copy(tmp_path / "other" / "protocol.json", tmp_path / "out")
    for processes in (0, 2):
        with pytest.raises(InputError, match=r"front\.png' is a folder"):
            prepare_folder("deepfashion", source, tmp_path / "out", workers=processes)


def test_a_stopped_preparation_goes_on(drawn, tmp_path):
    expected = tmp_path / "expected"
    prepare_folder("deepfashion", drawn, expected)

    def stop(done, total):
        if done == 7:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        prepare_folder("deepfashion", drawn, out, progress=stop)
    assert read_protocol(out) is not None
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
    assert prepare_folder("deepfashion", drawn, out).kept == 2
    assert _contents(out) == _contents(expected)
    assert written == {path: path.stat().st_mtime_ns for path in images[5:]}
    assert prepare_folder("deepfashion", drawn, out).kept == 12


def test_missing_images_are_named_or_left_out(tree, tmp_path):
    shutil.rmtree(tree / "img_highres/MEN/Tees_Tanks/id_00000000")
    message = rf"^4 of the 12 listed images are not in '.*img_highres', such as '{FIRST}\.jpg', .*--subset$"
    with pytest.raises(InputError, match=message):
        prepare_folder("deepfashion", tree, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    summary = prepare_folder("deepfashion", tree, tmp_path / "out", subset=True)
    train = summary.splits["train"]
    assert (train.images, train.pairs, train.listed_images, train.listed_pairs) == (4, 12, 8, 24)
    assert train.missing[0] == f"{FIRST}.jpg"
    assert "skipped: 4 images (" in summary.to_text()
    assert "and their 12 pairs" in summary.to_text()
    assert len(read_annotations(tmp_path / "out" / "fasion-annotation-train.csv")) == 4
    assert DeepFashion(tmp_path / "out").num_pairs("train") == 12
    document = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert document["splits"]["train"]["missing_images"] == 4
    shutil.rmtree(tree / "img_highres/WOMEN")
    with pytest.raises(InputError, match=r"no pair of .*pairs-train\.csv' has both its images in the source"):
        prepare_folder("deepfashion", tree, tmp_path / "empty", subset=True)


def test_without_lst_files_the_annotations_say_which_images(tree, tmp_path):
    for name in ("train.lst", "test.lst"):
        (tree / name).unlink()
    assert prepare_folder("deepfashion", tree, tmp_path / "out").splits["train"].images == 8


def test_lst_files_that_are_swapped_or_empty_are_refused(tree, tmp_path):
    (tree / "train.lst").rename(tree / "x")
    (tree / "test.lst").rename(tree / "train.lst")
    (tree / "x").rename(tree / "test.lst")
    with pytest.raises(InputError, match=r"train\.lst' contains none of the images of .*swapped\?"):
        prepare_folder("deepfashion", tree, tmp_path / "out")
    (tree / "train.lst").write_text("\n")
    with pytest.raises(InputError, match=r"train\.lst' is empty"):
        prepare_folder("deepfashion", tree, tmp_path / "out")


def test_what_the_pairs_name_is_prepared_whatever_the_lst_says(tree, tmp_path):
    names = (tree / "train.lst").read_text().splitlines()
    (tree / "train.lst").write_text("\n".join(names[1:]))
    prepare_folder("deepfashion", tree, tmp_path / "out")
    assert DeepFashion(tmp_path / "out").num_pairs("train") == 24


def test_lists_elsewhere_and_spelt_otherwise(tree, tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    for path in [*tree.glob("*.csv"), *tree.glob("*.lst")]:
        path.rename(lists / path.name.replace("fasion", "fashion"))
    with pytest.raises(
        InputError, match=r"does not contain the authors' lists fasion-pairs-train\.csv, .*--lists$"
    ):
        prepare_folder("deepfashion", tree, tmp_path / "out")
    prepare_folder("deepfashion", tree, tmp_path / "out", lists=lists)
    assert (tmp_path / "out" / "fasion-pairs-test.csv").is_file()
    with pytest.raises(InputError, match="must not contain each other"):
        prepare_folder("deepfashion", tree, lists, lists=lists)


@pytest.mark.parametrize("out", [".", "inside", "img_highres/MEN", ".."])
def test_the_output_lies_apart_from_the_source(tree, out):
    before = _contents(tree)
    with pytest.raises(InputError, match="must not contain each other"):
        prepare_folder("deepfashion", tree, tree / out)
    assert _contents(tree) == before


def test_a_link_into_the_source_is_no_output(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    with pytest.raises(InputError, match="must not contain each other"):
        prepare_folder("deepfashion", tree, tmp_path / "link" / "out")


def test_a_folder_of_another_protocol_stays_unless_forced(drawn, tmp_path):
    out = tmp_path / "out"
    prepare_folder("deepfashion", drawn, out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"was prepared with another protocol .*pil-bilinear, stored as PNG.*--force"):
        prepare_folder("deepfashion", drawn, out, interpolation="area")
    prepare_folder("deepfashion", drawn, out, interpolation="area", force=True)
    assert read_protocol(out).interpolation == "area"
    assert (out / "notes.txt").read_text() == "mine"
    expected = resize(read_image(_first_image(drawn)), (256, 256), "area")
    np.testing.assert_array_equal(read_image(out / "train" / f"{FIRST}.png"), expected)
    (out / "protocol.json").write_text("{")
    with pytest.raises(InputError, match="is not a JSON file"):
        prepare_folder("deepfashion", drawn, out)
    assert prepare_folder("deepfashion", drawn, out, force=True).kept == 0
    (out / "train" / "mine.png").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"mine\.png' is not in the lists"):
        prepare_folder("deepfashion", drawn, out)


@pytest.mark.parametrize("force", [False, True])
def test_what_is_not_prepared_is_never_touched(drawn, tmp_path, force):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"is not empty and contains no protocol\.json"):
        prepare_folder("deepfashion", drawn, tmp_path, force=force)
    with pytest.raises(InputError, match="is a file: give a folder"):
        prepare_folder("deepfashion", drawn, tmp_path / "thesis.tex", force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_low_resolution_tree_is_recognised_by_its_images(tmp_path):
    source = source_trees.deepfashion(tmp_path / "source", tree="img", train=1, test=1)
    (source / "img").rename(source / "img_highres")
    with pytest.raises(
        InputError, match=r"low-resolution images \(img, 256 x 256\), not img_highres: .*--low-res"
    ):
        prepare_folder("deepfashion", source, tmp_path / "out")
    summary = prepare_folder("deepfashion", source, tmp_path / "out", low_res=True, size=(256, 176))
    assert summary.protocol.source == "img"
    stored = read_image(tmp_path / "out" / "train" / f"{FIRST}.png")
    np.testing.assert_array_equal(stored, read_image(_first_image(source))[:, 40:216])


def test_only_square_images_have_borders():
    square, cut = np.zeros((256, 256, 3), np.uint8), np.ones((256, 176, 3), np.uint8)
    assert crop_borders(square).shape == (256, 176, 3)
    assert crop_borders(cut) is cut


def test_img_highres_is_taken_where_both_trees_are(tree, tmp_path):
    for path in shutil.copytree(tree / "img_highres", tree / "img").rglob("*.jpg"):
        cv2.imwrite(str(path), np.zeros((256, 256, 3), np.uint8))
    summary = prepare_folder("deepfashion", tree, tmp_path / "out", size=(64, 64))
    assert summary.protocol.source == "img_highres"


@pytest.mark.parametrize(
    "name", ["../../../secret.jpg", "/etc/secret.jpg", "a/../../secret.jpg", "C:\\secret.jpg"]
)
@pytest.mark.parametrize("file", ["train.lst", "fasion-annotation-train.csv"])
def test_names_cannot_climb_out(tree, tmp_path, file, name):
    cv2.imwrite(str(tmp_path / "secret.jpg"), np.zeros((20, 20, 3), np.uint8))
    text = (tree / file).read_text().replace(f"{FIRST}.jpg", name)
    (tree / file).write_text(text)
    with pytest.raises(InputError, match=rf"{file}', line \d: the image .* is outside the data folder"):
        prepare_folder("deepfashion", tree, tmp_path / "out", subset=True)


def test_links_in_the_tree_stay_inside_it(tree, tmp_path):
    image = _first_image(tree)
    image.rename(tmp_path / "secret.jpg")
    image.symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(InputError, match=rf"^1 of the 12 listed images are not in .* such as '{FIRST}\.jpg'"):
        prepare_folder("deepfashion", tree, tmp_path / "out")
    image.unlink()
    (tmp_path / "secret.jpg").rename(tree / "img_highres" / "there.jpg")
    image.symlink_to(tree / "img_highres" / "there.jpg")
    assert prepare_folder("deepfashion", tree, tmp_path / "out").splits["train"].images == 8


def test_a_tree_behind_a_link_is_not_entered(tree, tmp_path):
    (tree / "img_highres").rename(tmp_path / "elsewhere")
    (tree / "img_highres").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="contains no folder img_highres"):
        prepare_folder("deepfashion", tree, tmp_path / "out")
    prepare_folder("deepfashion", tmp_path / "elsewhere", tmp_path / "out", lists=tree)


def test_folders_that_link_to_themselves_end(tree, tmp_path):
    for place in (tree, tree / "img_highres" / "MEN", tree / "img_highres" / "MEN" / "Tees_Tanks"):
        (place / "loop").symlink_to(place)
    assert prepare_folder("deepfashion", tree, tmp_path / "out").splits["train"].images == 8


def test_two_images_of_one_name_are_named(tree, tmp_path):
    shutil.copy(_first_image(tree), _first_image(tree).with_name("01_1front.jpg"))
    with pytest.raises(InputError, match=rf"have the same name in the lists, '{FIRST}\.jpg'"):
        prepare_folder("deepfashion", tree, tmp_path / "out")


def test_names_that_differ_in_their_extension_are_named(tree, tmp_path):
    shutil.copy(_first_image(tree), _first_image(tree).with_suffix(".jpeg"))
    with open(tree / "train.lst", "a") as file:
        file.write(f"{FIRST}.jpeg\n")
    with pytest.raises(InputError, match=rf"contain '{FIRST}\.jpg' and '{FIRST}\.jpeg': remove one"):
        prepare_folder("deepfashion", tree, tmp_path / "out")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("fasion-pairs-train.csv", "from,to", "from;to", r"pairs-train\.csv', line 1: expected 'from,to'"),
        ("fasion-pairs-train.csv", f"{FIRST}.jpg,", "x.jpg,", r"line 2: the image 'x\.jpg' has no row in"),
        ("fasion-annotation-train.csv", ":[", ";[", r"annotation-train\.csv', line 2: expected 'name:"),
        ("fasion-annotation-train.csv", "_2side", "_1front", "line 3: the name '.*' occurs twice"),
    ],
)
def test_faults_of_the_lists_are_named_with_their_line(tree, tmp_path, file, old, new, message):
    (tree / file).write_text((tree / file).read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        prepare_folder("deepfashion", tree, tmp_path / "out")


def test_folders_that_are_no_source_are_named(tmp_path):
    with pytest.raises(InputError, match="does not exist or is not a folder"):
        prepare_folder("deepfashion", tmp_path / "none", tmp_path / "out")
    source = tmp_path / "source"
    (source / "Img").mkdir(parents=True)
    with pytest.raises(InputError, match="contains no folder img_highres with the folders MEN and WOMEN: give"):
        prepare_folder("deepfashion", source, tmp_path / "out")
    (source / "img_highres.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"\(unzip img_highres\.zip first\)"):
        prepare_folder("deepfashion", source, tmp_path / "out")
    (source / "Img" / "img_highres" / "MEN").mkdir(parents=True)
    with pytest.raises(InputError, match="contains no image such as"):
        prepare_folder("deepfashion", source, tmp_path / "out")
    with pytest.raises(
        InputError, match="does not contain the folders bounding_box_train and bounding_box_test"
    ):
        prepare_folder("market1501", source, tmp_path / "out")
    with pytest.raises(ValueError, match="layout must be one of"):
        prepare_folder("vogue", source, tmp_path / "out")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(drawn, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(InputError, match="cannot be written: Permission denied"):
        prepare_folder("deepfashion", drawn, tmp_path / "locked" / "out")


def test_published_counts_pass_without_a_word():
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
