"""Tests of the record of the images in a run folder."""

import json
import logging

from gfla_tf.config import Config, DataConfig, ModelConfig
from gfla_tf.data.protocol import Protocol, write_protocol
from gfla_tf.training.run_folder import RunFolder
from gfla_tf.training.sources import open_source
from tests.data.folders import write_folder


def test_images_are_recorded(tmp_path, caplog):
    run = RunFolder(tmp_path / "run", Config())
    with caplog.at_level(logging.INFO, "gfla_tf"):
        run.record_images("one protocol")
        run.record_images("one protocol")
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
        run.record_images("another")
        run.record_end(seconds=3)
    assert "images: one protocol" in caplog.messages
    assert "the images differ from those at the start of the run: one protocol" in caplog.messages
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["images"], record["last_seconds"]) == ("another", 3)
    assert "began" in record


def test_images_of_a_folder(tmp_path):
    folder = write_folder(tmp_path / "folder", "market", (128, 64), (128, 64))
    data = DataConfig(source="market1501", root=str(folder))
    config = Config(model=ModelConfig(preset="market"), data=data)
    assert open_source(config).images == f"not recorded: images as found in {folder}"
    protocol = Protocol("market1501", "bounding_box", "area", 128, 64)
    write_protocol(folder, protocol)
    assert open_source(config).images == protocol.describe()
    assert open_source(Config()).images == "rendered by SyntheticPeople, seed 0"
