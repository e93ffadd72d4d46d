"""How `PartFeatures` learns: a throw-away labeller, its augmentation, and one `fit`."""

import keras
import numpy as np
import tensorflow as tf

from gfla_tf.features.network import block_of

EPOCH = 50  # steps between two reports
SUPERVISED = ("relu2_3", "relu3_3", "relu4_1")  # what the sampling correctness loss reads
BACKGROUND_WEIGHT = 0.15  # of a cell without a person, most of a picture; a cell of a person has 1


def build(features, seed):
    """A trainable network of a `FeatureNetwork`'s layers, with a head of part logits at each supervised one.

    Its convolutions carry the layers' names; He-normal weights of the seed. Outputs: logits
    [B, h, w, num_parts] of each of `SUPERVISED`, at its own resolution.
    """
    hidden = inputs = keras.Input([None, None, 3], dtype="float32")
    outputs, block = {}, 1
    for i, name in enumerate(features.layer_names):
        if block_of(name) != block:
            block = block_of(name)
            hidden = keras.layers.MaxPooling2D(2, dtype="float32")(hidden)
        hidden = keras.layers.Conv2D(
            features.kernels[name].shape[-1],
            3,
            dilation_rate=features.dilations[name],
            padding="same",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(seed=seed * 100 + i),
            name=name,
            dtype="float32",
        )(hidden)
        if name in SUPERVISED:
            outputs[name] = keras.layers.Conv2D(
                features.num_parts,
                1,
                kernel_initializer=keras.initializers.GlorotUniform(seed=seed * 100 + 50 + i),
                name=f"{name}_head",
                dtype="float32",
            )(hidden)
    return keras.Model(inputs, [outputs[name] for name in SUPERVISED])


def give_weights(labeller, kernels, biases):
    """Copies {layer name: variable} into the labeller's convolutions."""
    for name, kernel in kernels.items():
        labeller.get_layer(name).set_weights([np.array(kernel), np.array(biases[name])])


def check(images, parts, num_parts):
    """Raises ValueError unless images and labels fit each other and the network."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"images must be uint8 [N, H, W, 3], got {images.dtype} {images.shape}")
    if not np.issubdtype(parts.dtype, np.integer) or parts.shape != images.shape[:3]:
        raise ValueError(f"parts must be integers {images.shape[:3]}, got {parts.dtype} {parts.shape}")
    if not images.size or images.shape[1] % 8 or images.shape[2] % 8:
        raise ValueError(f"images must be some, of sizes that 8 divides, got {images.shape}")
    if parts.min() < 0 or parts.max() >= num_parts:
        raise ValueError(f"part labels must be in 0 .. {num_parts - 1}, got {parts.min()} .. {parts.max()}")


def fit(
    labeller,
    images,
    parts,
    *,
    num_parts,
    steps,
    batch_size,
    learning_rate,
    seed,
    callbacks,
    verbose,
):
    """Trains a labeller; the figures of its last epoch, of `EPOCH` steps or all there are."""
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
    return _figures({name: values[-1] for name, values in history.history.items()})


def evaluate(labeller, images, parts, num_parts, batch_size):
    """The figures of a trained labeller on other images, without augmentation."""
    batches = (
        tf.data.Dataset.from_tensor_slices((images, parts))
        .batch(batch_size)
        .map(lambda image, part: (_signed(image), part_shares(part, num_parts)))
    )
    return _figures(labeller.evaluate(batches, verbose=0, return_dict=True))


def label_loss(shares, logits):
    """Cross entropy [..., P] -> scalar, the background counting `BACKGROUND_WEIGHT`."""
    weight = 1.0 - (1.0 - BACKGROUND_WEIGHT) * shares[..., 0]
    return tf.reduce_sum(weight * tf.nn.softmax_cross_entropy_with_logits(shares, logits)) / tf.reduce_sum(
        weight
    )


def label_accuracy(shares, logits):
    """Share of the cells whose likeliest label is their largest part, cells of a person only (mostly so)."""
    figure = tf.cast(shares[..., 0] < 0.5, tf.float32)
    right = tf.cast(tf.argmax(shares, -1) == tf.argmax(logits, -1), tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(figure * right), tf.reduce_sum(figure))


def _figures(logs):
    """The total loss and each layer's accuracy, by names that do not depend on Keras's version."""
    figures = {"loss": float(logs["loss"])}
    for name in SUPERVISED:
        figures[f"{name}_accuracy"] = float(logs[f"{name}_head_label_accuracy"])
    return figures


def training_batches(images, parts, num_parts, batch_size, seed):
    """Endless (images in [-1, 1], part shares of each supervised layer), shuffled and augmented by a seed."""
    images, parts = tf.convert_to_tensor(images), tf.convert_to_tensor(parts)

    def load(step, rows):
        batch = augment(_signed(tf.gather(images, rows)), tf.stack([tf.cast(seed, tf.int64), step]))
        return batch, part_shares(tf.gather(parts, rows), num_parts)

    rows = tf.data.Dataset.range(len(images)).shuffle(len(images), seed=seed).repeat().batch(batch_size)
    return rows.enumerate().map(load, num_parallel_calls=2).prefetch(2)


def part_shares(parts, num_parts):
    """What share of each cell every part has, at each supervised layer's resolution.

    parts [B, H, W] -> tuple of [B, h, w, num_parts], summing to 1.
    """
    shares = tf.one_hot(tf.cast(parts, tf.int32), num_parts)  # [B, H, W, P]
    sizes = [2 ** (block_of(name) - 1) for name in SUPERVISED]
    return tuple(tf.nn.avg_pool2d(shares, size, size, "VALID") for size in sizes)


def augment(images, seed):
    """Another light on images in [-1, 1]: contrast, tint, a gradient across the image, and sensor noise."""
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


def _signed(images):
    return tf.cast(images, tf.float32) / 127.5 - 1.0
