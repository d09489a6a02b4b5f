"""COCO's annotation files: `load_coco` and `save_coco`."""

import json
import math
import os
import pathlib

import numpy as np

from keras_effspine.atomic_file import write_file
from keras_effspine.data.formats.boxes import fit_box
from keras_effspine.data.formats.coco_file import is_id, is_integer, numbers, read_coco_file
from keras_effspine.data.formats.file_names import leaves_folder
from keras_effspine.data.record import Problem, Record, RecordSet
from keras_effspine.errors import DataError


def load_coco(annotation_file, image_folder):
    """Reads a COCO annotation file; the image files themselves are not looked at.

    Classes are the categories of the file, sorted by id. A broken annotation is dropped (or its
    box clipped) and listed in the problems of the result; a broken file raises.

    Args:
        annotation_file: path of the JSON file, with `images`, `annotations` and `categories`.
        image_folder: folder against which the file names of the images are resolved.

    Returns:
        A `RecordSet` with one `Record` for each image, in the order of the file. Boxes are `xywh`
        in pixels, exactly as in the file; masks are kept in the notation of the file.

    Raises:
        DataError: the file is missing, is not JSON, or its images or categories make no sense.
    """
    path = pathlib.Path(annotation_file)
    images, categories, annotations = read_coco_file(path)
    class_of = {category["id"]: index for index, category in enumerate(categories)}
    found = {image_id: [] for image_id in images}
    problems, seen = [], set()
    for position, annotation in enumerate(annotations):
        kind = _broken(annotation, seen, images, class_of)
        action = "dropped"
        if kind is None:
            image = images[annotation["image_id"]]
            box, kind, action = fit_box(
                numbers(annotation["bbox"]), image["width"], image["height"]
            )
            if box is not None:
                found[annotation["image_id"]].append((annotation, box))
        if kind:
            name = annotation.get("id") if isinstance(annotation, dict) else None
            name = f"number {position + 1} of the list" if name is None else name
            problems.append(Problem(kind, f"{path.name}, annotation {name}", action))
    return RecordSet(
        records=tuple(
            _record(image, pathlib.Path(image_folder), found[image_id], class_of)
            for image_id, image in images.items()
        ),
        class_names=tuple(category["name"] for category in categories),
        category_ids=tuple(category["id"] for category in categories),
        source=str(path),
        problems=tuple(problems),
        format="COCO JSON file",
    )


def save_coco(record_set, annotation_file, image_folder=None, paths=None):
    """Writes a record set as a COCO annotation file, which `load_coco` reads back.

    The file appears whole or not at all. Semantic maps and image labels have no place in it.

    Args:
        record_set: the `RecordSet` to write.
        annotation_file: path of the JSON file; an existing file is replaced.
        image_folder: folder to which the file names in the file are relative; by default the
            innermost folder that holds all pictures.
        paths: list of the paths of the image files, one a record; by default the records' own.

    Raises:
        DataError: a picture lies outside of `image_folder`.
    """
    if paths is None:
        paths = [record.path for record in record_set.records]
    paths = [os.path.abspath(path) for path in paths]
    if image_folder is None and paths:
        image_folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    images, annotations = [], []
    for record, path in zip(record_set.records, paths, strict=True):
        file_name = pathlib.Path(os.path.relpath(path, image_folder)).as_posix()
        if leaves_folder(file_name):
            raise DataError(
                f"Image {record.image_id} ({path}) lies outside of the image folder "
                f"{image_folder}; name a folder that holds all pictures."
            )
        size = {"width": record.width, "height": record.height}
        images.append({"id": record.image_id, "file_name": file_name, **size})
        annotations.extend(_annotations(record, record_set.category_ids))
    named = zip(record_set.category_ids, record_set.class_names, strict=True)
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": category_id, "name": name} for category_id, name in named],
    }
    text = json.dumps(content, allow_nan=False, default=_plain)
    write_file(annotation_file, lambda file: file.write_text(text, encoding="utf-8"))


def _broken(annotation, seen, images, class_of):
    """Returns what makes an annotation unusable, or None; notes its id in `seen`."""
    if not isinstance(annotation, dict):
        return "annotation is no object"
    if not is_id(annotation.get("id")):
        return "annotation without id"
    if annotation["id"] in seen:
        return "duplicate annotation id"
    seen.add(annotation["id"])
    if not is_id(annotation.get("image_id")) or annotation["image_id"] not in images:
        return "unknown image"
    if not is_integer(annotation.get("category_id")) or annotation["category_id"] not in class_of:
        return "unknown category"
    if annotation.get("iscrowd", 0) not in (0, 1):
        return "iscrowd is neither 0 nor 1"
    if annotation.get("bbox") is None:
        return "box missing"
    if not isinstance(annotation["bbox"], list) or len(annotation["bbox"]) != 4:
        return "box is not four numbers"
    return "box is not four numbers" if numbers(annotation["bbox"]) is None else None


def _record(image, image_folder, found, class_of):
    """Makes the record of one image from its `(annotation, box)` pairs."""
    annotations = [annotation for annotation, _ in found]
    areas = [_area(annotation.get("area"), box) for annotation, box in found]
    classes = [class_of[annotation["category_id"]] for annotation in annotations]
    return Record(
        image_id=image["id"],
        path=image_folder / image["file_name"],
        width=image["width"],
        height=image["height"],
        boxes=np.array([box for _, box in found], dtype="float64").reshape(-1, 4),
        classes=np.array(classes, dtype="int64"),
        areas=np.array(areas, dtype="float64"),
        is_crowd=np.array([annotation.get("iscrowd", 0) for annotation in annotations], "bool"),
        annotation_ids=tuple(annotation["id"] for annotation in annotations),
        masks=tuple(_mask(annotation.get("segmentation")) for annotation in annotations),
        attributes=_attributes(annotations),
    )


def _area(area, box):
    given = numbers([area])
    # A negative area would take the object out of COCO's evaluation without a word.
    if given is None or not math.isfinite(given[0]) or given[0] < 0:
        return box[2] * box[3]
    return given[0]


def _mask(segmentation):
    return segmentation if isinstance(segmentation, (list, dict)) and segmentation else None


def _attributes(annotations):
    """What tools such as CVAT write of each object; empty where nothing is said of any."""
    given = [annotation.get("attributes") for annotation in annotations]
    given = tuple(one if isinstance(one, dict) else {} for one in given)
    return given if any(given) else ()


def _annotations(record, category_ids):
    attributes = record.attributes or ({},) * len(record.boxes)
    for index, (annotation_id, mask) in enumerate(
        zip(record.annotation_ids, record.masks, strict=True)
    ):
        yield {
            "id": annotation_id,
            "image_id": record.image_id,
            "category_id": category_ids[record.classes[index]],
            "bbox": record.boxes[index].tolist(),
            "area": float(record.areas[index]),
            "iscrowd": int(record.is_crowd[index]),
            **({} if mask is None else {"segmentation": mask}),
            **({"attributes": attributes[index]} if attributes[index] else {}),
        }


def _plain(value):
    """Turns what pycocotools and NumPy put into masks and ids into what JSON can hold."""
    return value.decode("ascii") if isinstance(value, bytes) else value.tolist()
