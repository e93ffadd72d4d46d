"""The compiled operators inside TensorFlow: what is chosen where, and what an exported model holds.

Their numbers are tested in test_native_equality.py. Tests that need the library say so where they skip.
"""

import dataclasses
import logging
import os
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat, layers, ops
from gfla_tf.models.network import Network
from gfla_tf.native import loader as native
from gfla_tf.native import record as native_record
from gfla_tf.native.record import LIBRARY, RECORD

needs_library = pytest.mark.skipif(
    not ops.native_available(), reason=f"the compiled operators cannot run: {native.unavailable_reason()}"
)


def _arguments(batch=2, height=6, width=5, channels=4, n=3):
    rng = np.random.default_rng(0)
    shapes = [(batch, height, width, size) for size in (channels, 2, n * n)]
    return [tf.constant(rng.standard_normal(shape), tf.float32) for shape in shapes]


def _calls(impl="auto"):
    """Every operator as a function of (source, flow, kernels)."""
    return {
        "bilinear_warp": lambda source, flow, kernels: ops.bilinear_warp(source, flow, impl=impl),
        "gaussian_warp": lambda source, flow, kernels: ops.gaussian_warp(source, flow, impl=impl),
        "flowed_patches": lambda source, flow, kernels: ops.flowed_patches(source, flow, 3, impl=impl),
        "local_attention": lambda source, flow, kernels: ops.local_attention(
            source, flow, kernels, impl=impl
        ),
    }


def _value_and_gradients(call):
    def compute(*arguments):
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            value = call(*arguments)
            loss = tf.reduce_sum(value**2)
        gradients = tape.gradient(loss, arguments, unconnected_gradients="zero")
        return [value, *gradients]

    return compute


def _compiled_nodes(graph_def):
    """Names of our compiled operators in a graph and its function library."""
    nodes = [
        *graph_def.node,
        *(node for function in graph_def.library.function for node in function.node_def),
    ]
    assert nodes
    return {node.op for node in nodes if node.op.startswith("Gfla")}


def _close(actual, expected):
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(other).max())


def _python(code, **environment):
    """Runs code in a new process and returns what it prints and logs."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    } | environment
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout, [line for line in done.stderr.splitlines() if "TensorFlow form" in line]


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


ALL = "bilinear_warp, gaussian_warp, flowed_patches, local_attention: the TensorFlow form is used: "


def test_turned_off_says_so_once():
    out, log = _python("import logging; logging.basicConfig(level='INFO')" + CALL_ALL_TWICE, GFLA_NATIVE="0")
    assert out.splitlines() == [
        "False",
        'local_attention(impl="native") cannot run: GFLA_NATIVE=0 turns them off; use impl="tf"',
    ]
    assert len(log) == 1
    assert f"{ALL}GFLA_NATIVE=0 turns them off" in log[0]


def test_without_a_logging_set_up_a_fall_back_is_warned_of_but_not_one_asked_for(tmp_path):
    missing = f"from gfla_tf.native import record; record.FOLDER = {str(tmp_path)!r}\n"
    _, log = _python(missing + CALL_ALL_TWICE, GFLA_NATIVE="1")
    reason = f"the library is not built for TensorFlow {tf.version.VERSION}; run gfla native build"
    assert log == [f"{ALL}{reason}"]
    assert _python(CALL_ALL_TWICE, GFLA_NATIVE="0")[1] == []


def test_what_one_operator_does_not_take_is_said_of_that_one(monkeypatch, caplog):
    monkeypatch.setattr(native, "_said", set())
    monkeypatch.setattr(native, "unavailable_reason", lambda: None)
    monkeypatch.setattr(native, "_preference", lambda: None)
    with caplog.at_level(logging.INFO, "gfla_tf"):
        for value in (33, 33, 31, 40):
            chosen = native.choose("flowed_patches", "auto", native.beyond("n", value, 31))
            assert chosen == ("tf" if value > 31 else "native")
        assert native.choose("local_attention", "auto") == "native"
    form = "flowed_patches: the TensorFlow form is used: n is at most 31 there, got "
    assert caplog.messages == [f"{form}33", f"{form}40"]


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
    """A folder with a file in the library's place and its record, with changes."""
    (folder / LIBRARY).write_bytes(content)
    values = {
        "sources": native_record.sources_digest(False),
        "library": native_record.file_digest(folder / LIBRARY),
    }
    record = dataclasses.replace(RECORDED, **(values | changes))
    (folder / RECORD).write_bytes(native_record.record_bytes(record))
    return record


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = _recorded(tmp_path)
    assert native_record.read_record(tmp_path) == record
    assert native_record.refusal("2.99.0", tmp_path) is None


