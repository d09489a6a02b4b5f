"""COCO's panoptic annotation files as label maps: `load_coco_panoptic`."""

import math
import os
import pathlib

import numpy as np

from keras_effspine.data.formats.coco_file import numbers, read_coco_file
from keras_effspine.data.formats.coco_ids import ById, as_number
from keras_effspine.data.formats.coco_images import CocoImage, with_sizes
from keras_effspine.data.formats.file_names import leaves_folder
from keras_effspine.data.record import Problem, Record, RecordSet
from keras_effspine.data.semantic_labels import SegmentLabels
from keras_effspine.data.semantic_map import MOST_CLASSES, SemanticMap
from keras_effspine.errors import DataError
from keras_effspine.validation import cut


def is_panoptic(annotation_file: str | os.PathLike) -> bool:
    """Whether a JSON file is of COCO's panoptic format, whose annotations list segments."""
    return b'"segments_info"' in pathlib.Path(annotation_file).read_bytes()


def load_coco_panoptic(
    annotation_file: str | os.PathLike, image_folder: str | os.PathLike
) -> RecordSet:
    """Reads a panoptic annotation file; its PNG files lie in the folder of its own name.

    Args:
        annotation_file: path of the JSON file, such as `panoptic_val2017.json`, beside the folder
            `panoptic_val2017`.
        image_folder: folder against which the file names of the pictures are resolved.

    Returns:
        `RecordSet` whose objects are the segments, without masks of their own. Pictures without an
        annotation, and annotations that make no sense, are skipped and listed in `problems`.

    Raises:
        DataError: the file is broken, its folder of PNG files is missing, or there are more classes
            than a label map can hold.
    """
    path = pathlib.Path(annotation_file)
    listed, categories, annotations = read_coco_file(path, pathlib.Path(image_folder))
    images, problems = with_sizes(listed)
    maps = path.with_suffix("")
    if not maps.is_dir():
        raise DataError(f"{maps}: there is no such folder; it must hold the PNG files of {path}.")
    if len(categories) > MOST_CLASSES:
        raise DataError(f"{path}: has {len(categories)} categories; at most {MOST_CLASSES} work.")
    classes = ById((one, index) for index, one in enumerate(categories))
    records, found = [], set[int | str]()
    for position, annotation in enumerate(annotations, start=1):
        kind = _fault(annotation, images, listed, classes, found)
        if kind:
            problems.append(Problem(kind, f"{path.name}, annotation number {position}", "skipped"))
            continue
        image, segments = images.find(annotation["image_id"]), annotation["segments_info"]
        assert image is not None
        found.add(image.id)
        boxes = np.array([_box(segment) for segment in segments], "float64").reshape(-1, 4)
        records.append(
            Record(
                image_id=image.id,
                path=image.path,
                width=image.width,
                height=image.height,
                boxes=boxes,
                classes=np.array([classes.find(s["category_id"]) for s in segments], "int64"),
                areas=np.array([_area(segment) for segment in segments], "float64"),
                is_crowd=np.array([bool(s.get("iscrowd")) for s in segments], bool),
                annotation_ids=tuple(as_number(segment["id"]) for segment in segments),
                masks=(None,) * len(segments),
                semantic_map=SemanticMap(maps / annotation["file_name"], SegmentLabels()),
            )
        )
    for image_id in images:
        if image_id not in found:
            where = f"image {cut(str(image_id))}"
            problems.append(Problem("image without annotation", where, "skipped"))
    return RecordSet(
        records=tuple(records),
        class_names=tuple(categories.values()),
        category_ids=tuple(categories),
        source=str(path),
        problems=tuple(problems),
        format="COCO panoptic JSON file",
    )


def _fault(
    annotation: object,
    images: ById[CocoImage],
    listed: ById[CocoImage],
    classes: ById[int],
    found: set[int | str],
) -> str | None:
    """What makes an annotation unusable, or None."""
    if not isinstance(annotation, dict) or not isinstance(annotation.get("segments_info"), list):
        return "annotation without segments_info"
    image = images.find(annotation.get("image_id"))
    if image is None:
        is_listed = listed.find(annotation.get("image_id")) is not None
        return "annotation of an image that cannot be read" if is_listed else "unknown image"
    if image.id in found:
        return "second annotation of an image"
    file_name = annotation.get("file_name")
    if not isinstance(file_name, str) or not file_name or "\0" in file_name:
        return "file_name is missing or leaves the folder"
    if leaves_folder(file_name):
        return "file_name is missing or leaves the folder"
    for segment in annotation["segments_info"]:
        if not isinstance(segment, dict) or as_number(segment.get("id")) is None:
            return "segment without id"
        if classes.find(segment.get("category_id")) is None:
            return "segment of an unknown category"
        if _box(segment) is None:
            return "box is not four numbers"
    return None


def _box(segment: dict) -> list[float] | None:
    """The box of a segment, zero where it says none; None where it is not four finite numbers."""
    box = segment.get("bbox") or [0, 0, 0, 0]
    box = numbers(box) if isinstance(box, list) and len(box) == 4 else None
    return box if box is not None and all(map(math.isfinite, box)) else None


def _area(segment: dict) -> float:
    area = numbers([segment.get("area")])
    return area[0] if area and math.isfinite(area[0]) else 0.0
