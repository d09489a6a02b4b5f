"""From the objects that a reader finds in one picture to its record."""

import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np

from keras_effspine.data.formats.boxes import fit_box
from keras_effspine.data.record import Problem, Record


@dataclasses.dataclass(frozen=True)
class ReadObject:
    """An object as its annotation says it, which may be wrong.

    Args:
        where: file and place in it, for a `Problem`.
        label: class index.
        box: list of four floats, `xywh` in pixels; or, where there is nothing to use, a string:
            the kind of problem.
        mask: list of polygons in pixels, run lengths, or None.
        area: area of the mask in square pixels; None takes that of the box.
        attributes: dictionary of what else is said.
        is_crowd: whether it stands for a group.
    """

    where: str
    label: int | None
    box: list[float] | str
    mask: list[list[float]] | dict | None = None
    area: float | None = None
    attributes: dict = dataclasses.field(default_factory=dict)
    is_crowd: bool = False


def object_record(
    image_id: str,
    path: pathlib.Path,
    size: tuple[int, int],
    objects: Iterable[ReadObject],
    first_id: int,
    problems: list[Problem],
) -> Record:
    """The record of one picture.

    Args:
        image_id: id of the picture.
        path: its file.
        size: its width and height in pixels.
        objects: iterable of `ReadObject`; broken ones are dropped.
        first_id: annotation id of the first object that is kept.
        problems: list to which a `Problem` is added for each object that is dropped or clipped.
    """
    kept = []
    for one in objects:
        if isinstance(one.box, str):
            problems.append(Problem(one.box, one.where, "dropped"))
            continue
        fitted, kind, action = fit_box(one.box, *size)
        if kind:
            problems.append(Problem(kind, one.where, action))
        if fitted is not None:
            area = one.area if fitted is one.box else None
            kept.append((one, fitted, fitted[2] * fitted[3] if area is None else area))
    attributes = tuple(one.attributes for one, _, _ in kept)
    masks = tuple(_bounded(one, size) for one, _, _ in kept)
    return Record(
        image_id=image_id,
        path=path,
        width=size[0],
        height=size[1],
        boxes=np.array([box for _, box, _ in kept], "float64").reshape(-1, 4),
        classes=np.array([one.label for one, _, _ in kept], "int64"),
        areas=np.array([area for _, _, area in kept], "float64"),
        is_crowd=np.array([one.is_crowd for one, _, _ in kept], "bool"),
        annotation_ids=tuple(range(first_id, first_id + len(kept))),
        masks=masks,
        attributes=attributes if any(attributes) else (),
    )


def _bounded(one, size):
    """A mask whose points lie at most a picture's size outside: drawing it takes time by length."""
    if not isinstance(one.mask, list):
        return one.mask
    left, top, width, height = one.box
    lowest, highest = (
        min(left / size[0], top / size[1]),
        max((left + width) / size[0], (top + height) / size[1]),
    )
    if lowest >= -1 and highest <= 2:
        return one.mask
    low, high = -np.array(size), 2 * np.array(size)
    points = [np.clip(np.reshape(part, (-1, 2)), low, high) for part in one.mask]
    return [part.reshape(-1).tolist() for part in points]
