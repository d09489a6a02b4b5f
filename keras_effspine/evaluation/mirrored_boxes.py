"""Two looks at a picture, as it is and mirrored, made one."""

import numpy as np
import pycocotools.mask

from keras_effspine.evaluation.coco_detection import Boxes

SAME_OBJECT = 0.6
"""Intersection over union from which boxes of one class, one from each look, are one object."""

_MOST = 100
"""Detections of a picture that COCO's protocol counts."""


def fuse_mirrored(plain: Boxes, mirrored: Boxes, width: float) -> Boxes:
    """What was found in a picture and in its mirror image, joined.

    Boxes of one class that lie on one place become one: their mean, weighted by their scores, with
    the mean of the scores. What one look alone has found keeps half of its score. (Weighted boxes
    fusion, arXiv:1910.13302, for two models.)

    Args:
        plain: `Boxes` with scores, in the picture.
        mirrored: `Boxes` with scores, in the picture mirrored left to right.
        width: the picture's, in the unit of the boxes.

    Returns:
        `Boxes` in the picture, the best first, at most 100.
    """
    theirs = np.array(mirrored.boxes, "float64").reshape(-1, 4)
    theirs[:, 0] = width - theirs[:, 0] - theirs[:, 2]
    boxes = np.concatenate([np.reshape(plain.boxes, (-1, 4)), theirs]).astype("float64")
    classes = np.concatenate([plain.classes, mirrored.classes])
    assert plain.scores is not None and mirrored.scores is not None  # they are predictions
    scores = np.concatenate([plain.scores, mirrored.scores])
    count = len(plain.boxes)
    fused, fused_scores, is_free = boxes.copy(), scores / 2, np.ones(len(boxes), bool)
    if 0 < count < len(boxes):  # pycocotools takes no empty array
        overlaps = pycocotools.mask.iou(boxes[:count], theirs, [0] * len(theirs))
        overlaps[classes[:count, None] != classes[None, count:]] = 0.0
        for one in np.argsort(-scores[:count], kind="stable"):
            other = count + np.argmax(np.where(is_free[count:], overlaps[one], -1.0))
            if is_free[other] and overlaps[one, other - count] >= SAME_OBJECT:
                pair = [one, other]
                fused[one] = np.average(boxes[pair], axis=0, weights=scores[pair])
                fused_scores[one] = scores[pair].mean()
                is_free[other] = False
    kept = np.flatnonzero(is_free)
    kept = kept[np.argsort(-fused_scores[kept], kind="stable")][:_MOST]
    return Boxes(boxes=fused[kept], classes=classes[kept], scores=fused_scores[kept])
