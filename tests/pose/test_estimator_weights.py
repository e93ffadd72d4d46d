"""Locating the pose estimator's network, and downloading it on request."""

import contextlib
import hashlib
import http.server
import io
import os
import socket
import threading
import zipfile

import pytest

from gfla_tf.errors import InputError
from gfla_tf.pose import estimator_weights as pose_model
from gfla_tf.pose.estimator_weights import download_pose_model, find_pose_model, read_pose_model


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TORCH_HOME", raising=False)
    return tmp_path / "cache"


def _put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"network")
    return path


def test_a_given_path_is_used():
    assert find_pose_model("mine.onnx") == "mine.onnx"


def test_the_caches_are_searched_in_order(cache, tmp_path, monkeypatch):
    rtmlib = "hub/checkpoints/rtmo-m_16xb16-600e_body7-640x640-39e78cc4_20231211.onnx"
    _put(cache / "rtmlib" / rtmlib.replace("rtmo-m", "rtmo-l").replace("body7", "body7-crowdpose"))
    with pytest.raises(InputError, match="no pose model"):
        find_pose_model()
    theirs = _put(cache / "rtmlib" / rtmlib)
    assert find_pose_model() == str(theirs)
    ours = _put(cache / "gfla_tf" / "rtmo-m.onnx")
    assert find_pose_model() == str(ours)
    larger = _put(cache / "gfla_tf" / "rtmo-l.zip")
    assert find_pose_model() == str(larger)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nothing"))
    elsewhere = _put(tmp_path / "torch" / rtmlib)
    assert find_pose_model() == str(elsewhere)


def test_the_error_without_a_model_contains_url_and_path(cache, monkeypatch):
    def forbidden(*arguments, **options):
        raise AssertionError("the network was used unasked")

    monkeypatch.setattr(socket, "socket", forbidden)
    with pytest.raises(InputError) as error:
        find_pose_model()
    for part in (
        pose_model.MODEL_URL,
        str(cache / "gfla_tf" / "rtmo-m.onnx"),
        "gfla pose --download",
        "89 MB",
    ):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def _archive(**entries):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(f"folder/{name}.onnx", content)
        archive.writestr("folder/detail.json", "{}")
    return data.getvalue()


def test_archives(tmp_path):
    path = tmp_path / "rtmo.zip"
    path.write_bytes(_archive(end2end=b"a network"))
    assert read_pose_model(str(path)) == b"a network"
    for data in (_archive(), _archive(one=b"1", two=b"2")):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"give one \.onnx file"):
            read_pose_model(str(path))
    whole = _archive(end2end=os.urandom(1000))
    for data in (whole[:600], b"PK\x03\x04", whole[:100] + b"?" * 50 + whole[150:]):
        path.write_bytes(data)
        with pytest.raises(InputError, match="damaged archive"):
            read_pose_model(str(path))


def test_large_archives_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pose_model, "MAX_MODEL_BYTES", 10_000)
    path = tmp_path / "rtmo.zip"
    path.write_bytes(_archive(end2end=bytes(100_000)))
    with pytest.raises(InputError, match=r"give one \.onnx file"):
        read_pose_model(str(path))
    path.write_bytes(b"x" * 10_001)
    with pytest.raises(InputError, match="that are accepted"):
        read_pose_model(str(path))


@pytest.fixture
def server(monkeypatch):
    """A server on this machine that answers with `server.content` and the status `server.code`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(server.code)
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # it stops reading where it has enough
                self.wfile.write(server.content)

        def log_message(self, *arguments):
            pass

    content = os.urandom(3 * 2**20)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.content, server.code = content, 200
    monkeypatch.setattr(pose_model, "MODEL_URL", f"http://127.0.0.1:{server.server_port}/model.onnx")
    monkeypatch.setattr(pose_model, "MODEL_BYTES", len(content))
    monkeypatch.setattr(pose_model, "MODEL_SHA256", hashlib.sha256(content).hexdigest())
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_download(server, cache):
    steps = []
    path = download_pose_model(lambda done, total: steps.append((done, total)))
    assert path == str(cache / "gfla_tf" / "rtmo-m.onnx")
    assert read_pose_model(path) == server.content
    assert steps[-1] == (3 * 2**20, 3 * 2**20)
    assert len(steps) == 3
    server.content = b"another"
    assert download_pose_model() == path  # cached: no download
    assert find_pose_model() == path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"content": b"short"}, "returned 5 bytes that are not the published file"),
        ({"content": bytes(3 * 2**20)}, "not the published file"),
        ({"content": bytes(9 * 2**20)}, "returned 3,145,729 bytes"),
        ({"code": 404}, "cannot be downloaded .*Not Found"),
    ],
)
def test_a_wrong_download_leaves_nothing(server, cache, change, message):
    for name, value in change.items():
        setattr(server, name, value)
    with pytest.raises(InputError, match=message) as error:
        download_pose_model()
    assert str(cache / "gfla_tf" / "rtmo-m.onnx") in str(error.value)
    assert os.listdir(cache / "gfla_tf") == []


def test_no_connection(server, cache):
    server.shutdown()
    server.server_close()
    with pytest.raises(InputError, match=r"cannot be downloaded .*refused"):
        download_pose_model()
    (cache / "gfla_tf").rmdir()
    (cache / "gfla_tf").write_text("a file")
    with pytest.raises(InputError, match="cannot be created"):
        download_pose_model()
