"""The networks as one graph with constant weights: images and pose maps in; image, flows and masks out."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from gfla_tf import ops
from gfla_tf.errors import InputError
from gfla_tf.evaluation.synthetic import MODEL_INPUTS
from gfla_tf.models import PersonImageGenerator
from gfla_tf.pose.keypoints import NUM_KEYPOINTS

SIGNATURE = "serving_default"
CHANNELS = {"source_image": 3, "source_pose": NUM_KEYPOINTS, "target_pose": NUM_KEYPOINTS}


def size_multiple(model: PersonImageGenerator) -> int:
    """Returns the number by which the sides of a model's images must be divisible."""
    return 2 ** max(model.flow_field_estimator.encoder_layers, model.target_image_generator.num_layers)


def check_model(model: PersonImageGenerator, size: tuple[int, int] | None = None) -> tuple[int, int]:
    """Returns the size (H, W) of an export: `size`, or by default the model's image size.

    Raises:
      InputError: The model does not take RGB images and 18 keypoints, or the size is not divisible by the
        downsampling factor of its networks.
    """
    g = model.target_image_generator
    if (g.image_channels, g.guidance_channels) != (CHANNELS["source_image"], CHANNELS["source_pose"]):
        raise InputError(
            f"an exported model has 3 image and {NUM_KEYPOINTS} pose channels, got {g.image_channels} and "
            f"{g.guidance_channels}"
        )
    size = tuple(model.image_size if size is None else size)
    multiple = size_multiple(model)
    if any(side < 1 or side % multiple for side in size):
        raise InputError(f"height and width must be divisible by {multiple}, got {size[0]}x{size[1]}")
    return size


def network_function(
    model: PersonImageGenerator, size: tuple[int, int], batch: int | None
) -> tf.types.experimental.PolymorphicFunction:
    """Returns the networks as a `tf.function` with an input signature, to be traced under `ops.portable()`.

    The function takes source_image [N, H, W, 3] in [-1, 1], source_pose and target_pose [N, H, W, 18], all
    float32, and returns a dict with image, flow_0 (coarse), ..., mask_0, ....

    Args:
      model: The model.
      size: (H, W), static in the graph.
      batch: N, or `None` for a dynamic batch size.
    """
    specs = [tf.TensorSpec([batch, *size, CHANNELS[name]], tf.float32, name) for name in MODEL_INPUTS]
    return tf.function(
        lambda *inputs: model.named_outputs(
            model(dict(zip(MODEL_INPUTS, inputs, strict=True)), training=False)
        ),
        input_signature=specs,
    )


@contextlib.contextmanager
def saved_graph(model: PersonImageGenerator, size: tuple[int, int], batch: int | None) -> Iterator[str]:
    """Context manager that writes `network_function` as a SavedModel without variables or loops.

    Yields:
      The path of a temporary folder. The SavedModel's only signature is `serving_default`.
    """
    function = network_function(model, size, batch)
    with ops.portable(loops=False):
        traced = function.get_concrete_function()
    frozen = convert_variables_to_constants_v2(traced)
    names = sorted(traced.structured_outputs)  # the order in which the frozen function returns them
    module = tf.Module()
    module.call = tf.function(
        lambda *inputs: dict(zip(names, frozen(*inputs), strict=True)),
        input_signature=function.input_signature,
    )
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, {SIGNATURE: module.call.get_concrete_function()}, options)
        yield folder
