"""The proposals of Mask R-CNN's first stage, and what that stage learns."""

import keras
from keras import ops

from keras_effspine.layers.anchors import pyramid_anchors
from keras_effspine.layers.boxes import (
    clip_boxes,
    decode_boxes,
    encode_boxes,
    intersection_over_union,
)
from keras_effspine.layers.non_max_suppression import non_max_suppression
from keras_effspine.layers.random_choice import choose_at_random

ANCHOR_SIZE_OVER_STRIDE = 3
ASPECT_RATIOS = (0.5, 1.0, 2.0)

_NO_VARIANCES = (1.0, 1.0, 1.0, 1.0)
"""Differences of this stage are not divided by variances (public R-CNN code)."""

_SAMPLED, _MOST_POSITIVE = 256, 128
_POSITIVE_IOU, _NEGATIVE_IOU = 0.7, 0.3
