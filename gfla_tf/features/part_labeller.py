"""The training of `PartFeatures`: the model that predicts part labels, its data augmentation and `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from gfla_tf.features.network import FeatureNetwork, block_of
from gfla_tf.images.scaling import scale_images

EPOCH = 50  # steps per epoch
SUPERVISED = ("relu2_3", "relu3_3", "relu4_1")  # the layers of the sampling correctness loss
BACKGROUND_WEIGHT = 0.15  # weight of a background cell, relative to a cell of the person region


def build(features: FeatureNetwork, seed: int) -> keras.Model:
    """Builds a trainable model with the layers of a `FeatureNetwork` and part logits for `SUPERVISED` layers.

    Args:
      features: a network with the attribute `num_parts`.
      seed: seed of the weights.

    Returns:
      A model whose convolutions have the names of the layers. Its outputs are the logits
      [B, h, w, num_parts] of each layer in `SUPERVISED`, at the layer's resolution.
    """
    hidden = inputs = keras.Input([None, None, 3], dtype="float32")
    outputs, block = {}, 1
    for i, name in enumerate(features.layer_names):
        if block_of(name) != block:
            block = block_of(name)
            hidden = keras.layers.MaxPooling2D(2, data_format="channels_last", dtype="float32")(hidden)
        hidden = keras.layers.Conv2D(
            features.kernels[name].shape[-1],
            3,
            dilation_rate=features.dilations[name],
            padding="same",
            data_format="channels_last",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(seed=seed * 100 + i),
            name=name,
            dtype="float32",
        )(hidden)
        if name in SUPERVISED:
            outputs[name] = keras.layers.Conv2D(
                features.num_parts,
                1,
                data_format="channels_last",
                kernel_initializer=keras.initializers.GlorotUniform(seed=seed * 100 + 50 + i),
                name=f"{name}_head",
                dtype="float32",
            )(hidden)
    return keras.Model(inputs, [outputs[name] for name in SUPERVISED])


def give_weights(
    labeller: keras.Model, kernels: Mapping[str, tf.Variable], biases: Mapping[str, tf.Variable]
) -> None:
    """Copies the variables {layer name: variable} to the convolutions of the labeller."""
    for name, kernel in kernels.items():
        labeller.get_layer(name).set_weights([np.array(kernel), np.array(biases[name])])


def check(images: np.ndarray, parts: np.ndarray, num_parts: int) -> None:
    """Raises a ValueError if the shapes, dtypes or values of images and labels are invalid."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"images must be uint8 [N, H, W, 3], got {images.dtype} {images.shape}")
    if not np.issubdtype(parts.dtype, np.integer) or parts.shape != images.shape[:3]:
        raise ValueError(f"parts must be integers {images.shape[:3]}, got {parts.dtype} {parts.shape}")
    if not images.size or images.shape[1] % 8 or images.shape[2] % 8:
        raise ValueError(f"images must not be empty, and H and W must be multiples of 8, got {images.shape}")
    if parts.min() < 0 or parts.max() >= num_parts:
        raise ValueError(f"part labels must be in 0 .. {num_parts - 1}, got {parts.min()} .. {parts.max()}")


def fit(
    labeller: keras.Model,
    images: np.ndarray,
    parts: np.ndarray,
    *,
    num_parts: int,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback],
    verbose: int,
) -> dict[str, float]:
    """Trains a labeler; see `PartFeatures.fit_parts`. Returns the metrics of the last epoch."""
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    labeller.compile(
        keras.optimizers.Adam(rate),
        loss=[label_loss for _ in SUPERVISED],
        metrics=[[label_accuracy] for _ in SUPERVISED],
    )
    history = labeller.fit(
        training_batches(images, parts, num_parts, batch_size, seed),
        epochs=max(1, round(steps / EPOCH)),
        steps_per_epoch=min(steps, EPOCH),
        shuffle=False,
        callbacks=list(callbacks),
        verbose=verbose,
    )
    return _metrics({name: values[-1] for name, values in history.history.items()})


