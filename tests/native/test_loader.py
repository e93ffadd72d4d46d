"""gfla_tf.native.loader: the choice of an implementation, its log messages, threads."""

import logging
import threading

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import ops
from gfla_tf.native import loader as native
from gfla_tf.native import record as native_record
from tests.native.helpers import arguments, calls, compiled_nodes, needs_library, run_python

CALL_ALL_TWICE = """
import numpy as np
from gfla_tf import ops
source, flow, kernels = (np.ones([1, 4, 4, c], "float32") for c in (2, 2, 9))
for _ in range(2):
    ops.bilinear_warp(source, flow), ops.gaussian_warp(source, flow)
    ops.flowed_patches(source, flow, 3), ops.local_attention(source, flow, kernels)
print(ops.native_available())
try:
    ops.local_attention(source, flow, kernels, impl="native")
except ops.NativeUnavailableError as error:
    print(error)
"""


ALL = f"{', '.join(native.OPERATORS)}: using TensorFlow's operators: "


def test_disabled_operators_are_logged_once():
    out, log = run_python(
        "import logging; logging.basicConfig(level='INFO')" + CALL_ALL_TWICE, GFLA_NATIVE="0"
    )
    assert out.splitlines() == [
        "False",
        'local_attention(impl="native") cannot run: GFLA_NATIVE=0 disables them; use impl="tf"',
    ]
    assert len(log) == 1
    assert f"{ALL}GFLA_NATIVE=0 disables them" in log[0]


def test_a_fallback_is_a_warning_unless_requested(tmp_path):
    missing = f"from gfla_tf.native import record; record.FOLDER = {str(tmp_path)!r}\n"
    _, log = run_python(missing + CALL_ALL_TWICE, GFLA_NATIVE="1")
    reason = f"the library is not built for TensorFlow {tf.version.VERSION}; run gfla native build"
    assert log == [f"{ALL}{reason}"]
    assert run_python(CALL_ALL_TWICE, GFLA_NATIVE="0")[1] == []


def test_unsupported_arguments_are_logged_per_operator(monkeypatch, caplog):
    monkeypatch.setattr(native, "_logged", set())
    monkeypatch.setattr(native, "unavailable_reason", lambda: None)
    monkeypatch.setattr(native, "_preference", lambda: None)
    with caplog.at_level(logging.INFO, "gfla_tf"):
        for value in (33, 33, 31, 40):
            chosen = native.choose("flowed_patches", "auto", native.beyond("n", value, 31))
            assert chosen == ("tf" if value > 31 else "native")
        assert native.choose("local_attention", "auto") == "native"
    form = "flowed_patches: using TensorFlow's operators: its n is at most 31, got "
    assert caplog.messages == [f"{form}33", f"{form}40"]


@needs_library
def test_every_operator_is_native_outside_xla():
    inputs = arguments()
    for operator, call in calls().items():
        graph = tf.function(call).get_concrete_function(*inputs).graph.as_graph_def()
        assert compiled_nodes(graph) == {f"Gfla{operator.title().replace('_', '')}"}


@needs_library
def test_auto_is_tensorflow_on_a_gpu_without_cuda_kernels(monkeypatch):
    if native_record.read_record(native.library_path().parent).cuda:
        pytest.skip("the library has CUDA kernels")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["a GPU"])
    native._has_gpu.cache_clear()
    try:
        assert native.choose("local_attention", "auto") == "tf"
        assert native.choose("local_attention", "native") == "native"
        assert native.automatic("local_attention") == (
            "tf",
            "there is a GPU, but the library has no CUDA kernels; run gfla native build --cuda on",
        )
    finally:
        native._has_gpu.cache_clear()


def test_auto_is_tensorflow_on_a_gpu_for_an_operator_without_cuda_kernel(monkeypatch):
    for name, value in (("unavailable_reason", None), ("_preference", None), ("_has_gpu", True)):
        monkeypatch.setattr(native, name, lambda value=value: value)
    assert native.choose("local_attention", "auto") == "native"
    assert native.choose("instance_norm", "auto") == "tf"
    assert native.choose("instance_norm", "native") == "native"
    assert native.automatic("instance_norm") == ("tf", "there is a GPU, and it has no CUDA kernel")


@needs_library
def test_threads_share_one_library():
    found = []
    threads = [threading.Thread(target=lambda: found.append(native.library())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


@needs_library
def test_portable_applies_to_one_thread_and_one_block():
    inputs = arguments()
    seen = []
    with ops.portable():
        with ops.portable():
            assert native.choose("local_attention", "native") == "tf"
        assert native.choose("local_attention", "auto") == "tf"
        thread = threading.Thread(target=lambda: seen.append(native.choose("local_attention", "auto")))
        thread.start()
        thread.join()
        portable = calls("native")["local_attention"](*inputs)
    assert seen == ["native"]
    assert native.choose("local_attention", "auto") == "native"
    np.testing.assert_allclose(portable, calls("tf")["local_attention"](*inputs))
