"""The paper's semantic segmentation of PASCAL VOC 2012 (arXiv:2010.11426, 5.3).

    effspine train --recipe voc_segmentation --preset runs/d0 --data VOCdevkit/VOC2012 \\
        --strategy tpu --precision bfloat16 --out runs/d0-voc

10,000 steps of 256 pictures on 512 px, cosine learning rate from 0.05 after 500 steps of warm-up,
from a detector that was trained on COCO: name its run folder as the preset. The training pictures
are VOC's list `trainaug`, 10,582; how to have them without the list, from SBD's files, stands in
`data.formats.voc_segmentation`. What 5.3 leaves to 5.1.1, SGD, weight decay, jitter and stochastic
depth, is as in `coco_retinanet`. Not run here; published mean IoU: D0 76.0, D2 78.0.
"""

from keras_effspine.stream.augmentation import CommonAugmentation
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.recipe import Data, Recipe

RECIPE = Recipe(
    task="semantic_segmentation",
    preset="d0",
    data=Data(data="VOCdevkit/VOC2012", split="trainaug", val_split="val"),
    image_size=512,
    batch_size=256,
    steps=10_000,
    evaluations=10,
    optimization=Optimization(
        optimizer="sgd",
        momentum=0.9,
        nesterov=False,
        learning_rate=0.05,
        learning_rate_batch=256,
        warmup=500,
        warmup_start=0.0,
        schedule="cosine",
        weight_decay=4e-5,
        decay="l2",
        clip_norm=None,
    ),
    augmentation=CommonAugmentation(scale_jitter=(0.1, 2.0)),
    batch_norm_momentum=0.99,
    backbone={"stochastic_depth_rate": 0.2},
)
