"""`gfla data serve`: a dispatcher and two workers on this machine, and training batches from them."""

import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
import yaml

from gfla_tf.cli.main import main
from gfla_tf.config import load_config
from gfla_tf.data import SyntheticPeople
from gfla_tf.data.pipeline import data_errors
from gfla_tf.errors import InputError
from gfla_tf.training import data_service
from gfla_tf.training.data_service import connect, parse_address
from gfla_tf.training.sources import open_source
from tests.data.folders import write_folder

PAIRS, BATCH, SEED = 20, 6, 3


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


class Servers:
    """A dispatcher, and two workers of the training data of `config`."""

    def __init__(self, config, journal):
        self.port, self.journal = free_port(), journal
        self.worker_ports = [free_port(), free_port()]
        self.address = f"localhost:{self.port}"
        self.dispatcher = self._start("dispatcher", "--port", self.port, "--journal", journal)
        self.first_lines = [self.dispatcher.stdout.readline()]
        self.workers = [
            self._start("worker", "--dispatcher", self.address, "--port", port, config)
            for port in self.worker_ports
        ]
        self.first_lines += [worker.stdout.readline() for worker in self.workers]

    def _start(self, *words):
        return subprocess.Popen(
            [sys.executable, "-m", "gfla_tf", "data", "serve", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            # A shell starts what it runs in the background with SIGINT ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def restart_dispatcher(self):
        self.dispatcher.kill()
        self.dispatcher.communicate()
        self.dispatcher = self._start("dispatcher", "--port", self.port, "--journal", self.journal)
        self.dispatcher.stdout.readline()

    def stop(self):
        for process in (*self.workers, self.dispatcher):
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def configured(root):
    """A function of overrides that returns the configuration."""
    folder = write_folder(root / "photos", "market", (32, 32), (128, 64), people=PAIRS // 2)
    values = {
        "model": {"overrides": {"image_size": [32, 32]}},
        "data": {"source": "market1501", "root": str(folder), "augment": False},
    }
    (root / "c.yaml").write_text(yaml.safe_dump(values))
    return lambda *overrides: load_config(root / "c.yaml", overrides)


@pytest.fixture(scope="module")
def servers(configured, root):
    servers = Servers(root / "c.yaml", root / "journal")
    yield servers
    servers.stop()


def batches(source, count, **options):
    with data_errors():
        dataset = source.training_batches(BATCH, SEED, parts=False, **options)
        yield from dataset.take(count).as_numpy_iterator()


def key(batch):
    """The pairs of a batch, in order."""
    return batch["source_keypoints"].tobytes(), batch["target_keypoints"].tobytes()


def test_the_first_lines(servers):
    dispatcher, *workers = servers.first_lines
    assert dispatcher == f"dispatcher: port {servers.port} (stop it with Ctrl-C)\n"
    expected = (
        f"worker: {PAIRS} training pairs of data.source=market1501 for the dispatcher at {servers.address}"
    )
    assert all(line.startswith(f"{expected}, reached at ") for line in workers)


def test_each_pair_once_an_epoch_even_if_a_worker_dies(configured, servers):
    start, most = 5, 800
    local = list(batches(open_source(configured()), most, start=start))
    numbers = {key(batch): number for number, batch in enumerate(local)}
    assert len(numbers) == most
    complete = set(range(100))  # the batches of the first 30 epochs
    received, since = [], None
    for batch in batches(open_source(configured(f"data.service={servers.address}")), most, start=start):
        received.append(numbers[key(batch)])
        for name, value in batch.items():
            np.testing.assert_array_equal(value, local[received[-1]][name], err_msg=name)
        if since is None and complete <= set(received):
            since = len(received)
            servers.workers[0].send_signal(signal.SIGKILL)
        if since is not None and len(received) == since + 100:
            break
    assert since < most
    assert len(set(received)) == len(received) == since + 100


def test_workers_of_a_training_read_their_rows(configured, servers):
    local = list(batches(open_source(configured("data.augment=true")), 60))
    source = open_source(configured("data.augment=true", f"data.service={servers.address}"))
    for index in range(2):
        rows, numbers = slice(3 * index, 3 * index + 3), []
        for batch in batches(source, 20, shard=(index, 2)):
            errors = [np.abs(other["source_keypoints"][rows] - batch["source_keypoints"]) for other in local]
            numbers.append(int(np.argmin([error.max() for error in errors])))
            for name, value in batch.items():
                np.testing.assert_allclose(value, local[numbers[-1]][name][rows], rtol=0, atol=1e-3)
        assert len(set(numbers)) == 20


def test_other_data(configured, servers, root):
    other = write_folder(root / "other", "market", (32, 32), (128, 64), people=2)
    source = open_source(configured(f"data.service={servers.address}", f"data.root={other}"))
    with pytest.raises(InputError, match=r"training pairs is 20 at the worker and 4 here; .* start its"):
        list(batches(source, 1))


def test_not_a_dispatcher(configured, servers):
    where = f"localhost:{servers.worker_ports[1]}"
    with pytest.raises(InputError, match=rf"the program at {where} does not answer like a dispatcher"):
        list(batches(open_source(configured(f"data.service={where}")), 1))


def test_an_answer_that_does_not_come(monkeypatch):
    with socket.socket() as silent:
        silent.bind(("localhost", 0))
        silent.listen()
        service = data_service.DataService(f"localhost:{silent.getsockname()[1]}")
        monkeypatch.setattr(data_service, "_ANSWER_SECONDS", 0.5)
        with pytest.raises(InputError, match=r"does not answer like a dispatcher of the tf\.data service"):
            service.batches(SyntheticPeople((32, 32), identities={"train": 1}), 2, seed=0, parts=True)


def test_nothing_answers(configured, root, capsys):
    port = free_port()
    source = open_source(configured(f"data.service=localhost:{port}"))
    with pytest.raises(InputError, match=rf"answers at localhost:{port} .*start one there with `gfla data "):
        list(batches(source, 1))
    code = main(["data", "serve", "worker", str(root / "c.yaml"), "--dispatcher", f"localhost:{port}"])
    assert code == 2
    assert f"no dispatcher of the tf.data service answers at localhost:{port}" in capsys.readouterr().err


def test_a_port_in_use(servers, capsys):
    assert main(["data", "serve", "dispatcher", "--port", str(servers.port)]) == 2
    assert f"the port {servers.port} cannot be opened: Address already in use" in capsys.readouterr().err


def test_a_port_that_does_not_exist(capsys):
    assert main(["data", "serve", "dispatcher", "--port", "65536"]) == 2
    assert "error: a port is at most 65535, got 65536" in capsys.readouterr().err


def test_a_damaged_journal(tmp_path, capsys):
    folder = tmp_path / "tf_data_dispatcher_journal"
    folder.mkdir()
    (folder / "0").write_text("not a journal")
    code = main(["data", "serve", "dispatcher", "--port", "0", "--journal", str(tmp_path)])
    assert code == 2
    assert f"the dispatcher cannot continue from the journal '{tmp_path}' (" in capsys.readouterr().err


def test_a_restarted_dispatcher_continues(configured, servers):
    most = 400
    local = {key(batch): number for number, batch in enumerate(batches(open_source(configured()), most))}
    reading = batches(open_source(configured(f"data.service={servers.address}")), most)
    numbers = [local[key(next(reading))] for _ in range(20)]
    servers.restart_dispatcher()
    numbers += [local[key(next(reading))] for _ in range(150)]
    assert len(set(numbers)) == len(numbers)


def test_signals_stop_servers_whose_dispatcher_is_dead(configured, servers):
    reading = batches(open_source(configured(f"data.service={servers.address}")), 100)
    next(reading)
    servers.dispatcher.send_signal(signal.SIGTERM)
    assert servers.dispatcher.wait(30) == 143
    with pytest.raises(InputError, match=r"no dispatcher"):
        connect("localhost", servers.port)
    servers.workers[1].send_signal(signal.SIGINT)
    assert servers.workers[1].wait(30) == 130


@pytest.mark.parametrize("address", ["localhost", "localhost:", ":5050", "a b:1", "localhost:70000", "h:0"])
def test_invalid_addresses(configured, address):
    with pytest.raises(InputError, match=r"data.service must have the form HOST:PORT, for example"):
        open_source(configured(f'data.service="{address}"'))
    assert parse_address("[::1]:5050", "x") == ("::1", 5050)


def test_people_are_not_rendered_here():
    config = load_config("configs/synthetic.yaml", ["data.identities=2", "data.service=localhost:1"])
    assert open_source(config).render == (config.features.kind == "parts")
    assert not open_source(
        load_config("configs/synthetic.yaml", ["features.kind=vgg19", "data.service=localhost:1"])
    ).render
