"""The adversarial loss (paper, Eq. 12), by default in least-squares form as in the released program."""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.losses import _reduce
from gfla_tf.ops.checks import TensorLike

MODES = ("lsgan", "vanilla", "hinge")


def adversarial(logits: TensorLike, is_real: bool, for_discriminator: bool, mode: str = "lsgan") -> tf.Tensor:
    """Computes one term of the adversarial loss, averaged over all logits.

    With t = 1 and s = +1 if `is_real`, otherwise t = 0 and s = -1:

        lsgan    mean (logits - t)^2                        (Mao et al.)
        vanilla  mean softplus(-s * logits)                 (Eq. 12)
        hinge    mean max(0, 1 - s * logits) for D;  -mean logits for G

    The loss of the discriminator D is half the sum of the term of real images with `is_real=True` and the
    term of generated images with `is_real=False`. The loss of the generator G is the term of generated images
    with `is_real=True`.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf import losses

    real, fake = tf.random.normal([2, 4, 8, 8, 1])
    loss_d = 0.5 * (losses.adversarial(real, True, True) + losses.adversarial(fake, False, True))
    loss_g = losses.adversarial(fake, is_real=True, for_discriminator=False)
    ```

    Args:
      logits: output of D, float, any shape, usually [B, h, w, 1].
      is_real: the target label.
      for_discriminator: True for the loss of D, False for that of G.
      mode: "lsgan", "vanilla" or "hinge".

    Returns:
      A scalar, 0 if `logits` is empty.

    Raises:
      ValueError: an unknown mode, or mode "hinge" for the generator with `is_real=False`.
    """
    logits = _reduce.as_float(logits, "logits")
    sign = 1.0 if is_real else -1.0
    if mode == "lsgan":
        return _reduce.mean(tf.square(logits - (1.0 if is_real else 0.0)))
    if mode == "vanilla":
        return _reduce.mean(tf.nn.softplus(-sign * logits))
    if mode == "hinge":
        if for_discriminator:
            return _reduce.mean(tf.nn.relu(1.0 - sign * logits))
        if not is_real:
            raise ValueError("a generator's hinge loss must have is_real=True, got is_real=False")
        return -_reduce.mean(logits)
    raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
