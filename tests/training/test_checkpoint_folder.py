"""Tests of the folder of checkpoints: writing, verification, and files that are damaged or hostile."""

import logging
import os
import resource

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.files import temporary
from gfla_tf.training import checkpoint_folder
from gfla_tf.training.checkpoint_folder import CheckpointFolder

FINITE = ("networks", "optimizer")


def state(value=0.0, size=3):
    """Variables of several dtypes, without elements, and infinite ones of a callback."""
    return {
        "networks": [tf.Variable(tf.fill([size, 2], value)), tf.Variable(tf.cast(value, tf.bfloat16))],
        "optimizer": [tf.Variable(int(min(value, 99)), dtype=tf.int64), tf.Variable(tf.zeros([0, 2]))],
        "callbacks": [tf.Variable(np.inf)],
    }


def values(variables):
    return [np.asarray(variable).tolist() for group in variables.values() for variable in group]


@pytest.fixture
def three(tmp_path):
    """A folder with the checkpoints of steps 1, 2 and 10, which contain these numbers."""
    folder = CheckpointFolder(tmp_path / "checkpoints")
    for step in (1, 2, 10):
        folder.write(step, state(float(step)))
    return folder


def test_the_newest_checkpoint_is_restored(three):
    assert three.steps() == [1, 2, 10]
    restored = state()
    assert three.restore(restored, FINITE) == 10
    assert values(restored) == values(state(10.0))
    assert sorted(os.listdir(three.path)) == ["step-1", "step-10", "step-2"]
    assert CheckpointFolder(three.path.parent / "none").restore(restored, FINITE) is None


def test_the_last_ones_are_kept(three):
    CheckpointFolder(three.path, keep=2).write(11, state(11.0))
    assert three.steps() == [10, 11]
    folder = CheckpointFolder(three.path, keep=1)
    folder.write(11, state(5.0))  # again
    assert folder.steps() == [11]
    restored = state()
    folder.restore(restored, FINITE)
    assert values(restored) == values(state(5.0))