def test_a_library_of_other_makings_is_refused(tmp_path):
    _recorded(tmp_path)
    assert native_record.refusal("2.98.1", tmp_path) == (
        "the library was built for TensorFlow 2.99.0, this is 2.98.1; run gfla native build"
    )
    _recorded(tmp_path, sources="0" * 64)
    assert "built from other sources than are here" in native_record.refusal("2.99.0", tmp_path)
    _recorded(tmp_path)
    (tmp_path / LIBRARY).write_bytes(b"librar")
    assert "is not the file that was built" in native_record.refusal("2.99.0", tmp_path)
    (tmp_path / LIBRARY).unlink()
    assert native_record.refusal("2.99.0", tmp_path) == (
        "the library is not built for TensorFlow 2.99.0; run gfla native build"
    )


def test_each_tensorflow_has_a_library_of_its_own(tmp_path, monkeypatch):
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


def test_the_digest_tells_sources_apart(tmp_path, monkeypatch):
    import shutil

    copy = shutil.copytree(native_record.sources_folder(), tmp_path / "custom_ops")
    before = native_record.sources_digest(False)
    monkeypatch.setattr(native_record, "sources_folder", lambda: copy)
    assert native_record.sources_digest(False) == before
    source = copy / "kernels" / "local_attention.cc"
    source.write_text(source.read_text() + "\n")
    assert native_record.sources_digest(False) != before


@needs_library
def test_every_operator_is_native_outside_xla():
    arguments = _arguments()
    for operator, call in _calls().items():
        graph = tf.function(call).get_concrete_function(*arguments).graph.as_graph_def()
        assert _compiled_nodes(graph) == {f"Gfla{operator.title().replace('_', '')}"}


@needs_library
def test_a_gpu_without_cuda_kernels_keeps_auto_to_tensorflow(monkeypatch):
    if native_record.read_record(native.library_path().parent).cuda:
        pytest.skip("the library has CUDA kernels")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["a GPU"])
    native._has_gpu.cache_clear()
    try:
        assert native.choose("local_attention", "auto") == "tf"
        assert native.choose("local_attention", "native") == "native"
        assert native.automatic("local_attention") == (
            "tf",
            "there is a GPU and the library has no CUDA kernels; run gfla native build --cuda on",
        )
    finally:
        native._has_gpu.cache_clear()


@needs_library
@pytest.mark.parametrize("operator", native.OPERATORS)
def test_inside_xla_the_tensorflow_form_is_compiled(operator):
    arguments = _arguments(batch=1)
    compute = _value_and_gradients(_calls()[operator])
    compiled = tf.function(compute, jit_compile=True)
    _close(compiled(*arguments), compute(*arguments))
    assert _compiled_nodes(compiled.get_concrete_function(*arguments).graph.as_graph_def()) == set()
    with pytest.raises(ops.NativeUnavailableError, match=r"XLA \(jit_compile=True\) cannot compile it"):
        tf.function(_calls("native")[operator], jit_compile=True)(*arguments)


def _attention_model(size=8):
    source, target = keras.Input([size, size, 4]), keras.Input([size, size, 4])
    flow = keras.layers.Conv2D(2, 3, padding="same")(target)
    return keras.Model([source, target], layers.LocalAttention(3, hidden=4)(source, target, flow))


def _features(batch=4, size=8):
    rng = np.random.default_rng(1)
    return [rng.standard_normal([batch, size, size, 4]).astype("float32") for _ in range(2)]


