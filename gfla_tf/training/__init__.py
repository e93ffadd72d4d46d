"""The trainers of both training stages; `gfla_tf.training.run.train` runs one after the other."""

from gfla_tf.training.flow_trainer import FlowTrainer
from gfla_tf.training.fused_adam import FusedAdam
from gfla_tf.training.gfla_trainer import GFLATrainer

__all__ = ["FlowTrainer", "FusedAdam", "GFLATrainer"]
