"""Which places of a picture made a detection, or the class of a picture."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from keras_effspine.data.images.letterbox import read_letterboxed
from keras_effspine.data.record import Record
from keras_effspine.models.class_evidence import EvidenceModel
from keras_effspine.tasks.task import Task

_MOST = 20
"""Detections of a picture that are looked at, the surest ones."""


@dataclasses.dataclass(frozen=True, eq=False)
class Heat:
    """What made the detections of a picture.

    Args:
        output: the task's output for it.
        classes: int `(n,)`, of the detections that were looked at, or of the picture.
        maps: float32 `(n, rows, columns)` from 0 to 1, in equal parts of the picture; where it is
            1 there is the most that spoke for the class. All of a map is 0 where nothing did.
    """

    output: Any
    classes: np.ndarray
    maps: np.ndarray

    def of_all(self) -> np.ndarray:
        """The greatest heat of any detection at each place, float32 `(rows, columns)`."""
        return self.maps.max(axis=0, initial=0.0)


class HeatMaps:
    """Finds the places that made a score, on the levels of the pyramid (Grad-CAM).

    Of each place of each level it takes the features times the gradient of the score's logit
    with respect to them, summed over the channels, where that is positive. That is Grad-CAM
    (arXiv:1610.02391) with the gradient of the place itself in the place of its mean, as in
    HiResCAM (arXiv:2011.08891): the mean would show features of the class wherever they are, not
    those of the detection. Where features are averaged before a linear layer, as in a classifier,
    both are the same. Levels are added, each by what it has of a pixel.

    TensorFlow alone; a few seconds a picture, since it is not traced.

    ```python
    heat = HeatMaps(task, model, image_size)(record)
    heat.maps[0]  # what made the surest detection
    ```

    Args:
        task: `Task` of detection, instance masks or classification.
        model: what `build_model` made, trained.
        image_size: height and width at which the model sees the pictures.

    Raises:
        ValueError: if the model is none whose scores are known; see `EvidenceModel`.
    """

    def __init__(self, task: Task, model: keras.Model, image_size: int) -> None:
        self._task = task
        self._evidence = EvidenceModel(model)
        self._canvas = image_size, image_size

    def __call__(
        self,
        record: Record,
        upright: bool = False,
        shown: Callable[[Any], Any] = lambda output: output,
    ) -> Heat:
        """The heat of a picture.

        Args:
            record: its `Record`.
            upright: as in `data.images.image_pixels.read_image`.
            shown: function from an output to what of it is looked at.

        Raises:
            OSError, ValueError: as `read_image`.
        """
        seen = read_letterboxed(record, self._canvas, upright)
        images = tf.constant(seen.image[None])
        # What lies before a level is not asked for, nor is one level for what it gives another.
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:

            def leaf(values):
                values = tf.stop_gradient(values)
                tape.watch(values)
                return values

            found = self._evidence(images, leaf)
        predictions = keras.tree.map_structure(np.asarray, found.predictions)
        (output,) = self._task.outputs(predictions, seen.scale[None], [record])
        looked_at = shown(output)
        classes, candidates = self._candidates(found, looked_at, seen.scale)
        size = np.round(np.array([record.height, record.width]) * seen.scale).astype(int)
        size = np.clip(size, 1, self._canvas)
        maps = np.zeros((len(classes), *size), "float32")
        for number, (candidate, index) in enumerate(zip(candidates, classes, strict=True)):
            maps[number] = self._heat(tape, found, candidate, index, size)
        return Heat(output, classes, maps)

    def _candidates(self, found, output, scale):
        """Classes, and the candidates that have become the detections of an output."""
        boxes = getattr(output, "boxes", None)
        if boxes is None:
            classes = np.asarray(output.classes[:1], int)
            return classes, np.zeros(len(classes), int)
        order = np.argsort(-np.asarray(output.scores), kind="stable")[:_MOST]
        classes = np.asarray(output.classes, int)[order]
        scores, places = np.asarray(found.scores)[0], np.asarray(found.boxes)[0]
        corners = np.concatenate(
            [boxes[order, 1::-1], boxes[order, 1::-1] + boxes[order, :1:-1]], 1
        )
        corners = corners * np.tile(scale, 2)
        limit = np.tile(self._canvas, 2)
        candidates = []
        for index, score, box in zip(classes, output.scores[order], corners, strict=True):
            near = np.clip(places[:, min(index, places.shape[1] - 1)], 0, limit)
            distance = np.abs(near - box).max(axis=1) / limit[0]
            # Scores tell nearly all candidates apart, boxes the rest.
            candidates.append(int(np.argmin(np.abs(scores[:, index] - score) + 0.1 * distance)))
        return classes, np.array(candidates, int)

    def _heat(self, tape, found, candidate, index, size):
        logit = np.zeros(found.logits.shape, "float32")
        logit[0, candidate, index] = 1.0
        gradients = tape.gradient(found.logits, found.levels, output_gradients=tf.constant(logit))
        heat = np.zeros(self._canvas, "float32")
        for level, values in found.levels.items():
            if gradients[level] is None:
                continue
            spoken = tf.cast(values, "float32") * tf.cast(gradients[level], "float32")
            part = tf.reduce_sum(spoken, axis=-1)[0].numpy()
            heat += _enlarged(part / np.prod(np.array(self._canvas) / part.shape), self._canvas)
        heat = np.maximum(heat[: size[0], : size[1]], 0.0)
        return heat / max(float(heat.max()), np.finfo("float32").tiny)


def _enlarged(part: np.ndarray, canvas: tuple[int, int]) -> np.ndarray:
    """A level's map on the canvas, bilinear."""
    image = Image.fromarray(part.astype("float32"))
    return np.asarray(image.resize(canvas[::-1], Image.Resampling.BILINEAR))
