"""Tests of file names: endings, files that operating systems add, and names in another spelling."""

import json
import os
import unicodedata

import pytest

from gfla_tf.config import find_config
from gfla_tf.data import DeepFashion
from gfla_tf.data.doctor import check_folder
from gfla_tf.data.prepare import prepare_folder
from gfla_tf.errors import InputError
from gfla_tf.export.model_card import model_card_path
from gfla_tf.files.names import (
    escape_surrogates,
    is_system_file,
    is_utf8,
    names_in,
    other_file,
    other_spelling,
    stem,
)
from gfla_tf.images.io import read_image
from gfla_tf.models.loading import load_generator, model_file
from gfla_tf.pose.formats import read_people
from gfla_tf.weight_files.read import read_weights

NFC, NFD = unicodedata.normalize("NFC", "é.jpg"), unicodedata.normalize("NFD", "é.jpg")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("photos/a.jpg", "a"),
        ("A.JPEG", "A"),
        ("2024.05.01_keypoints.json", "2024.05.01_keypoints"),
        ("2024.05.01", "2024.05.01"),
        ("take.2", "take.2"),
        ("3.14.15\u202fPM.png", "3.14.15\u202fPM"),
        ("frame.0001.PNG", "frame.0001"),
        (".jpg", ".jpg"),
        ("folder.v1/b", "b"),
    ],
)
def test_only_known_endings_are_cut(path, expected):
    assert stem(path) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[(name, True) for name in ("._a.jpg", ".DS_Store", "Thumbs.db", "thumbs.db", "desktop.ini")],
        *[(name, True) for name in ("__MACOSX", "__MACOSX/model/._rtmo.onnx", "@eaDir", "a/__MACOSX/b.jpg")],
        *[(name, False) for name in ("a.jpg", "_a.jpg", ".hidden.jpg", "MACOSX.jpg", "a._b.jpg")],
    ],
)
def test_files_of_operating_systems(name, expected):
    assert is_system_file(name) == expected


def test_names_in_a_folder(tmp_path):
    for name in ("b.jpg", "a.jpg", "._a.jpg", ".DS_Store"):
        (tmp_path / name).touch()
    (tmp_path / "__MACOSX").mkdir()
    assert names_in(tmp_path) == ["a.jpg", "b.jpg"]


def test_a_model_beside_a_file_of_macos(tmp_path):
    (tmp_path / "mine.keras").touch()
    (tmp_path / "._mine.keras").touch()
    assert model_file(tmp_path) == str(tmp_path / "mine.keras")


def test_model_cards_of_names_with_dots():
    cards = [model_card_path(f"out/person.v{number}") for number in (1, 2)]
    assert cards == ["out/person.v1.model_card.json", "out/person.v2.model_card.json"]
    assert model_card_path("person.tflite") == "person.model_card.json"


@pytest.mark.parametrize(("name", "there"), [(NFC, NFD), (NFD, NFC)])
def test_another_normalization(tmp_path, name, there):
    forms = ["NFC" if one == NFC else "NFD" for one in (there, name)]
    hint = other_spelling(name, ["a.jpg", there])
    assert "the same name in another Unicode normalization" in hint
    assert f"it is in {forms[0]}, {name!a} in {forms[1]}" in hint
    (tmp_path / there).touch()
    assert other_file(str(tmp_path / name)) == hint


@pytest.mark.parametrize("char", ["\u202f", "\u00a0", "\u3000", "\u2009"])
def test_another_space(char):
    hint = other_spelling("3 PM.png", [f"3{char}PM.png"])
    assert ascii(f"3{char}PM.png") in hint
    assert "differs only in spaces or invisible characters" in hint
    assert other_spelling("3 PM.png", ["3PM.png", "3-PM.png"]) == ""
    assert other_spelling("a.jpg", ["a\u200b.jpg"])


def test_names_that_are_not_utf8():
    name = os.fsdecode(b"caf\xc3\xa9-\xff")
    assert is_utf8("caf\xe9")
    assert not is_utf8(name)
    text = escape_surrogates(json.dumps({"name": name}, ensure_ascii=False))
    assert text == '{"name": "caf\xe9-\\udcff"}'
    assert json.loads(text.encode()) == {"name": name}


@pytest.mark.parametrize(
    "read",
    [
        lambda path: read_image(path),
        lambda path: DeepFashion(path, (64, 64)),
        lambda path: check_folder(path),
        lambda path: prepare_folder("deepfashion", path, "out"),
        lambda path: load_generator(path),
        lambda path: find_config(path),
        lambda path: read_weights(path),
        lambda path: read_people(path),
    ],
    ids=["image", "dataset", "check", "prepare", "model", "configuration", "weights", "pose"],
)
def test_every_missing_input_is_explained(tmp_path, monkeypatch, read):
    monkeypatch.chdir(tmp_path)
    (tmp_path / NFD).touch()
    with pytest.raises(InputError, match="the same name in another Unicode normalization: it is in NFD"):
        read(NFC)
