"""The record that a picture and its annotations become, whatever format they came in."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_effspine.data.semantic_map import SemanticMap


@dataclasses.dataclass(frozen=True, eq=False)
class Record:
    """One picture with its annotations, in the pixels of the picture as stored.

    All arrays run over the same `N` objects; a picture without objects has `N = 0`.

    Args:
        image_id: the picture's id in its data set (the annotation file's own id).
        path: the image file, or a file that holds the encoded picture among others.
        width: picture width in pixels.
        height: picture height in pixels.
        boxes: float64 array `(N, 4)`, `xywh`: left, top, width, height in pixels.
        classes: int64 array `(N,)`, indices into `RecordSet.class_names`, from 0.
        areas: float64 array `(N,)`, the annotated object areas in square pixels (of the mask where
            there is one), by which COCO tells small from large.
        is_crowd: bool array `(N,)`, true where one annotation covers a group of objects.
        annotation_ids: sequence of `N` ids, unique in the data set.
        masks: sequence of `N` instance masks in COCO's notation: a list of polygons
            `[[x0, y0, x1, y1, ...], ...]`, a run-length dictionary
            `{"size": [h, w], "counts": ...}`, or None.
        attributes: sequence of `N` dictionaries of what else is said of an object, such as
            `{"truncated": True, "pose": "Left"}`; may be empty where nothing is said of any.
        semantic_map: the `SemanticMap` of the picture's pixels, or None.
        image_label: class index of the whole picture for classification, or None.
        offset: first byte of the encoded picture in the file.
        length: number of its bytes; None means up to the end of the file.
        name: the picture's file name in its data set, with forward slashes, where the picture has
            no file of its own; otherwise None.
        pixels: the picture itself, uint8 `(height, width, 3)`, RGB, where it has no file at all.
    """

    image_id: int | str
    path: pathlib.Path
    width: int
    height: int
    boxes: np.ndarray
    classes: np.ndarray
    areas: np.ndarray
    is_crowd: np.ndarray
    annotation_ids: Sequence[int | str | None] = ()
    masks: Sequence[list | dict | None] = ()
    attributes: Sequence[dict] = ()
    semantic_map: SemanticMap | None = None
    image_label: int | None = None
    offset: int = 0
    length: int | None = None
    name: str | None = None
    pixels: np.ndarray | None = None


def record_without_objects(**fields: Any) -> Record:
    """A `Record` of a picture on which no object is annotated; `fields` are the others."""
    return Record(
        boxes=np.zeros((0, 4)),
        classes=np.zeros(0, "int64"),
        areas=np.zeros(0),
        is_crowd=np.zeros(0, bool),
        **fields,
    )


LEFT_OUT = "left out"
"""What was done about a file that is none of the data set's, and is only named."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something found wrong in a data set that did not end the run.

    Args:
        kind: short name to count by, such as `"box without area"`.
        where: file and id, such as `"train.json, annotation 17"`.
        action: what was done about it: an annotation was `"dropped"`, or kept as `KEPT` says; a
            picture was `"skipped"`; or `LEFT_OUT`.
    """

    KEPT = ("clipped", "renumbered", "kept without its mask")

    kind: str
    where: str
    action: str


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RecordSet:
    """A data set: records, the classes they speak of, and what was found wrong while reading.

    Args:
        records: sequence of `Record`: a tuple, or one that makes each record when it is asked for.
        class_names: tuple of names; index `i` is class `i`.
        category_ids: tuple of the source's own id of each class, in the same order.
        source: what was read, for messages.
        problems: tuple of `Problem`.
        format: what kind of source it is, in words, such as `"Pascal VOC folder"`.
        split: name of the part that was read, or None where the source has no parts.
    """

    records: Sequence[Record]
    class_names: tuple[str, ...]
    category_ids: tuple[int | str, ...]
    source: str
    problems: tuple[Problem, ...] = ()
    format: str = "data set"
    split: str | None = None

    def __repr__(self) -> str:
        """One line that says what was recognised: kind, pictures, classes, part."""
        images, classes = len(self.records), len(self.class_names)
        split = f", split {self.split}" if self.split is not None else ""
        return (
            f"{self.source}: {self.format}, {images} picture{'s' * (images != 1)} of "
            f"{classes} class{'es' * (classes != 1)}{split}"
        )
