"""A thousand damaged files: each ends in an error message or in success, within bounds of time and memory.

A case is determined by its kind and number; `case(kind, number)` repeats it.
"""

import contextlib
import hashlib
import io
import json
import resource
import shutil
import signal
import zlib

import cv2
import numpy as np
import pytest

from gfla_tf.cli.main import main
from gfla_tf.data import DeepFashion
from gfla_tf.data.pipeline import data_errors
from gfla_tf.data.protocol import Protocol, read_protocol
from gfla_tf.data.shards.builder import build_shards
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from gfla_tf.pose.formats import FORMATS, read_people, read_pose
from tests.data import source_trees
from tests.data.folders import write_folder
from tests.data.mutations import mutate_bytes, mutate_json, mutate_png, mutate_text
from tests.images.pictures import gradient

CASES = {
    "annotation": 140, "pairs": 90, "lst": 50, "prepared csv": 40,
    "coco18": 70, "body25": 50, "coco17": 60, "coco17-results": 40, "pose csv": 40, "protocol": 60,
    "manifest": 50, "index": 60, "tfrecord": 60,
    "png": 30, "matching png": 40, "jpeg": 60, "webp": 30, "bmp": 30, "source jpeg": 20,
}  # fmt: skip
JSON = ("coco18", "body25", "coco17", "coco17-results", "protocol", "manifest", "index")
BLOCK = 20
MOST_SECONDS = 30  # of the processor, for one case
MOST_BYTES = 2**30


def test_number_of_cases():
    assert sum(CASES.values()) >= 1000


class Workspace:
    """Folders with one file of each kind, whose content a case replaces temporarily."""

    def __init__(self, root):
        self.root = root
        self.folder = write_folder(root / "folder", "fasion", (40, 24), (256, 176), people=2)
        self.source = source_trees.deepfashion(root / "source", train=1, test=1, size=(264, 180))
        self.shards = root / "shards"
        build_shards(self.folder, self.shards)
        self.files = {
            "annotation": self.folder / "fasion-annotation-train.csv",
            "pairs": self.folder / "fasion-pairs-train.csv",
            "protocol": self.folder / "protocol.json",
            "lst": self.source / "train.lst",
            "prepared csv": self.source / "fasion-annotation-train.csv",
            "source jpeg": sorted((self.source / "img_highres").rglob("*.jpg"))[0],
            "manifest": self.shards / "shards.json",
            "index": self.shards / "train.json",
            "tfrecord": next(self.shards.glob("train-*.tfrecord")),
        }
        self._add_poses()
        self.bytes = {kind: path.read_bytes() for kind, path in self.files.items() if kind != "protocol"}
        protocol = Protocol("deepfashion", "img_highres", "area", 40, 24, "jpeg", 95)
        self.bytes["protocol"] = json.dumps(protocol.to_dict(), indent=2).encode()
        image = sorted((self.folder / "train").iterdir())[0]
        picture = gradient(40, 24)[..., ::-1]
        for kind in ("png", "jpeg", "webp", "bmp"):
            self.bytes[kind] = cv2.imencode(f".{kind}", picture)[1].tobytes()
        self.bytes["matching png"] = self.bytes["png"]
        self.files.update(dict.fromkeys(("png", "matching png", "jpeg", "webp", "bmp"), image))

    def _add_poses(self):
        annotations = f"{self.folder / 'fasion-annotation-test.csv'}"
        for kind in FORMATS:
            path = self.root / ("pose.csv" if kind == "csv" else f"pose_{kind}.json")
            some = annotations if kind not in ("coco18", "body25") else f"{annotations}#test0_0.jpg"
            assert main(["pose", some, "-o", str(path), "--to", kind]) == 0
            self.files["pose csv" if kind == "csv" else kind] = path

    @contextlib.contextmanager
    def holding(self, kind, data):
        """Context manager with the damaged file in place; restores all files afterwards."""
        path = self.files[kind]
        touched = {path, self.files["manifest"], self.files["index"]}
        before = {one: one.read_bytes() for one in touched if one.exists()}
        path.write_bytes(data)
        try:
            yield
        finally:
            path.unlink()
            for one, its in before.items():
                one.write_bytes(its)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("fuzz"))


def damaged(workspace, kind, number):
    """The bytes of a case."""
    random = np.random.default_rng([sorted(CASES).index(kind), number])
    data = workspace.bytes[kind]
    if kind == "matching png":
        return mutate_png(data, random)
    if kind in JSON and number % 5 < 2:
        return mutate_json(data, random)
    text = kind not in ("png", "jpeg", "webp", "bmp", "source jpeg", "tfrecord")
    return (mutate_text if text else mutate_bytes)(data, random)


