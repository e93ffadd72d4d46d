"""The adversarial loss (paper, Eq. 12; least squares by default, as the released program has it)."""

import tensorflow as tf

from gfla_tf.losses import _reduce

MODES = ("lsgan", "vanilla", "hinge")


def adversarial(logits, is_real, for_discriminator, mode="lsgan"):
    """One term of the adversarial game, averaged over all logits.

    With t = 1 for real and 0 for fake, s = +1 for real and -1 for fake:

        lsgan    mean (logits - t)^2                        (Mao et al.)
        vanilla  mean softplus(-s * logits)                 (the paper's log form)
        hinge    mean max(0, 1 - s * logits) for D;  -mean logits for G

    The discriminator's loss is half the sum of its term for real and its term for fake logits. The
    generator's is the term of its fakes with `is_real=True`: it wants them taken for real.

    Args:
      logits: float, any shape, usually [B, h, w, 1].
      is_real: what the loss wants the logits to say.
      for_discriminator: True for D's loss, False for G's.
      mode: "lsgan", "vanilla" or "hinge".

    Returns:
      A scalar; 0 for no logits.

    Raises:
      ValueError: an unknown mode, or a generator's hinge loss that aims for fake.
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
