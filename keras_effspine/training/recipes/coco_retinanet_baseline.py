"""The baseline of the paper's Table 4 (arXiv:2010.11426): 72 epochs without what the table adds.

    effspine train --recipe coco_retinanet_baseline --preset d2 --data tfds:coco/2017 --out runs/d2

What the table adds, each by one option: squeeze-and-excitation
`--set backbone.squeeze_excitation_ratio=0.2`; multi-scale training
`--set augmentation.scale_jitter=[0.1,2.0]` with `--epochs 650`; swish
`--set backbone.activation=swish`; stochastic depth `--set backbone.stochastic_depth_rate=0.2`. All
of them make `coco_retinanet`. Not run here; published: AP 32.2, and 42.5 with everything added.
"""

from keras_effspine.stream.augmentation import CommonAugmentation
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.recipes.coco_retinanet import RECIPE as FULL

RECIPE = override(
    FULL,
    {
        "preset": "d2",
        "epochs": 72,
        "evaluations": 6,
        "backbone.activation": "relu",
        "backbone.squeeze_excitation_ratio": None,
        "backbone.stochastic_depth_rate": 0.0,
        "augmentation": CommonAugmentation(scale_jitter=(0.8, 1.2)).model_dump(),
    },
)
