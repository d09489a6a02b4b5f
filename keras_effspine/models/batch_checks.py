"""What is wrong with a batch that a model is to train on, evaluate or predict, in one message."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_effspine.topology.labels import IGNORED

PADDING = -1

_FARTHEST = 1.0
"""So many widths or heights beyond its picture a box may reach: more is a mistake of units."""


def check_image_shape(shape: Sequence[int | None], channels: int) -> None:
    """Checks what the images of a batch look like from outside.

    Args:
        shape: `(batch, height, width, channels)`, None for what is not known.
        channels: int, those that the model takes.

    Raises:
        ValueError: the images are not a batch, have other channels, or there are none.
    """
    shape = tuple(shape)
    if len(shape) != 4 or shape[-1] not in (None, channels):
        hint = ""
        if len(shape) == 3:
            hint = " One picture is a batch of one: images[None]."
        elif len(shape) == 4 and shape[-1] == 1:
            hint = " Grey pictures are made RGB by repeating their channel."
        raise ValueError(
            f"Images must be a batch (batch, height, width, {channels}).{hint} "
            f"Received: images of shape {shape}"
        )
    if 0 in shape:
        raise ValueError(f"A batch must hold pictures. Received: images of shape {shape}")


def check_objects(
    boxes: np.ndarray,
    classes: np.ndarray,
    num_classes: int,
    bounding_box_format: str,
    image_shape: Sequence[int],
) -> None:
    """Checks the labels of a detector.

    Args:
        boxes: `(batch, boxes, 4)` in `bounding_box_format`; rows of class -1 are padding.
        classes: `(batch, boxes)`, class ids.
        num_classes: int.
        bounding_box_format: keras-cv format.
        image_shape: height and width of the pictures.

    Raises:
        ValueError: shapes do not agree; a class id is none; or a box is not finite, has no area, or
            lies far outside its picture.
    """
    if boxes.ndim != 3 or boxes.shape[-1] != 4 or classes.shape != boxes.shape[:2]:
        raise ValueError(
            "Labels must be 'boxes' (batch, boxes, 4) and 'classes' (batch, boxes). "
            f"Received: boxes of shape {boxes.shape} and classes of shape {classes.shape}"
        )
    _check_ids(classes, num_classes, "classes", PADDING, "pads pictures with fewer boxes")
    real = classes != PADDING
    with np.errstate(invalid="ignore"):
        low, high = _corners(boxes, bounding_box_format.lower())
    size = np.array([1.0, 1.0] if "rel_" in bounding_box_format.lower() else image_shape[1::-1])

    def refuse(wrong: np.ndarray, message: str) -> None:
        wrong = wrong.any(-1) & real
        if wrong.any():
            row, number = (int(place) for place in np.argwhere(wrong)[0])
            pixels = f"{image_shape[0]}x{image_shape[1]} pixels"
            raise ValueError(
                f"{message} Received: box {boxes[row, number].tolist()} as "
                f"'{bounding_box_format}' (picture {row} of the batch, box {number}; boxes of "
                f"shape {boxes.shape}, {int(wrong.sum())} such, pictures of {pixels})"
            )

    with np.errstate(invalid="ignore"):
        refuse(~np.isfinite(boxes), "Boxes must be finite numbers.")
        refuse(
            high < low, "Boxes must have their lower corner first, and no negative width or height."
        )
        refuse(high == low, "Boxes must have an area.")
        refuse(
            (low < -_FARTHEST * size) | (high > (1 + _FARTHEST) * size),
            "Boxes must lie in their picture, in the units of the model's bounding_box_format.",
        )


def check_mask_crops(masks: np.ndarray, classes: np.ndarray) -> None:
    """Checks the masks of a detector's objects.

    Args:
        masks: `(batch, boxes, rows, columns)`, what lies in each box: 1 on its object, 0 beside
            it, `IGNORED` throughout where that is not known.
        classes: `(batch, boxes)`; masks of class -1 are padding.

    Raises:
        ValueError: the shapes do not agree, or a mask holds another number.
    """
    if masks.ndim != 4 or masks.shape[:2] != classes.shape:
        raise ValueError(
            "Labels must have 'masks' (batch, boxes, rows, columns), one for each box. "
            f"Received: masks of shape {masks.shape} and classes of shape {classes.shape}"
        )
    values = np.unique(masks[classes != PADDING])
    wrong = values[~np.isin(values, (0, 1, IGNORED))]
    if len(wrong):
        raise ValueError(
            f"Masks must be 1 on their object and 0 beside it, or {IGNORED} throughout where they "
            f"are not known. Received: {wrong[:5].tolist()} (masks of shape {masks.shape})"
        )


def check_class_labels(labels: np.ndarray, num_classes: int) -> None:
    """Checks the labels of a classifier.

    Args:
        labels: class ids `(batch,)` or `(batch, 1)`, or shares of the classes
            `(batch, num_classes)`.
        num_classes: int.

    Raises:
        ValueError: another shape, an id that is no class's, or shares that are negative or not
            finite.
    """
    if labels.ndim == 2 and labels.shape[1] == num_classes and num_classes > 1:
        if not (np.isfinite(labels).all() and (labels >= 0).all()):
            row = int(np.argwhere(~(np.isfinite(labels) & (labels >= 0)))[0, 0])
            raise ValueError(
                "Shares of the classes must be finite and not negative. Received: "
                f"{labels[row].tolist()[:20]} (picture {row} of the batch)"
            )
    elif labels.ndim == 1 or (labels.ndim == 2 and labels.shape[1] == 1):
        _check_ids(labels, num_classes, "labels")
    else:
        raise ValueError(
            f"Labels must be class ids (batch,), or one-hot (batch, {num_classes}) for the "
            f"{num_classes} classes of the model. Received: labels of shape {labels.shape}"
        )


def check_label_maps(labels: np.ndarray, num_classes: int, ignored: int) -> None:
    """Checks the labels of a segmenter.

    Args:
        labels: `(batch, height, width)` or `(batch, height, width, 1)`.
        num_classes: int.
        ignored: the label of pixels that are not learnt from.

    Raises:
        ValueError: they are not whole numbers, or one is no class's.
    """
    _check_ids(labels, num_classes, "labels", ignored, "is ignored")


def check_whole_numbers(labels: Any) -> None:
    """Raises a `ValueError` where labels are of a type with fractions, or of text."""
    dtype = str(getattr(labels.dtype, "name", labels.dtype))
    if "int" not in dtype:
        raise ValueError(
            "Label maps must be whole numbers, class ids. "
            f"Received: labels of dtype {dtype}, shape {tuple(labels.shape)}"
        )


def _check_ids(
    ids: np.ndarray, num_classes: int, name: str, extra: int | None = None, use: str = ""
) -> None:
    """Refuses what is neither a class id nor the one other number that has a meaning."""
    if not ids.size:
        return
    # Mostly two passes without a copy are all that it takes.
    if ids.dtype.kind in "iub" and ids.min() >= 0 and ids.max() < num_classes:
        return
    wrong = ~((ids >= 0) & (ids < num_classes) & (ids == np.floor(ids)))
    if extra is not None:
        wrong &= ids != extra
    if wrong.any():
        place = tuple(int(axis) for axis in np.argwhere(wrong)[0])
        other = "" if extra is None else f"; {extra} {use}"
        raise ValueError(
            f"Class ids must be whole numbers from 0 to {num_classes - 1}{other}. Received: "
            f"{ids[place].item()!r} ({name}{list(place)} of shape {ids.shape}, "
            f"{int(wrong.sum())} such, model with num_classes={num_classes})"
        )


def _corners(boxes: np.ndarray, box_format: str) -> tuple[np.ndarray, np.ndarray]:
    """Lower and higher corners, each `(..., 2)` as x, y."""
    box_format = box_format.removeprefix("rel_")
    first, second = boxes[..., :2], boxes[..., 2:]
    if box_format in ("yxyx", "center_yxhw"):
        first, second = first[..., ::-1], second[..., ::-1]
    if box_format.startswith("center"):
        return first - second / 2, first + second / 2
    return (first, first + second) if box_format == "xywh" else (first, second)


def as_arrays(labels: Any) -> Any:
    """Labels as NumPy arrays, of the same structure; None where they are not in memory."""
    if isinstance(labels, Mapping):
        found = {key: as_arrays(value) for key, value in labels.items()}
        return None if any(value is None for value in found.values()) else found
    if isinstance(labels, (np.ndarray, list, tuple)):
        return np.asarray(labels)
    return labels.numpy() if type(labels).__name__ == "EagerTensor" else None
