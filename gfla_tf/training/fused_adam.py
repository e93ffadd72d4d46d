"""Adam with one TensorFlow operator per variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from gfla_tf import _compat


@keras.saving.register_keras_serializable(package="gfla_tf")
class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam; each variable is updated by a single operator, `ResourceApplyAdam`.

    The arguments and the variables are those of `keras.optimizers.Adam`, whose update of one variable has
    more than thirty operators. The step of a trainer with hundreds of variables is therefore traced and
    optimized in less time. `beta_1` and `beta_2` are rounded to the dtype of the variable, which changes an
    update by up to 1e-5 of its size: 1 - 0.999 is 0.00099998713 in float32. Variables in half precision and
    sparse gradients are updated as in Keras, and so is everything with `amsgrad=True`.

    Example:

    ```python
    import tensorflow as tf

    from gfla_tf.training import FusedAdam

    variable = tf.Variable([1.0, 2.0])
    optimizer = FusedAdam(learning_rate=0.1)
    optimizer.apply_gradients([(tf.constant([0.5, -0.5]), variable)])
    print(variable.numpy().round(3))  # [0.9 2.1]
    ```
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._scalars = _Scalars()

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Updates the variables, as the method of Keras 3; Keras 2 has only `apply_gradients`."""
        self._scalars.clear()
        super().apply(grads, trainable_variables)
        self._scalars.clear()

    def apply_gradients(self, grads_and_vars: Any, *args: Any, **kwargs: Any) -> Any:
        """Updates the variables; see Keras."""
        self._scalars.clear()
        iterations = super().apply_gradients(grads_and_vars, *args, **kwargs)
        self._scalars.clear()
        return iterations

    def update_step(self, gradient: Any, variable: Any, *learning_rate: Any) -> None:
        """Updates one variable; Keras 3 also passes the learning rate."""
        dtype = tf.as_dtype(variable.dtype)
        if self.amsgrad or isinstance(gradient, tf.IndexedSlices) or dtype.size < 4:
            super().update_step(gradient, variable, *learning_rate)
            return
        scalars = self._scalars.get(dtype, lambda: self._scalars_of(dtype, *learning_rate))
        index = _compat.optimizer_index(self, variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=_compat.tf_variable(self._momentums[index]).handle,
            v=_compat.tf_variable(self._velocities[index]).handle,
            grad=tf.cast(gradient, dtype),
            **scalars._asdict(),
        )

    def _scalars_of(self, dtype: tf.DType, learning_rate: Any = None) -> UpdateScalars:
        beta1, beta2 = (tf.cast(beta, dtype) for beta in (self.beta_1, self.beta_2))
        step = tf.cast(self.iterations + 1, dtype)
        return UpdateScalars(
            beta1_power=beta1**step,
            beta2_power=beta2**step,
            lr=tf.cast(self.learning_rate if learning_rate is None else learning_rate, dtype),
            beta1=beta1,
            beta2=beta2,
            epsilon=tf.cast(self.epsilon, dtype),
        )


class UpdateScalars(NamedTuple):
    """The scalar inputs of `ResourceApplyAdam`, which are the same for all variables."""

    beta1_power: tf.Tensor
    beta2_power: tf.Tensor
    lr: tf.Tensor
    beta1: tf.Tensor
    beta2: tf.Tensor
    epsilon: tf.Tensor


class _Scalars:
    """The `UpdateScalars` of one update, by graph and dtype.

    A branch of a condition and a function inside the update have graphs of their own.
    """

    def __init__(self):
        self._of = {}

    def clear(self):
        """Forgets the scalars: the next update has another step."""
        self._of.clear()

    def get(self, dtype: tf.DType, compute: Callable[[], UpdateScalars]) -> UpdateScalars:
        """Returns the scalars of the current graph, computed if they are new."""
        key = tf.compat.v1.get_default_graph(), dtype
        if key not in self._of:
            self._of[key] = compute()
        return self._of[key]
