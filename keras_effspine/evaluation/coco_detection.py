"""Average precision of detected boxes, measured by pycocotools."""

import contextlib
import dataclasses
import io
from typing import Self

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from keras_effspine.data.record import Record, RecordSet
from keras_effspine.errors import DataError
from keras_effspine.evaluation.class_curves import class_curves
from keras_effspine.evaluation.detection_result import STAT_NAMES, ClassResult, DetectionResult
from keras_effspine.evaluation.matches import matches_of


@dataclasses.dataclass(frozen=True, eq=False)
class Boxes:
    """Detection's output for one picture: objects predicted, or annotated.

    Args:
        boxes: float `(n, 4)`, `xywh` in the pixels of the picture as stored.
        classes: int `(n,)`, class indices from 0.
        scores: float `(n,)`, or None for annotations.
        is_crowd: bool `(n,)`, or None for predictions.
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray | None = None
    is_crowd: np.ndarray | None = None

    def those(self, kept: np.ndarray) -> Self:
        """Some of the objects, by their indices `(k,)`."""
        return dataclasses.replace(
            self,
            boxes=self.boxes[kept],
            classes=self.classes[kept],
            scores=None if self.scores is None else self.scores[kept],
            is_crowd=None if self.is_crowd is None else self.is_crowd[kept],
        )


class CocoDetectionEvaluator:
    """Collects detections for a data set and has pycocotools measure them.

    The protocol is COCO's: boxes in the pixels of the pictures as stored, IoU 0.50 to 0.95, at most
    1, 10 and 100 detections a picture and class, sizes told by the annotated areas, crowds neither
    rewarded nor punished.

    Args:
        record_set: the `RecordSet` to measure against.

    Raises:
        DataError: if two pictures, or two classes, of the set have the same id.
    """

    def __init__(self, record_set: RecordSet):
        image_ids = [record.image_id for record in record_set.records]
        # Only the order of the ids matters to pycocotools (it breaks ties between equal scores), so
        # they are numbered in sorted order, which serves ids of every type.
        self._image_numbers = _number(image_ids, "image", record_set.source)
        self._category_numbers = _number(record_set.category_ids, "category", record_set.source)
        self._record_set = record_set
        self._added: dict[int | str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def add(self, record: Record, output: Boxes) -> None:
        """Takes the detections of one picture; empty `Boxes` say that there are none.

        Args:
            record: the picture's `Record`, known by its `image_id`.
            output: `Boxes` with scores.

        Raises:
            ValueError: if the id is unknown or was added before, or the arrays do not fit together,
                hold a NaN or infinity, a negative box side, or a class that does not exist.
        """
        image_id = record.image_id
        if image_id not in self._image_numbers:
            raise ValueError(
                f"Image id {image_id!r} is not in {self._record_set.source}: detections can only "
                "be measured for pictures of the data set."
            )
        if image_id in self._added:
            raise ValueError(f"Image id {image_id!r} was already added.")
        num_classes = len(self._record_set.class_names)
        self._added[image_id] = _checked(image_id, output, num_classes)

    def predictions(self) -> list[dict]:
        """Returns a list of dicts in COCO's results format, with the data set's own ids.

        Boxes are `[left, top, width, height]` in pixels. The list can be written as JSON and given
        to any other tool that reads COCO results; `category_name` is there for people and for
        programs that do not have the data set.
        """
        category_ids, class_names = self._record_set.category_ids, self._record_set.class_names
        return [
            {
                "image_id": image_id,
                "category_id": category_ids[index],
                "category_name": class_names[index],
                "bbox": box,
                "score": score,
            }
            for image_id, (boxes, scores, classes) in self._added.items()
            for box, score, index in zip(
                boxes.tolist(), scores.tolist(), classes.tolist(), strict=True
            )
        ]

    def result(self) -> DetectionResult:
        """Measures all that was added.

        Returns:
            A `DetectionResult`. Pictures that were not added count as having no detections.
        """
        return self.measure("bbox", self.truth(), self.predicted())

    def measure(self, kind: str, truth: list[dict], predicted: list[dict]) -> DetectionResult:
        """What pycocotools makes of annotations, by the overlap of `"bbox"` or of `"segm"`."""
        # pycocotools prints its progress and a table.
        with contextlib.redirect_stdout(io.StringIO()):
            measured = COCOeval(self._index(truth), self._index(predicted), kind)
            measured.params.maxDets = [1, 10, 100]
            measured.evaluate()
            measured.accumulate()
            measured.summarize()
        # Axes: IoU threshold, recall, class, object size, detections a picture.
        precision = measured.eval["precision"][..., -1]
        names, category_ids = self._record_set.class_names, self._record_set.category_ids
        numbers = np.array([self._category_numbers[one] for one in category_ids], int)
        index_of = np.argsort(np.append(0, numbers)) - 1  # numbers start at 1
        matches = matches_of(measured)
        matches = dataclasses.replace(
            matches,
            classes=index_of[matches.classes],
            object_classes=index_of[matches.object_classes],
        )
        curves = class_curves(matches, len(names))
        records = self._record_set.records
        crowd = np.concatenate([np.zeros(0, bool), *(record.is_crowd for record in records)])
        classes = np.concatenate([np.zeros(0, int), *(record.classes for record in records)])
        objects = np.bincount(classes[~crowd], minlength=len(names))
        return DetectionResult(
            stats=dict(zip(STAT_NAMES, map(_or_none, measured.stats), strict=True)),
            per_class=tuple(
                _class_result(name, precision[:, :, number - 1], curve, int(count))
                for name, number, curve, count in zip(names, numbers, curves, objects, strict=True)
            ),
            images=len(records),
            images_added=len(self._added),
            objects=int(objects.sum()),
            crowds=int(crowd.sum()),
            detections=sum(len(scores) for _, scores, _ in self._added.values()),
            curves=curves,
            matches=matches,
        )

    def truth(self) -> list[dict]:
        """The annotated objects, record by record, as pycocotools takes them."""
        category_ids = self._record_set.category_ids
        return [
            {
                "image_id": self._image_numbers[record.image_id],
                "category_id": self._category_numbers[category_ids[index]],
                "bbox": box,
                "area": area,
                "iscrowd": int(crowd),
            }
            for record in self._record_set.records
            for index, box, area, crowd in zip(
                record.classes.tolist(),
                record.boxes.tolist(),
                record.areas.tolist(),
                record.is_crowd.tolist(),
                strict=True,
            )
        ]

    def predicted(self) -> list[dict]:
        """All that was added, in the order of `predictions`, as pycocotools takes it."""
        # Not `COCO.loadRes`, which fails on an empty list.
        return [
            {
                "image_id": self._image_numbers[detection["image_id"]],
                "category_id": self._category_numbers[detection["category_id"]],
                "bbox": detection["bbox"],
                "area": detection["bbox"][2] * detection["bbox"][3],
                "iscrowd": 0,
                "score": detection["score"],
            }
            for detection in self.predictions()
        ]

    def _index(self, annotations: list[dict]) -> COCO:
        # Annotation ids start at 1: pycocotools writes the matched id, and reads 0 as "no match".
        for number, annotation in enumerate(annotations, start=1):
            annotation["id"] = number
        coco = COCO()
        coco.dataset = {
            "images": [
                {"id": self._image_numbers[r.image_id], "width": r.width, "height": r.height}
                for r in self._record_set.records
            ],
            "categories": [{"id": number} for number in self._category_numbers.values()],
            "annotations": annotations,
        }
        coco.createIndex()
        return coco


def _number(ids, kind, source):
    """Numbers ids from 1 in sorted order, as a dict."""
    if len(set(ids)) != len(ids):
        repeated = next(one for one in ids if ids.count(one) > 1)
        raise DataError(f"{source}: the {kind} id {repeated!r} occurs more than once.")
    try:
        ordered = sorted(ids)
    except TypeError:  # numbers and strings mixed
        ordered = sorted(ids, key=str)
    return {one: number for number, one in enumerate(ordered, start=1)}


def _checked(
    image_id: int | str, output: Boxes, num_classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns float64 `(n, 4)`, float64 `(n,)` and int64 `(n,)`, or raises ValueError."""
    where = f"Detections of image id {image_id!r}"
    boxes = np.array(output.boxes, "float64")
    scores = np.array(output.scores, "float64")
    classes = np.array(output.classes)
    if boxes.size == 0 and boxes.ndim == 1:
        boxes = boxes.reshape(0, 4)
    count = len(boxes) if boxes.ndim else 0
    if boxes.shape != (count, 4) or scores.shape != (count,) or classes.shape != (count,):
        raise ValueError(
            f"{where} must have shapes (n, 4), (n,) and (n,). Received: boxes {boxes.shape}, "
            f"scores {scores.shape}, classes {classes.shape}"
        )
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise ValueError(f"{where} hold a NaN or an infinity.")
    if (boxes[:, 2:] < 0).any():
        raise ValueError(f"{where} hold a box of negative width or height; boxes are xywh.")
    indices = classes.astype("int64")
    wrong = (indices != classes) | (indices < 0) | (indices >= num_classes)
    if wrong.any():
        raise ValueError(
            f"{where} hold the class {classes[wrong][0]}; the data set has the classes 0 to "
            f"{num_classes - 1}."
        )
    return boxes, scores, indices


def _class_result(name, precision, curve, objects):
    """`ClassResult`; the axes of `precision` are IoU threshold, recall, and object size."""
    whole, *sizes = np.moveaxis(precision, -1, 0)
    f1, score = curve.best or (None, None)
    return ClassResult(
        name, _mean(whole), _mean(whole[:1]), objects, *map(_mean, sizes), F1=f1, score=score
    )


def _mean(precision):
    measured = precision[precision > -1]
    return float(measured.mean()) if measured.size else None


def _or_none(stat):
    return None if stat == -1 else float(stat)
