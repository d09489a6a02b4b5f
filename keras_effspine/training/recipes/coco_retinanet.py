"""The paper's training of RetinaNet on COCO (arXiv:2010.11426, 5.1.1), for each of its models.

    effspine train --recipe coco_retinanet --preset d0 --data tfds:coco/2017 --strategy tpu \\
        --precision bfloat16 --out runs/d0

650 epochs of batches of 256 on a TPU. Table 5's other schedules are `--epochs 72`, 200, 350 and
500. Warm-up and losses, which the paper leaves open, are those of the public detection code; so is
bfloat16 there. Nothing here has been trained on COCO, or on a TPU: published AP are in the README.
"""

from keras_effspine.stream.augmentation import CommonAugmentation
from keras_effspine.tasks.detection import DetectionOptions
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.recipe import Data, Recipe

RECIPE = Recipe(
    preset="d0",
    data=Data(data="tfds:coco/2017"),
    batch_size=256,
    epochs=650,
    evaluations=65,
    optimization=Optimization(
        optimizer="sgd",
        momentum=0.9,
        nesterov=False,
        learning_rate=0.28,
        learning_rate_batch=256,
        warmup=2000,
        warmup_start=0.0067,
        schedule="step",
        drops=((30, 0.1), (10, 0.01)),
        weight_decay=4e-5,
        decay="l2",
        clip_norm=None,
    ),
    augmentation=CommonAugmentation(scale_jitter=(0.1, 2.0)),
    batch_norm_momentum=0.99,
    backbone={
        "activation": "swish",
        "squeeze_excitation_ratio": 0.2,
        "stochastic_depth_rate": 0.2,
    },
    options=DetectionOptions(losses="paper"),
)
