"""Steps at the start of stage 2 in which F does not change."""

import keras

from gfla_tf import arguments
from gfla_tf.training.callbacks.logs import Logs

_MAX_STEPS = 10**9
_FLOW = "flow_optimizer"


class FreezeFlow(keras.callbacks.Callback):
    """Does not update F in the first steps of a `GFLATrainer` with a flow optimizer.

    D and G are trained from the first step. The number of steps is that of the trainer (`steps_done`), so
    that a resumed training continues. While F is frozen, its optimizer counts no steps, and its learning rate
    schedule starts afterwards. With `steps_per_execution` = n, the number is rounded up to a multiple of n.

    Args:
      steps: number of steps.

    Raises:
      ValueError: `steps` is not valid; at the start of `fit`, the trainer has no flow optimizer.

    Example:

    ```python
    import keras

    from gfla_tf.data import SyntheticPeople
    from gfla_tf.features import VGG19Features
    from gfla_tf.models import PersonImageGenerator, ResDiscriminator
    from gfla_tf.training import GFLATrainer
    from gfla_tf.training.callbacks import FreezeFlow

    people = SyntheticPeople((32, 32), identities={"train": 2})
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    discriminator = ResDiscriminator.from_preset("synthetic", load_weights=False)
    trainer = GFLATrainer(model, discriminator, VGG19Features("random", width_multiplier=1 / 16))
    d, f = keras.optimizers.Adam(1e-5), keras.optimizers.Adam(1e-4)
    trainer.compile("adam", d, flow_optimizer=f, run_eagerly=True)  # for a few steps only
    batches = people.as_dataset("train", batch_size=2, repeat=True)
    trainer.fit(batches, steps_per_epoch=1, callbacks=[FreezeFlow(500)], verbose=0)
    ```
    """

    def __init__(self, steps: int):
        super().__init__()
        self.steps = arguments.integer("steps", steps, 0, _MAX_STEPS)
        self._frozen = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if _FLOW not in self.model.optimizer_updates.by_name:
            raise ValueError(
                "FreezeFlow needs a trainer with a flow optimizer: give flow_optimizer to GFLATrainer.compile"
            )
        self._set(self._is_early())

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._frozen and not self._is_early():
            self._set(False)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._set(False)

    def _is_early(self) -> bool:
        return int(self.model.steps_done.numpy()) < self.steps

    def _set(self, frozen: bool) -> None:
        self._frozen = frozen
        self.model.update_of(_FLOW).enabled.assign(not frozen)
