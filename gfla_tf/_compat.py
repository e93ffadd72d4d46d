"""What differs between the two supported stacks: TensorFlow 2.21 with Keras 3, and 2.15 with Keras 2.15."""

import contextlib

import keras
import tensorflow as tf
from tensorflow.python.framework import config
from tensorflow.python.ops import control_flow_util
from tensorflow.python.saved_model import save_context

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3


def add_state(layer, name, shape, initializer):
    """A non-trainable float variable that a training step writes, averaged over a strategy's replicas."""
    aggregation = "mean" if KERAS_3 else tf.VariableAggregation.MEAN
    return layer.add_weight(
        name=name, shape=shape, initializer=initializer, trainable=False, aggregation=aggregation
    )


def scaled_loss(optimizer, loss):
    """The loss as the tape must see it: divided over the replicas, scaled where half precision needs it."""
    loss = loss / tf.distribute.get_strategy().num_replicas_in_sync
    if KERAS_3:
        return optimizer.scale_loss(loss)
    return optimizer.get_scaled_loss(loss) if hasattr(optimizer, "get_scaled_loss") else loss


def apply_gradients(optimizer, gradients, variables):
    """Applies the gradients of a `scaled_loss`."""
    if hasattr(optimizer, "get_unscaled_gradients"):
        gradients = optimizer.get_unscaled_gradients(gradients)
    optimizer.apply_gradients(zip(gradients, variables, strict=True))


def scales_losses():
    """Whether the global dtype policy is mixed_float16, under which optimizers scale their losses."""
    policy = keras.config.dtype_policy() if KERAS_3 else keras.mixed_precision.global_policy()
    return policy.name == "mixed_float16"


def set_dtype_policy(name):
    """Sets the global dtype policy."""
    (keras.config.set_dtype_policy if KERAS_3 else keras.mixed_precision.set_global_policy)(name)


@contextlib.contextmanager
def dtype_policy(name):
    """For `with dtype_policy("mixed_bfloat16"):` around what builds layers and compiles."""
    before = (keras.config.dtype_policy if KERAS_3 else keras.mixed_precision.global_policy)().name
    set_dtype_policy(name)
    try:
        yield
    finally:
        set_dtype_policy(before)


def for_precision(optimizer):
    """The optimizer as the global dtype policy needs it: with dynamic loss scaling under mixed_float16."""
    wrapper = keras.mixed_precision.LossScaleOptimizer
    return wrapper(optimizer) if scales_losses() and not isinstance(optimizer, wrapper) else optimizer


def op_determinism():
    """Whether tf.config.experimental.enable_op_determinism() has been called."""
    return config.is_op_determinism_enabled()


def in_xla_context():
    """Whether a function is being traced for XLA (jit_compile=True), as TensorFlow itself tells it."""
    return not tf.executing_eagerly() and control_flow_util.GraphOrParentsInXlaContext(
        tf.compat.v1.get_default_graph()
    )


def writing_saved_model():
    """Whether tf.saved_model.save is tracing functions in this thread."""
    return save_context.in_save_context()


def write_archive(archive, folder):
    """Writes a `keras.export.ExportArchive` without Keras 3's long description of it."""
    archive.write_out(folder, **({"verbose": False} if KERAS_3 else {}))


def tf_variables(model):
    """A model's variables as TensorFlow's own, for a `tf.Module` that keeps them."""
    return [variable.value if KERAS_3 else variable for variable in model.variables]
