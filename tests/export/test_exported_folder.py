"""The folder of an export is written atomically, and other folders are never overwritten."""

import os

import pytest

from gfla_tf.errors import InputError
from gfla_tf.export.exported_folder import check_folder, new_export


def _export(folder, text="old"):
    folder.mkdir(parents=True)
    for name in ("saved_model.pb", "model_card.json"):
        (folder / name).write_text(text)
    return folder


def _write(path, text="new", force=False, error=None):
    with new_export(path, force) as temporary:
        for name in ("saved_model.pb", "model_card.json"):
            (temporary / name).write_text(text)
        if error is not None:
            raise error


def test_parent_folders_are_created(tmp_path):
    _write(tmp_path / "models" / "person" / "1")
    assert (tmp_path / "models" / "person" / "1" / "saved_model.pb").read_text() == "new"
    assert [path.name for path in (tmp_path / "models" / "person").iterdir()] == ["1"]
    (tmp_path / "empty").mkdir()
    _write(tmp_path / "empty")
    assert (tmp_path / "empty" / "model_card.json").is_file()


def test_an_export_is_overwritten_only_with_force(tmp_path):
    path = _export(tmp_path / "1")
    (path / "stale").write_text("")
    with pytest.raises(InputError, match="is an exported model already"):
        _write(path)
    _write(path, force=True)
    assert sorted(file.name for file in path.iterdir()) == ["model_card.json", "saved_model.pb"]
    assert (path / "saved_model.pb").read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_other_folders_are_never_overwritten(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "saved_model.pb").write_text("somebody else's model")
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(_export(tmp_path / "1"))
    wrong = {"photos": "with other files", "file": "is not a folder", "link": "is not a folder"}
    for name, words in wrong.items():
        with pytest.raises(InputError, match=words):
            check_folder(tmp_path / name, force=True)
    assert (photos / "saved_model.pb").read_text() == "somebody else's model"


def test_a_failure_changes_nothing(tmp_path):
    path = _export(tmp_path / "1")
    for folder in (path, tmp_path / "new" / "2"):
        with pytest.raises(RuntimeError, match="failure"):
            _write(folder, force=True, error=RuntimeError("failure"))
    assert list(tmp_path.iterdir()) == [path]
    assert (path / "saved_model.pb").read_text() == "old"


def test_a_folder_that_cannot_be_created(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        _write(tmp_path / "file" / "1")


@pytest.mark.parametrize(
    ("name", "message"),
    [(os.fsdecode(b"\xff"), "not valid UTF-8, which"), ("a" * 256, "too long")],
)
def test_names_that_a_saved_model_cannot_have(tmp_path, name, message):
    with pytest.raises(InputError, match=message):
        check_folder(tmp_path / name)
    assert not list(tmp_path.iterdir())
