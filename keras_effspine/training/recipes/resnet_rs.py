"""Classification as ResNet-RS trains it (arXiv:2103.07579): plain means, and more of them by size.

    effspine train --recipe resnet_rs --preset d0 --data tfds:imagenet2012 \\
        --strategy tpu --precision bfloat16 --out runs/d0-rs

SGD with momentum, 1.6 for batches of 4096 after five epochs of warm-up, cosine over 350 epochs;
averages of the weights with 0.9999; label smoothing 0.1; dropout 0.25; RandAugment; weight decay
4e-5 as L2, less than the usual 1e-4, since the other means regularise as well (its Table 2).

How much of them a network takes grows with it. The public settings (tf-models-official,
`imagenet_resnetrs*`) have RandAugment of magnitude 10 and no stochastic depth at 160 px (50
layers), magnitude 15 and stochastic depth 0.1 at 256 px (200 layers). For the networks here that
is, ours:

    m0 to m2 and below:  --set rand_augment=[2,5] --set dropout_rate=0.1
    d0, d1:              as it stands
    d2 and above:        --set backbone.stochastic_depth_rate=0.1

Not ResNet-RS': its ResNet-D stem and its blocks; magnitudes end at 10 here, the full one of the
public changes; moving statistics are averaged with 0.99, not taken from the last batch. Nothing
here has been trained on ImageNet.
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
        dropout_rate=0.25,
        rand_augment=(2, 10),
    ),
    optimization=Optimization(
        optimizer="sgd",
        momentum=0.9,
        nesterov=False,
        learning_rate=1.6,
        learning_rate_batch=4096,
        warmup=5 / 350,
        schedule="cosine",
        weight_decay=4e-5,
        decay="l2",
        clip_norm=None,
        ema=0.9999,
    ),
    augmentation=CommonAugmentation(scale_jitter=(1.0, 2.5)),
    batch_norm_momentum=0.99,
)
