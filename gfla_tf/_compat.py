"""Functions that differ between TensorFlow 2.21 with Keras 3 and TensorFlow 2.15 with Keras 2.15."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.distribute.collective_all_reduce_strategy import CollectiveAllReduceExtended
from tensorflow.python.framework import config
from tensorflow.python.ops import control_flow_util
from tensorflow.python.saved_model import save_context

from gfla_tf.errors import InputError

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3
if KERAS_3 and keras.config.backend() != "tensorflow":
    raise InputError(
        f"Keras's backend is {keras.config.backend()!r}, but gfla_tf needs TensorFlow: set the environment "
        'variable KERAS_BACKEND, or "backend" in keras.json, to "tensorflow"'
    )
NO_AUTOCAST = {"autocast": False} if KERAS_3 else {"experimental_autocast": False}
"""Arguments of `add_weight` for a variable that is never cast when a layer reads it."""
LACKS_MULTIWORKER = KERAS_3
"""Whether this Keras cannot train under `MultiWorkerMirroredStrategy` by itself; true of 3.0 to 3.15."""


def static_shape(sizes: Sequence[int | None]) -> Any:
    """Returns what `compute_output_shape` returns: a tuple in Keras 3, a TensorShape in Keras 2."""
    return tuple(sizes) if KERAS_3 else tf.TensorShape(sizes)


def symbolic_tensor(shape: Sequence[int | None], dtype: Any) -> Any:
    """Returns what `compute_output_spec` returns, which only Keras 3 calls."""
    return keras.KerasTensor(tuple(shape), dtype=tf.as_dtype(dtype).name)


def add_state(layer: keras.layers.Layer, name: str, shape: Sequence[int], initializer: Any) -> keras.Variable:
    """Adds a non-trainable float variable that training updates; its value is averaged over replicas."""
    aggregation = "mean" if KERAS_3 else tf.VariableAggregation.MEAN
    return layer.add_weight(
        name=name,
        shape=shape,
        initializer=initializer,
        trainable=False,
        aggregation=aggregation,
        **NO_AUTOCAST,
    )


def apply_gradients(
    optimizer: keras.optimizers.Optimizer, gradients: Sequence[tf.Tensor], variables: Sequence[Any]
) -> None:
    """Applies gradients, which are already summed over the replicas, without another sum."""
    pairs = zip(gradients, variables, strict=True)
    if not KERAS_3:
        optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)
        return
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        optimizer._all_reduce_sum_gradients = list
    optimizer.apply_gradients(pairs)


def loss_scale_factor(optimizer: keras.optimizers.Optimizer) -> float | None:
    """Returns the factor by which an optimizer of Keras 3 divides the gradients that it applies, or None."""
    return getattr(inner_optimizer(optimizer), "loss_scale_factor", None)


def dynamic_loss_scale(optimizer: keras.mixed_precision.LossScaleOptimizer) -> tuple[Any, Any] | None:
    """Returns the variables of the loss scale and of its number of good steps; None if it is constant."""
    if KERAS_3:
        return optimizer.dynamic_scale, optimizer.step_counter
    return (
        (optimizer._loss_scale.current_loss_scale, optimizer.dynamic_counter) if optimizer.dynamic else None
    )


def inner_optimizer(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Returns the optimizer itself, without a wrapper that scales losses."""
    wrapped = isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)
    return optimizer.inner_optimizer if wrapped else optimizer


def last_learning_rate(optimizer: keras.optimizers.Optimizer) -> tf.Tensor:
    """Returns the learning rate of the last update; before the first one, that of the first one."""
    inner = inner_optimizer(optimizer)
    rate = inner._learning_rate
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return rate(tf.maximum(tf.convert_to_tensor(inner.iterations) - 1, 0))
    return tf.convert_to_tensor(rate)


def can_optimize(optimizer: keras.optimizers.Optimizer, variables: Sequence[Any]) -> bool:
    """Returns whether an optimizer is not built yet, or built for exactly these variables in this order."""
    inner = inner_optimizer(optimizer)
    if KERAS_3:
        built, known = inner.built, inner._trainable_variables_indices
    else:
        built, known = getattr(inner, "_built", False), getattr(inner, "_index_dict", {})
    return not built or list(known) == [inner._var_key(variable) for variable in variables]


