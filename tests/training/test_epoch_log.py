"""Tests of the log of a stage, `log.csv`."""

import resource
import types

import pytest

from gfla_tf.errors import InputError
from gfla_tf.training.epoch_log import EpochLog, trim_log


def test_a_log_of_an_earlier_version_is_continued_from_1(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n0,3.0,4.0\n1,2.0,3.0\n2,1.5,2.0\n")
    trim_log(path, 2)
    assert path.read_text() == "epoch,loss,val_loss\n1,3.0,4.0\n2,2.0,3.0\n"
    trim_log(path, 2)
    assert path.read_text() == "epoch,loss,val_loss\n1,3.0,4.0\n2,2.0,3.0\n"
    log = EpochLog(str(path), append=True)
    log.set_model(types.SimpleNamespace(stop_training=False))
    log.on_train_begin()
    log.on_epoch_end(2, {"loss": 1.0, "val_loss": 1.5})
    log.on_train_end()
    assert path.read_text().split() == ["epoch,loss,val_loss", "1,3.0,4.0", "2,2.0,3.0", "3,1.0,1.5"]


def test_a_full_disk(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss\n" + "1,3.0\n" * 20)
    log = EpochLog(str(path), append=True)
    log.set_model(types.SimpleNamespace(stop_training=False))
    log.on_train_begin()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 3, limits[1]))
    try:
        with pytest.raises(
            InputError, match=r"the training log .*log\.csv cannot be written: .*File too large"
        ):
            log.on_epoch_end(1, {"loss": 2.0})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    trim_log(path, 1)
    assert path.read_text() == "epoch,loss\n" + "1,3.0\n" * 20


def test_trim_log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss\n1,3.0\n2,2.0\n3,1.5\n3,1.")
    trim_log(path, 2)
    assert path.read_text() == "epoch,loss\n1,3.0\n2,2.0\n"
    trim_log(tmp_path / "none.csv", 2)
    assert not (tmp_path / "none.csv").exists()


@pytest.mark.parametrize(
    "last", [b"3", b"3,1.", b"3,1.5\r", b"\0\0\0\0", b"3,\xff\n", b"3,1.0,\r\n", b"NaN,1\n"]
)
def test_a_last_line_that_was_not_written_completely_is_removed(tmp_path, last):
    path = tmp_path / "log.csv"
    path.write_bytes(b"epoch,loss\r\n1,3.0\r\n2,NA\r\n" + last)
    trim_log(path, 3)
    assert path.read_bytes() == b"epoch,loss\r\n1,3.0\r\n2,NA\r\n"


@pytest.mark.parametrize(
    "bad", [b"x,1.0\n", b"2\n", b"2,2.0,3.0\n", b"\0\0\n", b"\xff\n", b"2,2.0.0\n", b"\n"]
)
def test_another_damaged_line_is_named(tmp_path, bad):
    path = tmp_path / "log.csv"
    content = b"epoch,loss\n1,3.0\n" + bad + b"3,1.0\n"
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"log\.csv, line 3: not a line of this training log; correct or delete"
    ):
        trim_log(path, 3)
    assert path.read_bytes() == content


def test_a_header_that_was_not_written_completely(tmp_path):
    path = tmp_path / "log.csv"
    for start in (b"", b"epo", b"epoch,loss"):
        path.write_bytes(start)
        trim_log(path, 1)
        assert path.read_bytes() == b""
    path.write_bytes(b"loss,l1\n0,1\n")
    with pytest.raises(InputError, match=r"log\.csv, line 1: not the header of a training log"):
        trim_log(path, 1)
