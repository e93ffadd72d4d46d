"""How the images of a run were made stands in its folder, beside the figures measured on them."""

import json
import logging

from gfla_tf.config import Config, DataConfig, ModelConfig
from gfla_tf.data.protocol import Protocol, write_protocol
from gfla_tf.training.run_folder import RunFolder
from gfla_tf.training.sources import open_source
from tests.data.folders import write_folder


def test_the_images_are_noted_and_a_change_is_warned_of(tmp_path, caplog):
    run = RunFolder(tmp_path / "run", Config())
    with caplog.at_level(logging.INFO, "gfla_tf"):
        run.note_images("one protocol")
        run.note_images("one protocol")
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
        run.note_images("another")
        run.finish(seconds=3)
    assert "images: one protocol" in caplog.messages
    assert "the images are others than when the run began, which were: one protocol" in caplog.messages
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["images"], record["last_seconds"]) == ("another", 3)
    assert "began" in record


def test_a_folders_protocol_is_its_images(tmp_path):
    folder = write_folder(tmp_path / "folder", "market", (128, 64), (128, 64))
    data = DataConfig(source="market1501", root=str(folder))
    config = Config(model=ModelConfig(preset="market"), data=data)
    assert open_source(config).images == f"not recorded: images as found in {folder}"
    protocol = Protocol("market1501", "bounding_box", "area", 128, 64)
    write_protocol(folder, protocol)
    assert open_source(config).images == protocol.describe()
    assert open_source(Config()).images == "drawn by SyntheticPeople, seed 0"