def optimizer_index(optimizer: keras.optimizers.Optimizer, variable: Any) -> int:
    """Returns the index of a variable among those that an optimizer was built for."""
    indices = optimizer._trainable_variables_indices if KERAS_3 else optimizer._index_dict
    return indices[optimizer._var_key(variable)]


def scales_losses() -> bool:
    """Returns whether the global dtype policy is mixed_float16, which requires loss scaling."""
    policy = keras.config.dtype_policy() if KERAS_3 else keras.mixed_precision.global_policy()
    return policy.name == "mixed_float16"


def policy_config(policy: Any) -> Any:
    """Returns the entry "dtype" of a config: the policy's name, or what serializes a DTypePolicyMap."""
    if KERAS_3 and isinstance(policy, keras.dtype_policies.DTypePolicyMap):
        return keras.dtype_policies.serialize(policy)
    return policy.name


def set_dtype_policy(name: str) -> None:
    """Sets the global dtype policy."""
    (keras.config.set_dtype_policy if KERAS_3 else keras.mixed_precision.set_global_policy)(name)


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Context manager that sets the global dtype policy."""
    before = (keras.config.dtype_policy if KERAS_3 else keras.mixed_precision.global_policy)().name
    set_dtype_policy(name)
    try:
        yield
    finally:
        set_dtype_policy(before)


def for_precision(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Returns the optimizer, wrapped for dynamic loss scaling if the global policy is mixed_float16."""
    wrapper = keras.mixed_precision.LossScaleOptimizer
    return wrapper(optimizer) if scales_losses() and not isinstance(optimizer, wrapper) else optimizer


def multi_worker_strategy() -> tf.distribute.Strategy:
    """Returns a `MultiWorkerMirroredStrategy` whose thread that checks the other workers can end soon.

    The thread sleeps 30 seconds between two checks by default. A process that ends within a check is aborted.
    """
    CollectiveAllReduceExtended._check_health_interval = 1
    return tf.distribute.MultiWorkerMirroredStrategy()


def stop_health_checks(strategy: tf.distribute.Strategy) -> None:
    """Ends the thread of a `MultiWorkerMirroredStrategy` that checks the other workers, if it runs."""
    strategy.extended._stop_check_health_thread()


def op_determinism() -> bool:
    """Returns whether `tf.config.experimental.enable_op_determinism()` has been called."""
    return config.is_op_determinism_enabled()


def in_xla_context() -> bool:
    """Returns whether a function is being traced for XLA (jit_compile=True)."""
    return not tf.executing_eagerly() and control_flow_util.GraphOrParentsInXlaContext(
        tf.compat.v1.get_default_graph()
    )


def writing_saved_model() -> bool:
    """Returns whether `tf.saved_model.save` is tracing functions in this thread."""
    return save_context.in_save_context()


def write_archive(archive: keras.export.ExportArchive, folder: str, verbose: bool = False) -> None:
    """Writes a `keras.export.ExportArchive`, and prints its description only if `verbose`."""
    if KERAS_3:
        archive.write_out(folder, verbose=verbose)
        return
    with contextlib.nullcontext() if verbose else contextlib.redirect_stdout(io.StringIO()):
        archive.write_out(folder)


def optimizer_variables(optimizer: keras.optimizers.Optimizer) -> list[Any]:
    """Returns all variables of an optimizer: its counter, slots, learning rate and loss scale."""
    variables = list(optimizer.variables)
    if KERAS_3:
        return variables
    rate = getattr(inner_optimizer(optimizer), "_learning_rate", None)
    variables += [rate] if isinstance(rate, tf.Variable) else []
    scaled = inner_optimizer(optimizer) is not optimizer
    return [*variables, *(dynamic_loss_scale(optimizer) or () if scaled else ())]


def tf_variable(variable: Any) -> tf.Variable:
    """Returns a Keras variable as the TensorFlow variable that it wraps."""
    return variable.value if KERAS_3 and isinstance(variable, keras.Variable) else variable


def tf_variables(model: keras.Model) -> list[tf.Variable]:
    """Returns the variables of a model as TensorFlow variables, which a `tf.Module` tracks."""
    return [tf_variable(variable) for variable in model.variables]
