"""The model card: its content with and without the records of a run folder."""

import hashlib
import json
import os

import keras
import pytest
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.export.model_card import model_card, model_card_path, model_card_text
from gfla_tf.models import PersonImageGenerator


@pytest.fixture(scope="module")
def model():
    return PersonImageGenerator.from_preset("synthetic", load_weights=False)


@pytest.fixture
def run(tmp_path):
    """A run folder with the records that a run writes."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.keras").write_bytes(b"weights")
    (folder / "run.json").write_text('{"program": "gfla_tf", "images": "img of deepfashion"}')
    (folder / "config.yaml").write_text("seed: 3\ndata: {source: deepfashion, root: /home/me, workers: 2}\n")
    (folder / "metrics.json").write_text('{"pairs": 600, "images": {"generated": {"l1": 0.1}}}')
    return folder


def test_a_run_folder(model, run):
    weights = run / "model.keras"
    for source in (run, weights):
        card = model_card(model, source, export={"format": "x"}, parity={"image": 0.0}, files={"w": weights})
        assert json.loads(model_card_text(card)) == card
        assert card["name"] == "mine"
        assert card["weights_sha256"] == hashlib.sha256(b"weights").hexdigest()
        assert card["data"] == {"images": "img of deepfashion", "settings": {"source": "deepfashion"}}
        assert card["metrics"] == {"pairs": 600, "images": {"generated": {"l1": 0.1}}}
        assert card["files"] == {"w": {"sha256": card["weights_sha256"], "bytes": 7}}
        assert (card["export"], card["parity"]) == ({"format": "x"}, {"image": 0.0})


def test_the_shipped_model(model):
    card = model_card(model, None, export={})
    assert card["name"] == "synthetic"
    assert card["data"]["images"] == "rendered by SyntheticPeople, seed 0"
    assert card["data"]["settings"]["identities"] == 4000
    assert card["metrics"]["pairs"] == 600


def test_the_model_can_be_rebuilt(model, run):
    card = model_card(model, run, export={})
    assert card["model"]["class"] == "PersonImageGenerator"
    rebuilt = PersonImageGenerator(**card["model"]["config"])
    assert rebuilt.count_params() == card["parameters"] == model.count_params()
    assert card["versions"]["tensorflow"] == tf.__version__
    assert card["versions"]["keras"] == keras.__version__


def test_a_file_outside_a_run_has_no_records(model, run):
    other = run / "other.keras"
    other.write_bytes(b"other")
    card = model_card(model, other, export={})
    assert (card["name"], card["data"], card["metrics"], card["parity"]) == ("other", None, None, None)
    assert card["files"] == {}


@pytest.mark.parametrize("name", ["run.json", "config.yaml", "metrics.json"])
@pytest.mark.parametrize("text", ["[1, 2]", "{", "\ufffe" * 3])
def test_a_damaged_record_is_an_error(model, run, name, text):
    (run / name).write_text(text)
    with pytest.raises(InputError, match=f"{name}' beside the model is damaged"):
        model_card(model, run, export={})


def test_the_path_beside_a_file():
    assert model_card_path("out/person.tflite") == "out/person.model_card.json"


def test_names_that_are_not_utf8():
    content = {"source": os.fsdecode(b"\xff.keras")}
    assert json.loads(model_card_text(content).encode()) == content
