"""Reading COCO's annotation files: `load_coco`."""

import itertools
import math
import os
import pathlib
from typing import Any

import numpy as np

from keras_effspine.data.formats.boxes import fit_box
from keras_effspine.data.formats.coco_file import numbers, read_coco_file
from keras_effspine.data.formats.coco_ids import ById, as_id
from keras_effspine.data.formats.coco_images import CocoImage, with_sizes
from keras_effspine.data.instance_masks import check_mask
from keras_effspine.data.record import Problem, Record, RecordSet
from keras_effspine.validation import cut, shown


def load_coco(annotation_file: str | os.PathLike, image_folder: str | os.PathLike) -> RecordSet:
    """Reads a COCO annotation file; the image files themselves are not looked at.

    Classes are the categories of the file, sorted by id. Ids that differ in type alone (1, 1.0,
    "1") are the same. A broken annotation is dropped, a box that reaches out clipped, a mask that
    does not fit its image left out, and an annotation whose id is another's gets a new one; all of
    that is listed in the problems of the result. A broken file raises.

    Args:
        annotation_file: path of the JSON file, with `images`, `annotations` and `categories`.
        image_folder: folder against which the file names of the images are resolved. Pictures
            whose size the file does not say are opened there to read it.

    Returns:
        A `RecordSet` with one `Record` for each image, in the order of the file. Boxes are `xywh`
        in pixels, exactly as in the file; masks are kept in the notation of the file.

    Raises:
        DataError: the file is missing, is not JSON, or its images or categories make no sense.
    """
    path = pathlib.Path(annotation_file)
    listed, categories, annotations = read_coco_file(path, pathlib.Path(image_folder))
    images, problems = with_sizes(listed)
    classes = ById((one, index) for index, one in enumerate(categories))
    found: dict[int | str, list[tuple]] = {image_id: [] for image_id in images}
    ids, renumbered = _unique_ids(annotations)
    for position, (annotation, new_id) in enumerate(zip(annotations, ids, strict=True)):
        kind = _fault(annotation, listed, classes)
        notes = [(kind, "dropped")] if kind else []
        image = None if kind else listed.find(annotation["image_id"])
        image = image and images.get(image.id)
        if image is not None:
            size = (image.width, image.height)
            given = numbers(annotation["bbox"])
            assert given is not None
            box, kind, action = fit_box(given, *size)
            notes += [(kind, action)] if kind else []
            if box is not None:
                mask, fault = _mask(annotation.get("segmentation"), *size)
                notes += [(fault, "kept without its mask")] if fault else []
                if position in renumbered:
                    notes.append((renumbered[position], "renumbered"))
                label = classes.find(annotation["category_id"])
                found[image.id].append((annotation, new_id, label, box, mask))
        place = _place(path, annotation, position, position in renumbered) if notes else ""
        problems += [Problem(one, place, action) for one, action in notes]
    return RecordSet(
        records=tuple(_record(image, found[image_id]) for image_id, image in images.items()),
        class_names=tuple(categories.values()),
        category_ids=tuple(categories),
        source=str(path),
        problems=tuple(problems),
        format="COCO JSON file",
    )


def _unique_ids(annotations: list) -> tuple[list[int | str], dict[int, str]]:
    """Ids that tell all annotations apart, and by its position why one has got a new id.

    Files that were merged repeat them, and some tools leave them out: nothing refers to them.
    """
    ids = [as_id(one.get("id")) if isinstance(one, dict) else None for one in annotations]
    new = itertools.count(max((one for one in ids if isinstance(one, int)), default=0) + 1)
    unique: dict[int | str, None] = {}
    renumbered: dict[int, str] = {}
    for position, one in enumerate(ids):
        if one is None or one in unique:
            renumbered[position] = "annotation without id" if one is None else "repeated id"
            one = next(new)
        unique[one] = None
    return list(unique), renumbered


def _fault(annotation: object, images: ById[CocoImage], classes: ById[int]) -> str | None:
    """What makes an annotation unusable, or None."""
    if not isinstance(annotation, dict):
        return "annotation is no object"
    if images.find(annotation.get("image_id")) is None:
        return "unknown image"
    if classes.find(annotation.get("category_id")) is None:
        return "unknown category"
    if annotation.get("iscrowd", 0) not in (0, 1):
        return "iscrowd is neither 0 nor 1"
    if annotation.get("bbox") is None:
        return "box missing"
    if not isinstance(annotation["bbox"], list) or len(annotation["bbox"]) != 4:
        return "box is not four numbers"
    return "box is not four numbers" if numbers(annotation["bbox"]) is None else None


def _place(path: pathlib.Path, annotation: Any, position: int, with_image: bool) -> str:
    named = as_id(annotation.get("id")) if isinstance(annotation, dict) else None
    if named is None:
        return f"{path.name}, annotation number {position + 1} of the list"
    image = f", image {shown(annotation.get('image_id'))}" if with_image else ""
    return f"{path.name}, annotation {cut(str(named))}{image}"


def _mask(segmentation: object, width: int, height: int) -> tuple[list | dict | None, str | None]:
    """A mask and what is wrong with it; an annotation may do without one."""
    if not isinstance(segmentation, (list, dict)) or not segmentation:
        return None, None
    return check_mask(segmentation, width, height)


def _record(image: CocoImage, found: list[tuple]) -> Record:
    """Makes the record of one image from its tuples of annotation, id, class, box and mask."""
    annotations, ids, classes, boxes, masks = zip(*found, strict=True) if found else ((),) * 5
    areas = [_area(one.get("area"), box) for one, box in zip(annotations, boxes, strict=True)]
    return Record(
        image_id=image.id,
        path=image.path,
        width=image.width,
        height=image.height,
        boxes=np.array(boxes, dtype="float64").reshape(-1, 4),
        classes=np.array(classes, dtype="int64"),
        areas=np.array(areas, dtype="float64"),
        is_crowd=np.array([one.get("iscrowd", 0) for one in annotations], "bool"),
        annotation_ids=ids,
        masks=masks,
        attributes=_attributes(annotations),
    )


def _area(area: object, box: list[float]) -> float:
    given = numbers([area])
    # A negative area would take the object out of COCO's evaluation without a word.
    if given is None or not math.isfinite(given[0]) or given[0] < 0:
        return box[2] * box[3]
    return given[0]


def _attributes(annotations: tuple) -> tuple[dict, ...]:
    """What tools such as CVAT write of each object; empty where nothing is said of any."""
    said = (annotation.get("attributes") for annotation in annotations)
    given = tuple(one if isinstance(one, dict) else {} for one in said)
    return given if any(given) else ()
