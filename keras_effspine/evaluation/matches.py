"""Which detection has found which object, as pycocotools has matched them."""

import dataclasses

import numpy as np
from pycocotools.cocoeval import COCOeval


@dataclasses.dataclass(frozen=True, eq=False)
class Matches:
    """The pairs that COCO's rules make at one overlap, over a whole data set.

    Detections and objects stand in the order in which they were given to pycocotools.

    Args:
        scores: float `(D,)`.
        classes: int `(D,)`, class numbers as they were given.
        images: int `(D,)`, image numbers as they were given.
        objects: int `(D,)`, the object that each detection has found, or the crowd that it lies on;
            -1 where there is none.
        is_counted: bool `(D,)`, false where a detection is neither right nor wrong: it lies on a
            crowd, or is not among the first 100 of its class in its picture.
        order: int `(D,)`, the detections by falling score; equal scores in pycocotools' order.
        object_classes, object_images: int `(G,)`, as of detections.
        is_crowd: bool `(G,)`, whether the object is a crowd, which nobody has to find.
    """

    scores: np.ndarray
    classes: np.ndarray
    images: np.ndarray
    objects: np.ndarray
    is_counted: np.ndarray
    order: np.ndarray
    object_classes: np.ndarray
    object_images: np.ndarray
    is_crowd: np.ndarray

    @property
    def is_right(self) -> np.ndarray:
        """Bool `(D,)`, whether the detection has found an object."""
        return self.is_counted & (self.objects >= 0)

    @property
    def is_found(self) -> np.ndarray:
        """Bool `(G,)`, whether a detection has found the object."""
        found = np.zeros(len(self.is_crowd), bool)
        found[self.objects[self.is_right]] = True
        return found


def matches_of(measured: COCOeval, threshold: int = 0) -> Matches:
    """Reads the pairs out of an evaluation, for objects of all sizes.

    Args:
        measured: after `evaluate`; its annotation ids are numbers from 1.
        threshold: index of the overlap among `measured.params.iouThrs`; the first is 0.50.
    """
    detections, truth = (list(coco.anns.values()) for coco in (measured.cocoDt, measured.cocoGt))
    objects = np.full(len(detections), -1)
    is_counted = np.zeros(len(detections), bool)
    place = np.zeros(len(detections), int)
    is_crowd = np.array([one["iscrowd"] for one in truth], bool)
    for one in measured.evalImgs:
        # Of the sizes, all of them come first.
        if one is None or one["aRng"] != measured.params.areaRng[0]:
            continue
        found = np.array(one["dtIds"], int) - 1
        objects[found] = np.asarray(one["dtMatches"][threshold]).astype(int) - 1
        is_counted[found] = ~np.asarray(one["dtIgnore"][threshold]).astype(bool)
        place[found] = np.arange(len(found))
    scores = np.array([one["score"] for one in detections], "float64")
    images = np.array([one["image_id"] for one in detections], int)
    return Matches(
        scores=scores,
        classes=np.array([one["category_id"] for one in detections], int),
        images=images,
        objects=objects,
        is_counted=is_counted,
        order=np.lexsort((place, images, -scores)),
        object_classes=np.array([one["category_id"] for one in truth], int),
        object_images=np.array([one["image_id"] for one in truth], int),
        is_crowd=is_crowd,
    )