def damage(path, how):
    data, index = path / "state.data-00000-of-00001", path / "state.index"
    if how == "flipped":
        content = bytearray(data.read_bytes())
        content[3] ^= 1
        data.write_bytes(content)
    elif how == "cut":
        data.write_bytes(data.read_bytes()[:10])
    elif how == "no data":
        data.unlink()
    elif how == "no index":
        index.unlink()
    elif how == "index":
        content = bytearray(index.read_bytes())
        content[len(content) // 2] ^= 1
        index.write_bytes(content)
    elif how == "text":
        index.write_text("text")
    elif how == "pipe":
        data.unlink()
        os.mkfifo(data)
    elif how == "empty":
        for file in path.iterdir():
            file.unlink()


@pytest.mark.parametrize(
    "how", ["flipped", "cut", "no data", "no index", "index", "text", "pipe", "empty", "not finite"]
)
def test_a_damaged_checkpoint_is_reported_and_the_one_before_it_used(three, caplog, how):
    if how == "not finite":
        three.write(10, state(float("inf")))
    damage(three.path / "step-10", how)
    folder, restored = CheckpointFolder(three.path, keep=2), state()
    with caplog.at_level(logging.WARNING, logger="gfla_tf"):
        assert folder.restore(restored, FINITE) == 2
    assert values(restored) == values(state(2.0))
    (message,) = caplog.messages
    assert message.startswith("a checkpoint cannot be read, and the one before it is used: ")
    assert str(three.path / "step-10") in message
    folder.write(11, state(11.0))
    assert folder.steps() == [2, 10, 11]  # the damaged one does not count
    folder.write(12, state(12.0))
    assert folder.steps() == [11, 12]


def test_no_readable_checkpoint(three):
    for step in three.steps():
        damage(three.path / f"step-{step}", "flipped")
    restored = state()
    with pytest.raises(InputError, match=r"no checkpoint can be read: .*step-10 .*step-2 .*step-1 .*delete"):
        three.restore(restored, FINITE)
    assert values(restored) == values(state())


@pytest.mark.parametrize(
    "other",
    [
        state(size=4),
        state() | {"callbacks": []},
        {name: group for name, group in state().items() if name != "networks"},
        state() | {"networks": [tf.Variable(tf.zeros([3, 2])), tf.Variable(0.0)]},
    ],
)
def test_a_checkpoint_of_another_network(three, monkeypatch, other):
    read = []
    reader = tf.compat.v1.train.NewCheckpointReader

    class Reader:
        def __init__(self, prefix):
            self.real = reader(prefix)

        def __getattr__(self, name):
            read.append(name)
            return getattr(self.real, name)

    monkeypatch.setattr(tf.compat.v1.train, "NewCheckpointReader", Reader)
    before = values(other)
    with pytest.raises(InputError, match=r"step-10 belongs to another network than the run's config.yaml"):
        three.restore(other, FINITE)
    assert values(other) == before
    assert "get_tensor" not in read  # nothing is allocated for its values


def test_an_index_that_is_too_large_is_not_opened(three):
    with (three.path / "step-10" / "state.index").open("ab") as file:
        file.truncate(2**30)
    with pytest.raises(InputError, match="belongs to another network"):
        three.restore(state(), FINITE)


def test_a_checkpoint_is_verified_before_it_replaces_another_one(three, monkeypatch):
    write = tf.train.Checkpoint.write

    def damaged(self, prefix, *arguments):
        result = write(self, prefix, *arguments)
        damage(checkpoint_folder.Path(prefix).parent, "flipped")
        return result

    folder = CheckpointFolder(three.path, keep=1)
    monkeypatch.setattr(tf.train.Checkpoint, "write", damaged)
    with pytest.raises(
        InputError, match=r"step-11 cannot be written: .*[Cc]hecksum .*earlier checkpoints are un"
    ):
        folder.write(11, state(11.0))
    assert sorted(os.listdir(three.path)) == ["step-1", "step-10", "step-2"]

    def other_values(self, prefix, *arguments):
        return write(tf.train.Checkpoint(**state(4.0)), prefix, *arguments)

    monkeypatch.setattr(tf.train.Checkpoint, "write", other_values)
    with pytest.raises(InputError, match="the disk contains other values of networks/0"):
        folder.write(11, state(11.0))
    assert folder.steps() == [1, 2, 10]


@pytest.mark.parametrize("checked", [True, False])
def test_a_full_disk(three, monkeypatch, checked):
    if not checked:  # as if other files took the space after the check
        monkeypatch.setattr(checkpoint_folder, "check_space", lambda *arguments: None)
    large = state(11.0, size=2**18)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))
    try:
        with pytest.raises(InputError) as raised:
            three.write(11, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    reason = "files of 2.0 MiB exceed the limit of this process" if checked else "File too large"
    assert str(raised.value).startswith(f"the checkpoint {three.path / 'step-11'} cannot be written: ")
    assert reason in str(raised.value)
    assert ".part" not in str(raised.value)
    assert str(raised.value).endswith("; the earlier checkpoints are unchanged")
    assert sorted(os.listdir(three.path)) == ["step-1", "step-10", "step-2"]
    assert three.restore(state(), FINITE) == 10


def test_what_a_killed_process_left_is_removed(three):
    (three.path / ".0123456789abcdef.part").mkdir()
    temporary._remove_once.cache_clear()
    assert three.restore(state(), FINITE) == 10
    assert sorted(os.listdir(three.path)) == ["step-1", "step-10", "step-2"]


def test_a_folder_whose_name_is_not_utf8(tmp_path):
    folder, restored = CheckpointFolder(tmp_path / os.fsdecode(b"\xff")), state()
    folder.write(1, state(1.0))
    assert folder.restore(restored, FINITE) == 1
    assert values(restored) == values(state(1.0))
