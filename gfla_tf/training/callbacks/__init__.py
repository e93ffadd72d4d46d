"""Callbacks of a training stage; they also work with `fit` of the trainers outside of a run folder."""

from gfla_tf.training.callbacks.best_model import BestModel
from gfla_tf.training.callbacks.checkpoint import Checkpoint
from gfla_tf.training.callbacks.early_stop import EarlyStop
from gfla_tf.training.callbacks.freeze_flow import FreezeFlow
from gfla_tf.training.callbacks.guard import FiniteGuard
from gfla_tf.training.callbacks.moving_average import ExponentialMovingAverage
from gfla_tf.training.callbacks.progress import Progress
from gfla_tf.training.callbacks.samples import SampleGrid
from gfla_tf.training.callbacks.signals import StopOnSignal
from gfla_tf.training.callbacks.stall import StallGuard
from gfla_tf.training.callbacks.tensorboard import TensorBoardLog

__all__ = [
    "BestModel",
    "Checkpoint",
    "EarlyStop",
    "ExponentialMovingAverage",
    "FiniteGuard",
    "FreezeFlow",
    "Progress",
    "SampleGrid",
    "StallGuard",
    "StopOnSignal",
    "TensorBoardLog",
]
