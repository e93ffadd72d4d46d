"""The order of pairs as a function of the position, and the positions of batches."""

import itertools
import time

import numpy as np
import pytest

from gfla_tf.batching.order import GROUP, PairOrder, shuffled, shuffled_in_groups
from gfla_tf.batching.positions import batch_positions
from gfla_tf.errors import InputError


def values(dataset):
    return [batch.tolist() for batch in dataset.as_numpy_iterator()]


@pytest.mark.parametrize("order", [shuffled(103, 5), shuffled_in_groups(103, 3, 5)])
def test_an_epoch_is_a_permutation_of_all_pairs(order):
    epochs = [order.pairs(np.arange(103) + 103 * epoch) for epoch in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(103))
    assert not np.array_equal(epochs[0], epochs[1])
    backwards = [order.pairs(np.array([position]))[0] for position in range(308, -1, -1)]
    assert backwards[::-1] == np.concatenate(epochs).tolist()
    across = order.pairs(np.arange(100, 330))  # more than two epochs
    assert across[:209].tolist() == np.concatenate(epochs)[100:].tolist()


def test_the_orders_that_earlier_versions_drew():
    epoch = shuffled(50, 7).pairs(np.arange(50, 100))
    np.testing.assert_array_equal(epoch, np.random.default_rng([7, 1]).permutation(50))
    rng = np.random.default_rng([7, 0])
    people = rng.permutation(20)
    first = (people[:GROUP, None] * 2 + np.arange(2)).ravel()[rng.permutation(2 * GROUP)]
    last = (people[GROUP:, None] * 2 + np.arange(2)).ravel()[rng.permutation(2 * (20 - GROUP))]
    np.testing.assert_array_equal(
        shuffled_in_groups(40, 2, 7).pairs(np.arange(40)), np.concatenate([first, last])
    )


def test_groups_contain_whole_units():
    order = shuffled_in_groups(1000, 10, 0)
    for epoch in range(2):
        first = order.pairs(epoch * 1000 + np.arange(10 * GROUP))
        units = set((first // 10).tolist())
        assert len(units) == GROUP
        assert sorted(first) == sorted(10 * unit + row for unit in units for row in range(10))


def test_without_shuffling_epochs_are_the_same():
    assert PairOrder(4).pairs(np.arange(2, 10)).tolist() == [2, 3, 0, 1, 2, 3, 0, 1]


def test_repeated_batches_are_full_and_start_anywhere():
    dataset = batch_positions(10, 4, repeat=True)
    assert dataset.element_spec.shape == (4,)
    assert int(dataset.cardinality()) == -1
    assert values(dataset.take(3)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert values(batch_positions(10, 4, repeat=True, start=2).take(1)) == [[8, 9, 10, 11]]
    far = 10**13
    assert values(batch_positions(10, 4, repeat=True, start=far).take(1)) == [[4 * far + n for n in range(4)]]


def test_the_start_takes_no_time():
    def seconds(start):
        began = time.process_time()
        next(iter(batch_positions(10, 4, repeat=True, start=start)))
        return time.process_time() - began

    seconds(0)
    near = min(seconds(0) for _ in range(3))
    assert min(seconds(10**12) for _ in range(3)) < 10 * near


def test_without_repeat_an_iteration_is_an_epoch():
    dataset = batch_positions(10, 4)
    assert int(dataset.cardinality()) == 3
    assert values(dataset) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert values(dataset) == [[10, 11, 12, 13], [14, 15, 16, 17], [18, 19]]
    assert values(batch_positions(10, 4, start=2)) == [[8, 9]]
    assert values(batch_positions(10, 4, start=9)) == []


@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize("shards", [2, 3, 5])
def test_the_shards_of_a_batch_are_the_batch(repeat, shards):
    options = {"repeat": repeat, "start": 1}
    whole = values(batch_positions(10, 4, **options).take(4))
    parts = [
        values(batch_positions(10, 4, shard=(index, shards), **options).take(4)) for index in range(shards)
    ]
    assert [[*itertools.chain(*rows)] for rows in zip(*parts, strict=True)] == whole
    lengths = [len(part[0]) for part in parts]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("seed", [-1, 2**63, 0.5])
def test_invalid_seeds(seed):
    for order in (lambda: shuffled(4, seed), lambda: shuffled_in_groups(4, 2, seed)):
        with pytest.raises(InputError, match="seed must be an integer from 0 to 9223372036854775807, got"):
            order()


def test_invalid_arguments():
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        batch_positions(10, 0)
    with pytest.raises(ValueError, match="start must be at least 0, got -1"):
        batch_positions(10, 4, start=-1)
    for shard in ((2, 2), (-1, 2), (0, 0)):
        with pytest.raises(ValueError, match="0 <= index < shards, got"):
            batch_positions(10, 4, shard=shard)
    with pytest.raises(ValueError, match="a split without pairs cannot be repeated"):
        batch_positions(0, 4, repeat=True)
