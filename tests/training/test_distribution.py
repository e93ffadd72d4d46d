"""Strategies: what a configuration opens in this process, and what it refuses."""

import pytest

from gfla_tf.config import Config
from gfla_tf.errors import InputError
from gfla_tf.training.distribution import Distribution, open_distribution
from tests.training import small


def test_without_a_strategy_nothing_is_distributed():
    distribution = open_distribution(Config())
    assert (distribution.workers, distribution.replicas, distribution.shard) == (1, 1, None)
    assert distribution.is_chief
    batches = small.pairs()
    assert distribution.distribute(batches, 2) is batches
    distribution.check_same("anything", 1)


@pytest.mark.parametrize("strategy", ["mirrored", "multiworker"])
def test_jit_compile_under_a_strategy_is_refused(strategy):
    with pytest.raises(InputError, match=f"jit_compile=true and strategy={strategy} exclude each other"):
        open_distribution(Config(strategy=strategy, jit_compile=True))


def test_multiworker_needs_a_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(InputError, match="strategy=multiworker needs the environment variable TF_CONFIG"):
        open_distribution(Config(strategy="multiworker"))


def test_a_mirrored_batch_is_divided_by_replicas_and_parts():
    assert isinstance(
        open_distribution(Config(strategy="mirrored", batch_size=6, accumulation=3)), Distribution
    )
    with pytest.raises(InputError, match="batch_size=8 must be divisible by 1 replica times accumulation=3"):
        open_distribution(Config(strategy="mirrored", batch_size=8, accumulation=3))
