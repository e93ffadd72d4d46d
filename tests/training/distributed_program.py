"""A process of the tests of strategies: trains both stages for five steps, and writes what it computed.

The arguments are the strategy, the batch of SyntheticPeople (an `.npz` file), and the `.npz` file to write.
With `mirrored`, the process has two logical devices.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.config import Config
from gfla_tf.training.distribution import open_distribution
from tests.training import small

ROWS = 4
UNEVEN = 3  # rows of the validation: one replica has 2 of them, the other 1
SINGLE = 1  # rows of which one replica has none
STEPS = 5
BACKGROUND = 0.3


RATE = 1e-3


def sgd():
    """An optimizer whose momentum is the sum of the gradients so far, times `-RATE`."""
    return keras.optimizers.SGD(RATE, momentum=1.0)


def trainers():
    """Makes the trainers of both stages, with weights that depend on the seed only."""
    keras.utils.set_random_seed(0)
    yield "stage1", small.flow_trainer(sgd(), run_eagerly=False, background=BACKGROUND)
    keras.utils.set_random_seed(0)
    yield "stage2", small.gfla_trainer(sgd(), sgd(), run_eagerly=False, background=BACKGROUND)


def rows(batch, distribution):
    """Returns this worker's rows of one batch, as a dataset of one element."""
    index, parts = distribution.shard or (0, 1)
    count = -(-len(batch["source_image"]) // parts)
    return tf.data.Dataset.from_tensors(
        {name: value[index * count : (index + 1) * count] for name, value in batch.items()}
    )


def results(distribution, batch):
    """Returns the weights, gradients and logs of both stages."""
    found = {}
    with distribution.scope():
        made = list(trainers())
    for stage, trainer in made:
        training = distribution.distribute(rows(batch, distribution).repeat(), ROWS)
        uneven = {name: value[:UNEVEN] for name, value in batch.items()}
        validation = distribution.distribute(rows(uneven, distribution), ROWS)
        logs = trainer.fit(
            training,
            steps_per_epoch=STEPS,
            validation_data=validation,
            validation_steps=1,
            shuffle=False,
            verbose=0,
        ).history
        single = {name: value[:SINGLE] for name, value in batch.items() if name != "flow"}
        single = distribution.distribute(rows(single, distribution), ROWS)
        alone = trainer.evaluate(single, steps=1, return_dict=True, verbose=0)
        logs |= {f"single_{name}": [value] for name, value in alone.items()}
        found |= {f"{stage}/logs/{name}": np.array(value) for name, value in logs.items()}
        for i, value in enumerate(small.values(trainer.checkpoint_networks())):
            found[f"{stage}/weights/{i}"] = value
        for optimizer in trainer.checkpoint_optimizers():
            for value in small.values(_compat.optimizer_variables(optimizer)[2:]):
                found[f"{stage}/gradients/{len(found)}"] = value / RATE
        found[f"{stage}/spread"] = np.array(spread(distribution, trainer))
    return found


def spread(distribution, trainer):
    """Returns the largest difference between the copies of a variable on the devices of this process."""
    if distribution.strategy is None:
        return 0.0
    largest = 0.0
    for variable in map(_compat.tf_variable, trainer.checkpoint_networks()):
        copies = [np.array(one) for one in distribution.strategy.experimental_local_results(variable)]
        largest = max([largest, *(float(np.abs(copy - copies[0]).max()) for copy in copies if copy.size)])
    return largest


def refusals(distribution):
    """Returns the messages about trainers that cannot train under the strategy."""
    outside = small.generator().flow_field_estimator

    def made_outside():
        with distribution.scope():
            small.FlowTrainer(outside, small.features()).compile(sgd())

    def optimizer_outside():
        given = sgd()
        with distribution.scope():
            small.flow_trainer(given)

    def compiled():
        with distribution.scope():
            trainer = small.FlowTrainer(small.generator().flow_field_estimator, small.features())
            trainer.compile(sgd(), jit_compile=True)

    def fitted():
        trainer = small.flow_trainer(sgd())
        with distribution.scope():
            trainer.fit(small.pairs(), verbose=0)

    def indivisible():
        open_distribution(Config(strategy="mirrored", batch_size=5))

    calls = (made_outside, optimizer_outside, compiled, fitted, indivisible)
    return {f"refusal/{call.__name__}": np.array(message_of(call)) for call in calls}


def message_of(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def train_plain_model(distribution):
    """Trains a model that is not one of this project."""
    with distribution.scope():
        model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensors((tf.ones([2, 1]), tf.ones([2, 1]))).repeat()
    model.fit(distribution.strategy.distribute_datasets_from_function(lambda _: data), steps_per_epoch=1)


def main(strategy, source, target):
    if strategy == "mirrored":
        devices = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    distribution = open_distribution(Config(strategy=strategy))
    with np.load(source) as file:
        batch = dict(file)
    found = results(distribution, batch)
    if strategy == "mirrored":
        found |= refusals(distribution)
    else:
        found["plain"] = np.array(message_of(lambda: train_plain_model(distribution)))
    distribution.close()
    np.savez(target, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
