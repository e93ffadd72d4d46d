"""Tests of a run folder: its lock, its record, and what processes that were killed leave."""

import json
import logging
import os
import shutil

import pytest

from gfla_tf.config import Config, DataConfig, ModelConfig
from gfla_tf.data.protocol import Protocol, write_protocol
from gfla_tf.errors import InputError
from gfla_tf.training.run_folder import RunFolder
from gfla_tf.training.sources import open_source
from tests.data.folders import write_folder


def test_images_are_recorded(tmp_path, caplog):
    with RunFolder(tmp_path / "run", Config()) as run, caplog.at_level(logging.INFO, "gfla_tf"):
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


@pytest.fixture
def between(tmp_path):
    """A folder as it is if its process is killed between config.yaml and run.json."""
    folder = tmp_path / "between"
    folder.mkdir()
    with RunFolder(tmp_path / "run", Config()):
        for name in ("config.yaml", "run.lock"):
            shutil.copy(tmp_path / "run" / name, folder)
    return folder


@pytest.mark.parametrize("lock", [True, False])
@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_without_its_record_can_be_started_and_resumed(between, lock, resume):
    if not lock:
        (between / "run.lock").unlink()
    with RunFolder(between, Config(), resume=resume):
        assert json.loads((between / "run.json").read_text())["program"] == "gfla_tf"
    assert sorted(os.listdir(between)) == ["config.yaml", "run.json"]


def test_an_abandoned_folder_can_be_used_with_another_configuration(between):
    (between / ".0123456789abcdef.part").write_bytes(b"half")
    with RunFolder(between, Config(seed=3)) as run:
        assert "seed: 3" in (between / "config.yaml").read_text()
        run.remove()
    assert not os.listdir(between)


def test_a_configuration_of_the_user_is_not_a_run(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 3  # mine\n")
    with pytest.raises(InputError, match="is not empty and contains no run of gfla"):
        RunFolder(tmp_path, Config(seed=3))
    with pytest.raises(InputError, match="contains no run to resume"):
        RunFolder(tmp_path, Config(seed=3), resume=True)
    assert (tmp_path / "config.yaml").read_text() == "seed: 3  # mine\n"


def test_two_processes_do_not_use_one_folder(tmp_path):
    with RunFolder(tmp_path / "run", Config()):
        for resume in (True, False):
            with pytest.raises(InputError, match=f"in use by process {os.getpid()} on|contains a run"):
                RunFolder(tmp_path / "run", Config(), resume=resume)
        with pytest.raises(InputError, match=f"in use by process {os.getpid()} on .*: wait for it to end"):
            RunFolder(tmp_path / "run", Config(), resume=True)
    RunFolder(tmp_path / "run", Config(), resume=True).release()
    assert sorted(os.listdir(tmp_path / "run")) == ["config.yaml", "run.json"]


def test_a_run_that_another_process_finished_meanwhile_is_kept(tmp_path, monkeypatch):
    checks = []

    def check(self, config, abandoned):
        checks.append(abandoned)
        if len(checks) == 2:
            (tmp_path / "run.json").write_text("{}")
            (tmp_path / "config.yaml").write_text("")
            raise InputError("contains a run")

    monkeypatch.setattr(RunFolder, "_check_unused", check)
    with pytest.raises(InputError, match="contains a run"):
        RunFolder(tmp_path, Config())
    assert sorted(os.listdir(tmp_path)) == ["config.yaml", "run.json"]


@pytest.mark.parametrize("name", ["config.yaml", "run.json"])
def test_a_disk_that_is_full_at_the_start(tmp_path, monkeypatch, name):
    replace = os.replace

    def fail(source, target):
        if os.path.basename(target) == name:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InputError, match=f"{name}' cannot be written: No space left"):
        RunFolder(tmp_path / "a" / "run", Config())
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", ", line 1: Expecting value"),
        (b'{\n "began": "2026", "ima', ", line 2: "),
        (b"\0" * 40, ", line 1: Expecting value"),
        (b"\xff{}", ": "),
        (b"[1]", " contains a list"),
        (b'{"began": ' + b"9" * 5000 + b"}", ": "),
        (b'{"began": 1, "began": 2}', ": the name 'began' is repeated"),
    ],
)
def test_a_damaged_record(tmp_path, content, problem):
    RunFolder(tmp_path, Config()).release()
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InputError, match=rf"run\.json{problem}.*; delete it, and continue with --resume"):
        RunFolder(tmp_path, Config(), resume=True)
    (tmp_path / "run.json").unlink()
    RunFolder(tmp_path, Config(), resume=True).release()
    assert json.loads((tmp_path / "run.json").read_text())["program"] == "gfla_tf"
