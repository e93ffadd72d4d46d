"""Tests of missing, malformed and unusual sources and lists."""

import json
import shutil

import cv2
import numpy as np
import pytest

from gfla_tf.data import DeepFashion
from gfla_tf.data.prepare import prepare_folder
from gfla_tf.errors import InputError
from gfla_tf.pose.keypoints import read_annotations
from tests.data.prepare.conftest import FIRST, first_image


def test_missing_images(tree, tmp_path):
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


def test_without_lst_files_the_annotated_images_are_used(tree, tmp_path):
    for name in ("train.lst", "test.lst"):
        (tree / name).unlink()
    assert prepare_folder("deepfashion", tree, tmp_path / "out").splits["train"].images == 8


def test_swapped_or_empty_lst_files(tree, tmp_path):
    (tree / "train.lst").rename(tree / "x")
    (tree / "test.lst").rename(tree / "train.lst")
    (tree / "x").rename(tree / "test.lst")
    with pytest.raises(InputError, match=r"train\.lst' contains none of the images of .*swapped\?"):
        prepare_folder("deepfashion", tree, tmp_path / "out")
    (tree / "train.lst").write_text("\n")
    with pytest.raises(InputError, match=r"train\.lst' is empty"):
        prepare_folder("deepfashion", tree, tmp_path / "out")


def test_images_of_pairs_are_prepared_even_if_not_in_the_lst_file(tree, tmp_path):
    names = (tree / "train.lst").read_text().splitlines()
    (tree / "train.lst").write_text("\n".join(names[1:]))
    prepare_folder("deepfashion", tree, tmp_path / "out")
    assert DeepFashion(tmp_path / "out").num_pairs("train") == 24


def test_lists_in_another_folder_with_another_prefix(tree, tmp_path):
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


@pytest.mark.parametrize(
    "name", ["../../../secret.jpg", "/etc/secret.jpg", "a/../../secret.jpg", "C:\\secret.jpg"]
)
@pytest.mark.parametrize("file", ["train.lst", "fasion-annotation-train.csv"])
def test_names_outside_the_folder(tree, tmp_path, file, name):
    cv2.imwrite(str(tmp_path / "secret.jpg"), np.zeros((20, 20, 3), np.uint8))
    text = (tree / file).read_text().replace(f"{FIRST}.jpg", name)
    (tree / file).write_text(text)
    with pytest.raises(InputError, match=rf"{file}', line \d: the image .* is outside the data folder"):
        prepare_folder("deepfashion", tree, tmp_path / "out", subset=True)


def test_links_must_stay_inside_the_tree(tree, tmp_path):
    image = first_image(tree)
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


def test_folders_that_link_to_themselves(tree, tmp_path):
    for folder in (tree, tree / "img_highres" / "MEN", tree / "img_highres" / "MEN" / "Tees_Tanks"):
        (folder / "loop").symlink_to(folder)
    assert prepare_folder("deepfashion", tree, tmp_path / "out").splits["train"].images == 8


def test_two_images_with_the_same_name(tree, tmp_path):
    shutil.copy(first_image(tree), first_image(tree).with_name("01_1front.jpg"))
    with pytest.raises(InputError, match=rf"have the same name in the lists, '{FIRST}\.jpg'"):
        prepare_folder("deepfashion", tree, tmp_path / "out")


def test_names_that_differ_in_their_extension(tree, tmp_path):
    shutil.copy(first_image(tree), first_image(tree).with_suffix(".jpeg"))
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
def test_malformed_lists(tree, tmp_path, file, old, new, message):
    (tree / file).write_text((tree / file).read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        prepare_folder("deepfashion", tree, tmp_path / "out")


def test_folders_without_the_dataset(tmp_path):
    with pytest.raises(InputError, match="does not exist or is not a folder"):
        prepare_folder("deepfashion", tmp_path / "none", tmp_path / "out")
    source = tmp_path / "source"
    (source / "Img").mkdir(parents=True)
    with pytest.raises(
        InputError, match="contains no folder img_highres with the folders MEN and WOMEN: give"
    ):
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


def test_files_of_macos_before_the_real_tree(tree, tmp_path):
    original = tmp_path / "download"
    original.mkdir()
    tree.rename(original / "deepfashion")
    tree = original / "deepfashion"
    for image in list(tree.rglob("*.jpg")):
        for copy in (original / "__MACOSX" / image.relative_to(tree), image):
            copy.parent.mkdir(parents=True, exist_ok=True)
            (copy.parent / f"._{copy.name}").write_bytes(b"\0\5\x16\7")
    for path in tree.glob("*.csv"):
        shutil.copy(path, original / "__MACOSX")
    (tree / ".DS_Store").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".DS_Store").touch()
    summary = prepare_folder("deepfashion", original, tmp_path / "out")
    assert summary.splits["train"].images == 8
    (tmp_path / "out" / "train" / ".DS_Store").touch()
    assert prepare_folder("deepfashion", original, tmp_path / "out").kept == 12


def test_a_listed_name_in_another_normalization(tree, tmp_path):
    path = first_image(tree)
    path.rename(path.with_name("01_1_fronté.jpg"))  # NFC
    for file in tree.glob("*train*"):
        file.write_text(file.read_text().replace(FIRST, FIRST + "e\u0301"))
    with pytest.raises(InputError, match=r"another Unicode normalization: it is in NFC, .* in NFD; rename"):
        prepare_folder("deepfashion", tree, tmp_path / "out")


def test_names_with_dots_and_quoted_cells(tree, tmp_path):
    path = first_image(tree)
    names = {
        f"{FIRST}.jpg": f"{FIRST}, v1.jpg",
        f"{FIRST.replace('1front', '2side')}.jpg": f"{FIRST}, v1.1.jpg",
    }
    path.rename(path.with_name("01_1_front, v1.jpg"))
    path.with_name("01_2_side.jpg").rename(path.with_name("01_1_front, v1.1.jpg"))
    for file in (tree / "train.lst", tree / "fasion-annotation-train.csv", tree / "fasion-pairs-train.csv"):
        text = file.read_text()
        for old, new in names.items():
            text = text.replace(old, f'"{new}"' if "pairs" in file.name else new)
        file.write_text(text)
    prepare_folder("deepfashion", tree, tmp_path / "out")
    assert sorted(name[len(FIRST) :] for name in DeepFashion(tmp_path / "out").load("train").names)[:2] == [
        ", v1.1.png",
        ", v1.png",
    ]
