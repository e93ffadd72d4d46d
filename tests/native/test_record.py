"""gfla_tf.native.record: the build record, and the libraries that are not loaded."""

import dataclasses
import shutil

import pytest
import tensorflow as tf

from gfla_tf.native import loader as native
from gfla_tf.native import record as native_record
from gfla_tf.native.record import LIBRARY, RECORD

RECORDED = native_record.Record(
    tensorflow="2.99.0",
    compiler="GNU 12.2.0",
    instruction_sets=["baseline"],
    cuda=None,
    cuda_architectures=[],
    sources="",
    library="",
)


def _recorded(folder, content=b"library", **changes):
    """Writes a file as the library and its record, with changes; returns the record."""
    (folder / LIBRARY).write_bytes(content)
    values = {
        "sources": native_record.sources_digest(False),
        "library": native_record.file_digest(folder / LIBRARY),
    }
    record = dataclasses.replace(RECORDED, **(values | changes))
    (folder / RECORD).write_bytes(native_record.record_bytes(record))
    return record


def test_a_written_record_is_read(tmp_path):
    record = _recorded(tmp_path)
    assert native_record.read_record(tmp_path) == record
    assert native_record.refusal("2.99.0", tmp_path) is None


def test_libraries_of_other_builds_are_refused(tmp_path):
    _recorded(tmp_path)
    assert native_record.refusal("2.98.1", tmp_path) == (
        "the library was built for TensorFlow 2.99.0, this is 2.98.1; run gfla native build"
    )
    _recorded(tmp_path, sources="0" * 64)
    assert "built from other sources than those installed" in native_record.refusal("2.99.0", tmp_path)
    _recorded(tmp_path)
    (tmp_path / LIBRARY).write_bytes(b"librar")
    assert "is not the file that was built" in native_record.refusal("2.99.0", tmp_path)
    (tmp_path / LIBRARY).unlink()
    assert native_record.refusal("2.99.0", tmp_path) == (
        "the library is not built for TensorFlow 2.99.0; run gfla native build"
    )


def test_each_tensorflow_version_has_its_own_library(tmp_path, monkeypatch):
    monkeypatch.setattr(native_record, "FOLDER", tmp_path)
    folder = native_record.library_folder("2.99.0")
    folder.mkdir()
    _recorded(folder)
    assert native_record.refusal("2.99.0") is None
    assert "is not built for TensorFlow 2.98.1" in native_record.refusal("2.98.1")
    assert native.library_path().parent == tmp_path / f"tensorflow-{tf.version.VERSION}"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b"\xff", b'{"tensorflow": 3}', b"[" * 100_000, b" " * 100_000, b"null"],
)
def test_a_damaged_record_is_refused(tmp_path, content):
    _recorded(tmp_path)
    (tmp_path / RECORD).write_bytes(content)
    assert native_record.refusal("2.99.0", tmp_path).startswith(
        f"the library's record {tmp_path / RECORD} is damaged"
    )


def test_the_digest_depends_on_the_sources(tmp_path, monkeypatch):
    copy = shutil.copytree(native_record.sources_folder(), tmp_path / "custom_ops")
    before = native_record.sources_digest(False)
    monkeypatch.setattr(native_record, "sources_folder", lambda: copy)
    assert native_record.sources_digest(False) == before
    source = copy / "kernels" / "local_attention.cc"
    source.write_text(source.read_text() + "\n")
    assert native_record.sources_digest(False) != before
