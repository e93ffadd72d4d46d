"""An export's folder appears whole or not at all, and nothing else is ever replaced."""

import pytest

from gfla_tf.errors import InputError
from gfla_tf.export.exported_folder import check_folder, new_folder


def _export(folder, text="old"):
    folder.mkdir(parents=True)
    for name in ("saved_model.pb", "model_card.json"):
        (folder / name).write_text(text)
    return folder


def _write(place, text="new", force=False, then=None):
    with new_folder(place, force) as beside:
        for name in ("saved_model.pb", "model_card.json"):
            (beside / name).write_text(text)
        if then is not None:
            raise then


def test_a_new_folder_with_the_folders_above_it(tmp_path):
    _write(tmp_path / "models" / "person" / "1")
    assert (tmp_path / "models" / "person" / "1" / "saved_model.pb").read_text() == "new"
    assert [path.name for path in (tmp_path / "models" / "person").iterdir()] == ["1"]
    (tmp_path / "empty").mkdir()
    _write(tmp_path / "empty")
    assert (tmp_path / "empty" / "model_card.json").is_file()


def test_an_export_is_replaced_with_force_only(tmp_path):
    place = _export(tmp_path / "1")
    (place / "stale").write_text("")
    with pytest.raises(InputError, match="is an exported model already"):
        _write(place)
    _write(place, force=True)
    assert sorted(path.name for path in place.iterdir()) == ["model_card.json", "saved_model.pb"]
    assert (place / "saved_model.pb").read_text() == "new"
    assert list(tmp_path.iterdir()) == [place]


def test_what_is_no_export_is_never_replaced(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "saved_model.pb").write_text("somebody else's model")
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(_export(tmp_path / "1"))
    wrong = {"photos": "something else in it", "file": "is no folder", "link": "is no folder"}
    for name, words in wrong.items():
        with pytest.raises(InputError, match=words):
            check_folder(tmp_path / name, force=True)
    assert (photos / "saved_model.pb").read_text() == "somebody else's model"


def test_a_failure_leaves_everything_as_it_was(tmp_path):
    place = _export(tmp_path / "1")
    for folder in (place, tmp_path / "new" / "2"):
        with pytest.raises(RuntimeError, match="in the middle"):
            _write(folder, force=True, then=RuntimeError("in the middle"))
    assert list(tmp_path.iterdir()) == [place]
    assert (place / "saved_model.pb").read_text() == "old"


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        _write(tmp_path / "file" / "1")
