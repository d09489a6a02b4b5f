"""Optimizers and learning rates that are right on any number of replicas."""

from keras_effspine.optimizers.loss_scale_optimizer import LossScaleOptimizer
from keras_effspine.optimizers.moving_averages import MovingAverages
from keras_effspine.optimizers.replica_safe import SGD, AdamW, RMSprop
from keras_effspine.optimizers.warmup_schedule import WarmupSchedule

__all__ = ["SGD", "AdamW", "LossScaleOptimizer", "MovingAverages", "RMSprop", "WarmupSchedule"]
