"""The labels of a record, moved with its picture."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_effspine.data.mask_crops import CROP_SIZE, crop_masks
from keras_effspine.data.record import Record
from keras_effspine.errors import DataError
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.placement import Placement, place_boxes, place_crops, place_labels
from keras_effspine.topology.labels import IGNORED

LABELS = ("objects", "instances", "semantic", "image")
"""What can be asked for; `"instances"` are objects with their masks."""


class LabelReader:
    """Reads the labels that are asked for by name, and no others.

    Args:
        records: sequence of `Record`.
        decoder: the `ImageDecoder` of their pictures, which remembers what could not be read.
        names: some of `LABELS`.

    Raises:
        ValueError: there are no labels of such a name.
    """

    def __init__(
        self, records: Sequence[Record], decoder: ImageDecoder, names: Sequence[str]
    ) -> None:
        if not set(names) <= set(LABELS):
            raise ValueError(f"labels must be names among {LABELS}. Received: {names}")
        self._records = records
        self._decoder = decoder
        self._names = names

    def read(
        self, index: tf.Tensor, placement: Placement, canvas: tuple
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Reads a record's labels; to be used in `tf.data.Dataset.map`.

        Args:
            index: int64 scalar, position of the record.
            placement: where its picture goes.
            canvas: pair of the height and the width of what it goes on.

        Returns:
            Pair of labels, as in a sample of `stream.pipeline.training_batches`, and a bool scalar
            that is false where they cannot be used.
        """
        labels, is_read = dict[str, tf.Tensor](), tf.constant(True)
        if "objects" in self._names or "instances" in self._names:
            labels |= self._objects(index, placement)
        if "image" in self._names:
            labels["label"] = self._call(self._image_label, [index], [tf.int32], [[]])[0]
        if "semantic" in self._names:
            types, shapes = [tf.uint8, tf.bool], [[None, None], []]
            found, is_read = self._call(self._semantic_map, [index], types, shapes)
            labels["semantic"] = place_labels(found, placement, canvas, IGNORED)
        return labels, is_read

    def focus(self, index: tf.Tensor, seed: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
        """A place in a picture to look at: half of the time, and where it has any, on an object.

        Args:
            index: int64 scalar, position of the record.
            seed: int `(2,)`, for TensorFlow's stateless random numbers.
            shape: int32 `(2,)`, the picture's height and width.

        Returns:
            float32 `(2,)`, y and x in pixels.
        """
        drawn = tf.random.stateless_uniform([4], seed + [2**41, 0])
        boxes = tf.zeros([0, 4])
        if "objects" in self._names or "instances" in self._names:
            boxes = self._call(self._record_boxes, [index], [tf.float32], [[None, 4]])[0]
        count = tf.shape(boxes)[0]

        def on_object():
            box = boxes[
                tf.minimum(tf.cast(drawn[1] * tf.cast(count, "float32"), "int32"), count - 1)
            ]
            return box[1::-1] + drawn[2:] * box[:1:-1]

        return tf.cond(
            (drawn[0] < 0.5) & (count > 0),
            on_object,
            lambda: drawn[2:] * tf.cast(shape, "float32"),
        )

    def _objects(self, index: tf.Tensor, placement: Placement) -> dict[str, tf.Tensor]:
        inputs = [index, tf.bitwise.left_shift(placement.window, placement.halvings)]
        types = [tf.float32, tf.int32, tf.float32, tf.uint8]
        shapes = [[None, 4], [None], [None, 4], [None, CROP_SIZE, CROP_SIZE]]
        boxes, classes, crowds, masks = self._call(self._record_objects, inputs, types, shapes)
        labels = {
            "boxes": place_boxes(boxes, placement),
            "classes": classes,
            "crowds": place_boxes(crowds, placement),
        }
        if "instances" in self._names:
            labels["masks"] = place_crops(masks, placement)
        return labels

    def _call(self, function, inputs: list, types: list, shapes: list) -> list[tf.Tensor]:
        found = tf.numpy_function(self._decoder.calls.counted(function), inputs, types)
        for tensor, shape in zip(found, shapes, strict=True):
            tensor.set_shape(shape)
        return found

    def _record_objects(self, index: np.int64, window: np.ndarray) -> tuple[np.ndarray, ...]:
        record = self._records[int(index)]
        boxes = np.array(record.boxes, "float32").reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        crowd = np.asarray(record.is_crowd, bool)
        masks = np.zeros((0, CROP_SIZE, CROP_SIZE), "uint8")
        if "instances" in self._names:
            seen = np.clip(
                boxes, np.tile(window[1::-1], 2), np.tile((window[:2] + window[2:])[::-1], 2)
            )
            seen[crowd] = 0.0  # no mask is learnt of them
            masks, errors = crop_masks(record, seen)
            masks = masks[~crowd]
            for error in errors:
                self._decoder.note_failure(int(index), error)
        classes = np.asarray(record.classes)[~crowd].astype("int32")
        return boxes[~crowd], classes, boxes[crowd], masks

    def _record_boxes(self, index: np.int64) -> np.ndarray:
        record = self._records[int(index)]
        boxes = np.array(record.boxes, "float32").reshape(-1, 4)
        return boxes[~np.asarray(record.is_crowd, bool)]

    def _image_label(self, index: np.int64) -> np.int32:
        label = self._records[int(index)].image_label
        return np.int32(-1 if label is None else label)

    def _semantic_map(self, index: np.int64) -> tuple[np.ndarray, bool]:
        record = self._records[int(index)]
        assert record.semantic_map is not None, f"{record.path} has no label map"
        try:
            return record.semantic_map.read(record), True
        except DataError as error:
            self._decoder.note_failure(int(index), error)
            return np.zeros((1, 1), "uint8"), False