@needs_library
@pytest.mark.parametrize("jit_compile", [False, True])
def test_fit_and_predict(jit_compile):
    model = _attention_model()
    expected = model.predict(_features(), verbose=0)
    model.compile("sgd", "mse", jit_compile=jit_compile)
    np.testing.assert_allclose(model.predict(_features(), verbose=0), expected, rtol=1e-4, atol=1e-5)
    losses = model.fit(_features(), expected * 0.9, batch_size=2, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@needs_library
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_uses_the_native_form(policy):
    with _compat.dtype_policy(policy):
        model = _attention_model()
        model.compile(_compat.for_precision(keras.optimizers.SGD(0.01)), "mse")
        half = tf.as_dtype(policy.removeprefix("mixed_"))
    call = tf.function(lambda source, target: model([source, target]))
    graph = call.get_concrete_function(*map(tf.constant, _features())).graph
    operations = [part for part in graph.get_operations() if part.type == "GflaLocalAttention"]
    assert [part.outputs[0].dtype for part in operations] == [half]
    assert np.isfinite(model.fit(_features(), _features()[0], epochs=1, verbose=0).history["loss"][0])


@needs_library
@pytest.mark.slow
def test_distributed_over_two_devices():
    """The replicas' gradients, averaged, are the whole batch's."""
    out, _ = _python("""
import keras, numpy as np, tensorflow as tf
cpu, = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from gfla_tf import ops
from tests.native.test_native import _attention_model, _features

def weights(strategy):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = _attention_model()
        model.compile(keras.optimizers.SGD(0.1), "mse")
    data = tf.data.Dataset.from_tensor_slices((tuple(_features()), _features()[0])).batch(4)
    model.fit(data, epochs=2, verbose=0)
    return model.get_weights()

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
both, one = weights(strategy), weights(tf.distribute.get_strategy())
difference = max(np.abs(a - b).max() for a, b in zip(both, one))
print(ops.native_available(), strategy.num_replicas_in_sync, difference < 1e-5)
""")
    assert out.split() == ["True", "2", "True"]


@needs_library
def test_many_threads_find_one_library():
    found = []
    threads = [threading.Thread(target=lambda: found.append(native.library())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


@needs_library
def test_portable_is_of_one_thread_and_of_one_block():
    arguments = _arguments()
    seen = []
    with ops.portable():
        with ops.portable():
            assert native.choose("local_attention", "native") == "tf"
        assert native.choose("local_attention", "auto") == "tf"
        thread = threading.Thread(target=lambda: seen.append(native.choose("local_attention", "auto")))
        thread.start()
        thread.join()
        portable = _calls("native")["local_attention"](*arguments)
    assert seen == ["native"]
    assert native.choose("local_attention", "auto") == "native"
    np.testing.assert_allclose(portable, _calls("tf")["local_attention"](*arguments))


def _saved_nodes(folder):
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return set().union(*(_compiled_nodes(graph.graph_def) for graph in saved.meta_graphs))


class Warper(Network):
    def __init__(self):
        super().__init__()
        self.attention = layers.LocalAttention(3, hidden=4)
        self.build()

    def _build_layers(self):
        self.attention.build([None, None, None, 4])

    def call(self, inputs):
        return self.attention(inputs["source"], inputs["target"], inputs["flow"])


def _write(model, how, inputs, folder):
    """A SavedModel by Keras's export, or by TensorFlow's own function."""
    signature = [{name: tf.TensorSpec(value.shape, tf.float32, name) for name, value in inputs.items()}]
    if how == "export":
        model.export(folder, **({"input_signature": signature} if _compat.KERAS_3 else {}))
    else:
        module = tf.Module()
        module.model = model
        module.serve = tf.function(model, input_signature=signature)
        tf.saved_model.save(module, str(folder))


@needs_library
@pytest.mark.parametrize("how", ["export", "saved_model"])
def test_a_saved_model_runs_where_the_library_is_not(tmp_path, how):
    model = Warper()
    inputs = dict(zip(["source", "flow", "target"], _arguments(n=2), strict=True))
    expected = model(inputs)
    traced = tf.function(model).get_concrete_function(inputs).graph.as_graph_def()
    assert "GflaLocalAttention" in _compiled_nodes(traced)
    _write(model, how, inputs, tmp_path / "saved")
    assert _saved_nodes(tmp_path / "saved") == set()
    np.savez(tmp_path / "inputs.npz", **inputs)
    out, _ = _python(f"""
import sys, numpy as np, tensorflow as tf
loaded = tf.saved_model.load({str(tmp_path / "saved")!r})
inputs = {{name: tf.constant(value) for name, value in np.load({str(tmp_path / "inputs.npz")!r}).items()}}
np.save({str(tmp_path / "out.npy")!r}, loaded.serve(inputs))
print("gfla_tf" in sys.modules)
""")
    assert out.strip() == "False"
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, rtol=1e-4, atol=1e-5)


@needs_library
def test_a_model_of_ones_own_is_exported_under_portable(tmp_path):
    model = _attention_model()
    model.predict(_features(), verbose=0)
    with ops.portable():
        model.export(tmp_path / "saved")
    assert _saved_nodes(tmp_path / "saved") == set()
