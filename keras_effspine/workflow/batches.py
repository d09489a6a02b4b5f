"""From data to batches for plain `fit`: `batches`."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import pydantic
import tensorflow as tf

from keras_effspine.errors import RecipeError
from keras_effspine.layers.boxes import convert_boxes
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import labelled_batches, training_batches
from keras_effspine.tasks.registry import find_task
from keras_effspine.validation import in_words
from keras_effspine.workflow.data_set import DataSet
from keras_effspine.workflow.load_data import load_data


def batches(
    data: DataSet | str | os.PathLike,
    task: str | None = None,
    image_size: int = 384,
    batch_size: int = 8,
    training: bool = True,
    seed: int = 0,
    augmentation: Augmentation | Mapping[str, Any] | None = None,
    bounding_box_format: str = "xyxy",
) -> tf.data.Dataset:
    """Batches as `fit` takes them.

    To train on they are shuffled and augmented, all of one size, as many as an epoch has
    (`len(dataset)`); each epoch is another. The same seed gives the same batches. To validate on
    each picture comes once, in order and as it is, and the last batch may hold fewer.

    Args:
        data: what `load_data` gave, or what it takes.
        task: name of the task whose labels are given; None takes that of the data.
        image_size: height and width of the pictures in pixels, letterboxed.
        batch_size: pictures in a batch.
        training: whether it is the training pictures, to train on, or those for validation (where
            there are none, the training pictures as they are).
        seed: of order and augmentation.
        augmentation: `stream.augmentation.Augmentation`, or its values, such as
            `{"flip": False, "mosaic": 0.5}`; None takes its defaults: scale jitter and mirroring.
        bounding_box_format: of the boxes, as the model takes them.

    Returns:
        `tf.data.Dataset` of pairs of pictures, float32 `(batch, image_size, image_size, 3)`, RGB in
        [0, 255], and the labels that the task's model takes: `{"boxes": (batch, n, 4), "classes":
        (batch, n)}` padded with -1, for instances with `"masks"`; label maps `(batch, image_size,
        image_size)`; or one-hot classes `(batch, classes)`.

    Raises:
        DataError: if the data cannot be used, or have nothing to learn for the task.
        RecipeError: if there is no such task, or a value of the augmentation does not fit.
        ValueError: if a size is none.

    Example:

    ```python
    data = keras_effspine.load_data("shapes")
    dataset = keras_effspine.batches(data, image_size=64, batch_size=2)
    pictures, labels = next(iter(dataset))
    pictures.shape, labels["boxes"].shape, len(dataset)  # batches an epoch
    ```
    """
    if image_size < 1 or batch_size < 1:
        raise ValueError(
            "`image_size` and `batch_size` must be 1 or more. "
            f"Received: image_size={image_size}, batch_size={batch_size}"
        )
    found = data if isinstance(data, DataSet) else load_data(data, task=task)
    found = found.for_task(task or found.task)
    kind = find_task(found.task)
    changes = _augmentation(augmentation)
    records = found.train if training or found.val is None else found.val
    kind.check(records)
    decoder = ImageDecoder(records)
    fields = kind.batch_fields(records, changes.images_a_sample if training else 1)
    fields = _in_format(fields, bounding_box_format, image_size)
    if not training:
        return labelled_batches(records, decoder, fields, image_size, batch_size, kind.labels)
    return training_batches(
        records,
        decoder,
        fields,
        image_size,
        batch_size,
        seed,
        changes,
        labels=kind.labels,
        steps_per_epoch=max(1, len(records.records) // batch_size),
    )


def _augmentation(given: Augmentation | Mapping[str, Any] | None) -> Augmentation:
    if isinstance(given, Augmentation):
        return given
    try:
        return Augmentation(**(given or {}))
    except pydantic.ValidationError as error:
        raise RecipeError(f"augmentation: {in_words(error)}.") from error


def _in_format(fields: Callable, bounding_box_format: str, image_size: int) -> Callable:
    if bounding_box_format == "xyxy":
        return fields

    def converted(sample: dict[str, tf.Tensor]) -> Any:
        labels = fields(sample)
        if not isinstance(labels, dict) or "boxes" not in labels:
            return labels
        size = (image_size, image_size, 3)
        boxes = convert_boxes(labels["boxes"], "xyxy", bounding_box_format, size)
        real = labels["classes"][..., None] >= 0
        return {**labels, "boxes": tf.where(real, boxes, -1.0)}

    return converted
