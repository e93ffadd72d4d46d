"""Training: one stage a file, and the run that puts the stages together."""

from gfla_tf.training.flow_trainer import FlowTrainer
from gfla_tf.training.gfla_trainer import GFLATrainer

__all__ = ["FlowTrainer", "GFLATrainer"]
