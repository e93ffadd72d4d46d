"""A small source tree of DeepFashion, shared by the tests of preparation."""

import shutil

import pytest

from tests.data import source_trees

SMALL = (330, 225)  # (H, W) of images whose size does not matter


FIRST = "fashionMENTees_Tanksid0000000001_1front"


@pytest.fixture(scope="module")
def source_tree(tmp_path_factory):
    """DeepFashion's tree with small images; tests that change it use the copy `tree`."""
    return source_trees.deepfashion(tmp_path_factory.mktemp("deepfashion") / "source", size=SMALL)


@pytest.fixture
def tree(source_tree, tmp_path):
    return shutil.copytree(source_tree, tmp_path / "source")


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def first_image(tree):
    return tree / "img_highres/MEN/Tees_Tanks/id_00000000/01_1_front.jpg"
