"""ImageNet as EfficientNet is trained on it (arXiv:1905.11946), which the paper follows.

    effspine train --recipe imagenet_efficientnet --preset d0 --data tfds:imagenet2012 \\
        --strategy tpu --precision bfloat16 --out runs/d0-imagenet

The paper (5.2) says "the same training strategy used in EfficientNet", with inputs of 224, 240 and
256. From EfficientNet: RMSprop with momentum, 0.256 for batches of 4096 after five epochs of
warm-up, times 0.97 every 2.4 epochs, 350 epochs, weight decay 1e-5 as L2, dropout 0.2, stochastic
depth 0.2, label smoothing 0.1, moving averages of the weights with 0.9999. EfficientNet raises
dropout with size: `--set dropout_rate=0.3` for d2.

Not EfficientNet's: RandAugment (2 changes of magnitude 9) stands for AutoAugment's policy, which
was searched; crops keep the picture's aspect; pictures are measured whole, fitted into the input,
not cropped at their middle; RMSprop's average of squares starts at 0. Nothing here has been trained
on ImageNet; published: top-1 75.3 (D0), 77.7 (D1), 78.5 (D2).
"""

from keras_effspine.stream.augmentation import CommonAugmentation
from keras_effspine.tasks.classification import ClassificationOptions
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.recipe import Data, Recipe

RECIPE = Recipe(
    task="classification",
    preset="d0",
    data=Data(data="tfds:imagenet2012"),
    batch_size=4096,
    epochs=350,
    evaluations=35,
    options=ClassificationOptions(
        classifier_backbone="paper",
        label_smoothing=0.1,
        dropout_rate=0.2,
        rand_augment=(2, 9),
    ),
    backbone={"stochastic_depth_rate": 0.2},
    optimization=Optimization(
        optimizer="rmsprop",
        momentum=0.9,
        learning_rate=0.256,
        learning_rate_batch=4096,
        warmup=5 / 350,
        schedule="exponential",
        exponential=(0.97, 2.4),
        weight_decay=1e-5,
        decay="l2",
        clip_norm=None,
        ema=0.9999,
    ),
    augmentation=CommonAugmentation(scale_jitter=(1.0, 2.5)),
    batch_norm_momentum=0.99,
)
