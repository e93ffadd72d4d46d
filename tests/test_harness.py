"""The parts of the CUDA harness that run without a GPU."""

import importlib.util
import pathlib

import numpy as np
import pytest

from gfla_tf import ops

HARNESS = pathlib.Path(__file__).parent.parent / "custom_ops" / "harness"


def _load(name):
    spec = importlib.util.spec_from_file_location(name, HARNESS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _row(name, passed, microseconds, **more):
    return {"name": name, "pass": passed, "microseconds": microseconds, "spread": 0.2, **more}


def test_the_table_contains_shares_of_the_fastest_copy_and_ratios_to_the_peer():
    size = {"type": "float32", "shape": [8, 64, 64, 128], "n": 5}
    copy = {"type": "", "flow": "", "shape": [0, 0, 0, 0], "n": 0, "bytes": 2 << 30}
    rows = [
        _row("cudaMemcpy", "copy", 500.0, **copy),
        _row("copy kernel", "copy", 1000.0, **copy),
        _row("local_attention", "forward", 20.0, flow="smooth", bytes=2 << 25, **size),
        _row("local_attention", "gradient", 40.0, flow="smooth", bytes=2 << 25, **size),
        _row("grid_sample per tap", "forward", 300.0, **size),
    ]
    lines = _load("run").table(rows).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    by_name = {(row[0], row[5]): row for row in cells[2:]}
    assert len(cells) == 2 + 4  # the peer is a column
    assert by_name["copy kernel", "copy"][9] == "50%"
    forward = by_name["local_attention", "forward"]
    # 64 MiB in 20 us is 3355 GB/s; cudaMemcpy reaches 4295 GB/s.
    assert forward[1:3] == ["8 x 64 x 64 x 128", "5"]
    assert forward[8:] == ["3355", "78%", "15.0 x"]
    assert by_name["local_attention", "gradient"][10] == ""


def test_a_missing_program_is_named(monkeypatch, capsys, tmp_path):
    run = _load("run")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["run.py"])
    assert run.main() == 2
    assert capsys.readouterr().err == "run: cmake is not on the PATH\n"


@pytest.mark.parametrize("cases", ["0", "-3", "few", "", "1.5", "9999999"])
def test_an_invalid_number_of_cases_is_refused(monkeypatch, capsys, cases):
    run = _load("run")
    monkeypatch.setattr("sys.argv", ["run.py", f"--cases={cases}"])
    with pytest.raises(SystemExit) as stopped:
        run.main()
    assert stopped.value.code == 2
    assert "--cases: must be a whole number from 1" in capsys.readouterr().err


@pytest.mark.parametrize("n", [1, 3, 5])
def test_the_peer_computes_local_attention(torch, n):
    rng = np.random.default_rng(n)
    source = rng.normal(size=[2, 7, 9, 4]).astype(np.float32)
    flow = (rng.normal(size=[2, 7, 9, 2]) * 3).astype(np.float32)
    kernels = rng.normal(size=[2, 7, 9, n * n]).astype(np.float32)
    channels_first = [torch.tensor(np.moveaxis(array, 3, 1)) for array in (source, kernels)]
    peer = _load("peer_grid_sample").local_attention(
        torch, channels_first[0], torch.tensor(flow), channels_first[1], n
    )
    expected = ops.local_attention(source, flow, kernels, impl="tf")
    np.testing.assert_allclose(np.moveaxis(peer.numpy(), 1, 3), expected, atol=2e-5)