def evaluate(
    labeller: keras.Model, images: np.ndarray, parts: np.ndarray, num_parts: int, batch_size: int
) -> dict[str, float]:
    """Computes the metrics of a trained labeler, without augmentation."""
    batches = (
        tf.data.Dataset.from_tensor_slices((images, parts))
        .batch(batch_size)
        .map(lambda image, part: (scale_images(image), part_shares(part, num_parts)))
    )
    return _metrics(labeller.evaluate(batches, verbose=0, return_dict=True))


def label_loss(shares: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Computes the cross entropy [..., P] -> scalar, in which the background has `BACKGROUND_WEIGHT`."""
    weight = 1.0 - (1.0 - BACKGROUND_WEIGHT) * shares[..., 0]
    return tf.reduce_sum(weight * tf.nn.softmax_cross_entropy_with_logits(shares, logits)) / tf.reduce_sum(
        weight
    )


def label_accuracy(shares: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Computes the accuracy of the most frequent label per cell, over the cells of the person region."""
    person = tf.cast(shares[..., 0] < 0.5, tf.float32)
    correct = tf.cast(tf.argmax(shares, -1) == tf.argmax(logits, -1), tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(person * correct), tf.reduce_sum(person))


def _metrics(logs):
    """The total loss and the accuracy of each layer, with names independent of the Keras version."""
    metrics = {"loss": float(logs["loss"])}
    for name in SUPERVISED:
        metrics[f"{name}_accuracy"] = float(logs[f"{name}_head_label_accuracy"])
    return metrics


def training_batches(
    images: np.ndarray, parts: np.ndarray, num_parts: int, batch_size: int, seed: int
) -> tf.data.Dataset:
    """Returns an infinite, shuffled and augmented dataset of (images in [-1, 1], part shares per layer)."""
    images, parts = tf.convert_to_tensor(images), tf.convert_to_tensor(parts)

    def load(step, rows):
        batch = augment(scale_images(tf.gather(images, rows)), tf.stack([tf.cast(seed, tf.int64), step]))
        return batch, part_shares(tf.gather(parts, rows), num_parts)

    rows = tf.data.Dataset.range(len(images)).shuffle(len(images), seed=seed).repeat().batch(batch_size)
    return rows.enumerate().map(load, num_parallel_calls=2).prefetch(2)


def part_shares(parts: tf.Tensor, num_parts: int) -> tuple[tf.Tensor, ...]:
    """Computes the share of each part in each cell, at the resolution of each supervised layer.

    Args:
      parts: integers [B, H, W].
      num_parts: number of parts.

    Returns:
      One [B, h, w, num_parts] per layer in `SUPERVISED`, with sum 1 over the parts.
    """
    shares = tf.one_hot(tf.cast(parts, tf.int32), num_parts)  # [B, H, W, P]
    sizes = [2 ** (block_of(name) - 1) for name in SUPERVISED]
    return tuple(tf.nn.avg_pool2d(shares, size, size, "VALID") for size in sizes)


def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes images in [-1, 1] at random: contrast, tint, a linear light gradient, and sensor noise."""
    batch = tf.shape(images)[0]
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    seeds = tf.random.experimental.stateless_split(seed, 5)

    def uniform(i, shape, low, high):
        return tf.random.stateless_uniform([batch, *shape], seeds[i], low, high)

    unit = (images + 1.0) / 2.0
    unit = tf.pow(unit, tf.exp(uniform(0, [1, 1, 1], -0.35, 0.35)))
    tint = tf.exp(uniform(1, [1, 1, 3], -0.2, 0.2) + uniform(2, [1, 1, 1], -0.3, 0.3))
    slope = uniform(3, [1, 1, 2], -0.35, 0.35)
    y = tf.linspace(-1.0, 1.0, height)[None, :, None, None]
    x = tf.linspace(-1.0, 1.0, width)[None, None, :, None]
    light = tf.exp(slope[..., :1] * x + slope[..., 1:] * y)
    noise = tf.random.stateless_normal(tf.shape(images), seeds[4], stddev=0.015)
    return tf.clip_by_value(unit * tint * light + noise, 0.0, 1.0) * 2.0 - 1.0
