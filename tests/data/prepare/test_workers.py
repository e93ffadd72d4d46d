"""Tests of preparation in several processes."""

import shutil

import pytest

from gfla_tf.data.prepare import prepare_folder, workers
from gfla_tf.data.protocol import Protocol
from gfla_tf.errors import InputError
from tests.data import source_trees
from tests.data.prepare.conftest import FIRST, SMALL, contents


def test_several_processes(tmp_path):
    source = source_trees.deepfashion(tmp_path / "source", train=4, test=1, size=SMALL)
    (source / "img_highres/MEN/Tees_Tanks/id_00050000/01_1_front.jpg").write_bytes(b"\xff\xd8\xff")
    calls = []
    with pytest.raises(
        InputError, match=r"^1 images cannot be read; the first error: the image .*01_1_front"
    ):
        prepare_folder(
            "deepfashion", source, tmp_path / "out", workers=2, progress=lambda *call: calls.append(call)
        )
    assert calls == [(done, 20) for done in range(1, 21)]
    assert not list((tmp_path / "out").glob("*.csv"))
    summary = prepare_folder("deepfashion", source, tmp_path / "out", workers=2, subset=True)
    assert summary.kept == 19
    assert (summary.splits["test"].images, summary.splits["test"].pairs) == (3, 6)
    prepare_folder("deepfashion", source, tmp_path / "alone", subset=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")


def _jobs(source, names=40):
    """A job for each of so many copies of one image."""
    image = next((source / "img_highres").rglob("*.jpg"))
    return [(str(image), str(source.parent / f"{number}.png")) for number in range(names)]


def test_output_of_processes_does_not_block(tree, monkeypatch):
    """Decoders write their warnings to standard error, which nobody reads meanwhile."""
    loud = "import sys; sys.stderr.write('Corrupt JPEG data\\n' * 2**17); "
    monkeypatch.setattr(workers, "_COMMAND", loud + workers._COMMAND)
    protocol = Protocol("deepfashion", "img_highres", "area", 32, 32)
    assert workers.prepare_images(_jobs(tree), protocol, workers=2).written == 40


def test_a_process_that_fails_raises_one_error(tree, monkeypatch):
    monkeypatch.setattr(workers, "_COMMAND", "raise MemoryError('no memory')")
    protocol = Protocol("deepfashion", "img_highres", "area", 32, 32)
    with pytest.raises(
        InputError,
        match=r"ended unexpectedly \(MemoryError: no memory\): .* use fewer processes \(--workers\)",
    ):
        workers.prepare_images(_jobs(tree), protocol, workers=2)


def test_an_output_that_cannot_be_written_stops_the_processes(tmp_path):
    source = source_trees.deepfashion(tmp_path / "source", train=4, test=1, size=SMALL)
    (tmp_path / "out" / "train" / f"{FIRST}.png").mkdir(parents=True)
    prepare_folder("deepfashion", source, tmp_path / "other")
    shutil.copy(tmp_path / "other" / "protocol.json", tmp_path / "out")
    for processes in (0, 2):
        with pytest.raises(InputError, match=r"front\.png' is a folder"):
            prepare_folder("deepfashion", source, tmp_path / "out", workers=processes)
