"""Weights for a detector's backbone from CIFAR-10, on two CPU cores in about an hour.

    effspine train --recipe cifar10_pretrain --preset m0 --data cifar10 --out runs/m0-cifar10

`cifar10` is a folder of `train.tfrecord`, `test.tfrecord` and `classes.txt`; any other data for
classification with these two parts will do. The model is the preset as a detector has it, so that
the backbone of `best.keras` is one's to take over:

    keras_effspine.load_model("runs/m0-cifar10/best.keras").backbone
"""

from keras_effspine.stream.augmentation import CommonAugmentation
from keras_effspine.tasks.classification import ClassificationOptions
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.recipe import Data, Recipe

RECIPE = Recipe(
    task="classification",
    preset="m0",
    data=Data(data="cifar10", val_split="test"),
    image_size=128,
    batch_size=64,
    epochs=6,
    evaluations=3,
    options=ClassificationOptions(classifier_backbone="detection", label_smoothing=0.1),
    optimization=Optimization(
        optimizer="adamw", learning_rate=3e-3, warmup=0.05, weight_decay=0.05, clip_norm=1.0
    ),
    augmentation=CommonAugmentation(scale_jitter=(0.8, 1.3), photometric=0.2),
    batch_norm_momentum=0.97,
)
