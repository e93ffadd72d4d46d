"""What the trainers read from a batch, whether its keypoints come as coordinates or as maps."""

import keras
import tensorflow as tf

from gfla_tf.images.scaling import scale_images
from gfla_tf.pose.heatmaps import pose_heatmaps


def take_batch(data):
    """The batch in what `fit`, `evaluate`, `train_on_batch` or `test_on_batch` hand to a step.

    Images that a batch gives as uint8 are scaled to [-1, 1] here, on the training device.

    Raises:
      ValueError: no dict, or one without images.
    """
    batch, _, _ = keras.utils.unpack_x_y_sample_weight(data)
    if not isinstance(batch, dict):
        raise ValueError(f"a training batch is a dict of tensors, got {type(batch).__name__}")
    images = ("source_image", "target_image")
    missing = [key for key in images if key not in batch]
    if missing:
        raise ValueError(f"a training batch needs {', '.join(missing)}; this one has {', '.join(batch)}")
    return {**batch, **{key: scale_images(tf.convert_to_tensor(batch[key])) for key in images}}


def model_inputs(batch, heatmap_sigma):
    """The three inputs of the person image generator.

    Poses that a batch gives as keypoints [B, 18, 2] (y, x) become maps here, on the training device.

    Raises:
      ValueError: a batch with neither pose maps nor keypoints.
    """
    static = batch["source_image"].shape[1:3]
    size = static if static.is_fully_defined() else tf.shape(batch["source_image"])[1:3]
    poses = {}
    for which in ("source", "target"):
        if f"{which}_pose" in batch:
            poses[f"{which}_pose"] = batch[f"{which}_pose"]
        elif f"{which}_keypoints" in batch:
            poses[f"{which}_pose"] = pose_heatmaps(batch[f"{which}_keypoints"], size, heatmap_sigma)
        else:
            raise ValueError(
                f"a training batch needs {which}_pose or {which}_keypoints; this one has {', '.join(batch)}"
            )
    return {"source_image": batch["source_image"], **poses}


def figure_weight(batch, background):
    """Weights [B, H, W, 1]: 1 on the (dilated) target figure, `background` elsewhere; None if that is 1.

    Raises:
      ValueError: `background` is not 1 and the batch has no part labels to find the figure by.
    """
    if background == 1:
        return None
    if "target_parts" not in batch:
        raise ValueError("background != 1 needs target_parts in every batch, which only SyntheticPeople has")
    figure = tf.cast(batch["target_parts"] > 0, tf.float32)[..., None]
    figure = tf.nn.max_pool2d(figure, 5, 1, "SAME")
    return background + (1.0 - background) * figure
