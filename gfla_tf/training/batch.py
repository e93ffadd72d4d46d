"""Unpacking of training batches: images, pose maps and the weight of the correctness loss."""

from typing import Any

import keras
import tensorflow as tf

from gfla_tf.images.scaling import check_range, scale_images
from gfla_tf.pose.heatmaps import pose_heatmaps

Batch = dict[str, tf.Tensor]

_IMAGES = ("source_image", "target_image")


def take_batch(data: Any) -> Batch:
    """Unpacks the argument of a `train_step` or `test_step` and scales uint8 images to [-1, 1].

    Args:
      data: a dict with at least `source_image` and `target_image`, [B, H, W, 3], each either uint8 in
        0..255 or float in [-1, 1]; or a tuple whose first element is such a dict.

    Returns:
      The dict, with float images.

    Raises:
      ValueError: `data` is not a dict, an image is missing, or images are of another dtype or range.
      tf.errors.InvalidArgumentError: when a graph runs, images are of another range.
    """
    batch, _, _ = keras.utils.unpack_x_y_sample_weight(data)
    if not isinstance(batch, dict):
        raise ValueError(f"a training batch must be a dict of tensors, got {type(batch).__name__}")
    missing = [key for key in _IMAGES if key not in batch]
    if missing:
        raise ValueError(f"a training batch needs {', '.join(missing)}; got only {', '.join(batch)}")
    return {**batch, **{key: _checked_images(batch[key], key) for key in _IMAGES}}


def count_examples(batch: Batch) -> tf.Tensor:
    """Returns the number of examples in a batch, an int32 scalar; 0 if `without_empty` has padded it."""
    return batch.get("examples", tf.shape(batch["source_image"])[0])


def without_empty(batch: Batch) -> Batch:
    """Adds an example of zeros to an empty batch, which some kernels of TensorFlow cannot compute.

    At the end of a dataset, a replica may have no examples. `count_examples` remains 0.
    """
    examples = count_examples(batch)
    rows = 1 - tf.minimum(examples, 1)

    def pad(tensor):
        return tf.pad(tensor, [[0, rows], *([[0, 0]] * (tensor.shape.rank - 1))])

    return {**{name: pad(tf.convert_to_tensor(one)) for name, one in batch.items()}, "examples": examples}


def model_inputs(batch: Batch, heatmap_sigma: float) -> Batch:
    """Returns the inputs of the person image generator.

    Keypoints [B, 18, 2] (y, x) are rendered as pose maps [B, H, W, 18] on the training device.

    Args:
      batch: a dict with `source_image`, and for both poses either `source_pose` and `target_pose` or
        `source_keypoints` and `target_keypoints`.
      heatmap_sigma: standard deviation of the pose maps, in pixels.

    Raises:
      ValueError: the batch has neither pose maps nor keypoints.
    """
    source_image = _checked_images(batch["source_image"], "source_image")
    static = source_image.shape[1:3]
    size = static if static.is_fully_defined() else tf.shape(source_image)[1:3]
    poses = {}
    for which in ("source", "target"):
        if f"{which}_pose" in batch:
            poses[f"{which}_pose"] = batch[f"{which}_pose"]
        elif f"{which}_keypoints" in batch:
            poses[f"{which}_pose"] = pose_heatmaps(batch[f"{which}_keypoints"], size, heatmap_sigma)
        else:
            raise ValueError(
                f"a training batch needs {which}_pose or {which}_keypoints; got only {', '.join(batch)}"
            )
    return {"source_image": source_image, **poses}


def correctness_weight(batch: Batch, background: float) -> tf.Tensor | None:
    """Returns the weight of each pixel in the sampling correctness loss.

    Args:
      batch: a dict with `target_parts`, integers [B, H, W], unless `background` is 1.
      background: weight of the pixels outside the target person.

    Returns:
      float [B, H, W, 1]: 1 on the target person, dilated by 2 pixels, and `background` elsewhere. None if
      `background` is 1.

    Raises:
      ValueError: `background` is not 1 and the batch has no `target_parts`.
    """
    if background == 1:
        return None
    if "target_parts" not in batch:
        raise ValueError("background != 1 needs target_parts in each batch; only SyntheticPeople has them")
    person = tf.cast(batch["target_parts"] > 0, tf.float32)[..., None]  # [B, H, W, 1]
    person = tf.nn.max_pool2d(person, 5, 1, "SAME")
    return background + (1.0 - background) * person


def _checked_images(images: tf.Tensor, name: str) -> tf.Tensor:
    """Scales images; floats are also checked in a graph, except by XLA."""
    images = tf.convert_to_tensor(images)
    if images.dtype.is_floating and not tf.executing_eagerly():
        check_range(images, name, -1.0, 1.0, "uint8 in [0, 255]")
    return scale_images(images, name)
