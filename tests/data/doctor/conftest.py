"""A data folder of synthetic people, shared by the tests of `check_folder`."""

import shutil

import pytest

from gfla_tf.data import SyntheticPeople
from gfla_tf.synthetic import write_folder
from tests.data.doctor.faulty_folder import Folder

SIZE = (64, 44)


@pytest.fixture(scope="module")
def clean_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doctor") / "people"
    write_folder(folder, SyntheticPeople(SIZE, identities={"train": 2, "test": 1}))
    return folder


@pytest.fixture
def folder(clean_folder, tmp_path):
    return Folder(shutil.copytree(clean_folder, tmp_path / "people"))