def case(workspace, kind, number):
    """Runs what reads a kind of file on one damaged file."""
    with workspace.holding(kind, damaged(workspace, kind, number)):
        if kind in ("manifest", "index", "tfrecord"):
            _shards(workspace, kind, fix=number % 2 == 1)
        elif kind in ("lst", "prepared csv", "source jpeg"):
            _prepare(workspace)
        elif kind in FORMATS or kind == "pose csv":
            _poses(workspace, workspace.files[kind])
        else:
            _folder(workspace)
            if kind == "protocol":
                _library(lambda: read_protocol(workspace.folder))
            elif kind not in ("annotation", "pairs"):
                _library(lambda: read_image(workspace.files[kind]))


def _folder(workspace):
    _command("data", "check", workspace.folder, "--decode")
    _library(lambda: _read_all(DeepFashion(workspace.folder, (40, 24)), "train"))


def _prepare(workspace):
    out = workspace.root / "prepared"
    _command(
        "data", "prepare", "deepfashion", workspace.source, "-o", out, "--size", "32x32", "--workers", "0"
    )
    _command(
        "data",
        "prepare",
        "deepfashion",
        workspace.source,
        "-o",
        out,
        "--size",
        "32x32",
        "--workers",
        "0",
        "--subset",
    )
    shutil.rmtree(out, ignore_errors=True)


def _poses(workspace, path):
    out = workspace.root / "converted.json"
    _command("pose", path, "-o", out, "--to", "coco17", "--force")
    _library(lambda: read_people(path))
    _library(lambda: read_pose(path))


def _shards(workspace, kind, fix):
    """Every second case corrects the checksums after the damage, as an attacker would."""
    if fix:
        _fix_checksums(workspace, kind)
    _command("data", "build", workspace.shards, "--verify")
    _library(lambda: _read_all(DeepFashion(workspace.shards, (40, 24)), "train"))


def _fix_checksums(workspace, kind):
    with contextlib.suppress(ValueError, RecursionError, KeyError, TypeError, AttributeError):
        manifest = json.loads(workspace.files["manifest"].read_bytes())
        if kind == "tfrecord":
            shard = workspace.files[kind].read_bytes()
            index = json.loads(workspace.files["index"].read_bytes())
            images = zip(index["offset"], index["length"], strict=True)
            index["crc32"] = [zlib.crc32(shard[offset : offset + length]) for offset, length in images]
            workspace.files["index"].write_text(json.dumps(index))
        for path in {workspace.files[kind], workspace.files["index"]} if kind != "manifest" else ():
            data = path.read_bytes()
            checksum = hashlib.sha256(data).hexdigest()
            manifest["files"][path.name] = {"bytes": len(data), "sha256": checksum}
        manifest.pop("sha256", None)
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
        manifest["sha256"] = hashlib.sha256(text.encode()).hexdigest()
        workspace.files["manifest"].write_text(json.dumps(manifest))


def _read_all(dataset, split):
    data = dataset.load(split)
    for number in range(min(len(data.names), 8)):
        assert data.images.read(number).dtype == np.uint8


def _library(read):
    with contextlib.suppress(InputError):
        read()


def _command(*arguments):
    """Runs a command; exit code 2 requires one error message."""
    printed, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
        code = main([str(argument) for argument in arguments])
    assert code in (0, 1, 2)
    if code == 2:
        lines = errors.getvalue().splitlines()
        assert lines
        assert lines[-1].startswith("gfla: error: ")
        assert len(lines[-1]) < 2000, lines[-1]
    assert "Traceback" not in errors.getvalue() + printed.getvalue()


@contextlib.contextmanager
def _bounded():
    """Limits the CPU time and the memory of a case."""

    def stop(*_):
        raise TimeoutError(f"a case took more than {MOST_SECONDS} s")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MOST_BYTES, f"{grown / 2**20:.0f} MiB"


BLOCKS = [(kind, first) for kind, count in CASES.items() for first in range(0, count, BLOCK)]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "first"), BLOCKS, ids=[f"{kind}-{first}" for kind, first in BLOCKS])
def test_damaged_files(workspace, kind, first):
    for number in range(first, min(first + BLOCK, CASES[kind])):
        try:
            with _bounded():
                case(workspace, kind, number)
        except Exception as error:
            raise AssertionError(f"case({kind!r}, {number}): {type(error).__name__}: {error}") from error


@pytest.mark.parametrize("kind", ["annotation", "tfrecord", "jpeg"])
def test_damaged_files_in_training(workspace, kind):
    for number in range(12):
        with workspace.holding(kind, damaged(workspace, kind, number)):
            root = workspace.shards if kind == "tfrecord" else workspace.folder

            def iterate(root=root):
                with data_errors():
                    for _ in DeepFashion(root, (40, 24)).as_dataset("train", 2):
                        pass

            _library(iterate)


def test_undamaged_files(workspace):
    for kind in CASES:
        with workspace.holding(kind, workspace.bytes[kind]):
            pass
    for command in (
        ("data", "check", workspace.folder, "--decode"),
        ("data", "build", workspace.shards, "--verify"),
    ):
        assert main([str(word) for word in command]) == 0
