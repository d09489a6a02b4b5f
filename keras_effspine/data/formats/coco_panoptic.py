"""COCO's panoptic annotation files as label maps: `load_coco_panoptic`."""

import pathlib

import numpy as np

from keras_effspine.data.formats.coco_file import is_integer, numbers, read_coco_file
from keras_effspine.data.formats.file_names import leaves_folder
from keras_effspine.data.record import Problem, Record, RecordSet
from keras_effspine.data.semantic_labels import SegmentLabels
from keras_effspine.data.semantic_map import MOST_CLASSES, SemanticMap
from keras_effspine.errors import DataError


def is_panoptic(annotation_file):
    """Whether a JSON file is of COCO's panoptic format, whose annotations list segments."""
    return b'"segments_info"' in pathlib.Path(annotation_file).read_bytes()


def load_coco_panoptic(annotation_file, image_folder):
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
    images, categories, annotations = read_coco_file(path)
    maps = path.with_suffix("")
    if not maps.is_dir():
        raise DataError(f"{maps}: there is no such folder; it must hold the PNG files of {path}.")
    if len(categories) > MOST_CLASSES:
        raise DataError(f"{path}: has {len(categories)} categories; at most {MOST_CLASSES} work.")
    class_of = {category["id"]: index for index, category in enumerate(categories)}
    records, problems, found = [], [], set()
    for position, annotation in enumerate(annotations, start=1):
        kind = _broken(annotation, images, class_of, found)
        if kind:
            problems.append(Problem(kind, f"{path.name}, annotation number {position}", "skipped"))
            continue
        found.add(annotation["image_id"])
        image, segments = images[annotation["image_id"]], annotation["segments_info"]
        boxes = [numbers(segment.get("bbox") or [0, 0, 0, 0]) for segment in segments]
        boxes = np.array(boxes, "float64").reshape(-1, 4)
        records.append(
            Record(
                image_id=image["id"],
                path=pathlib.Path(image_folder) / image["file_name"],
                width=image["width"],
                height=image["height"],
                boxes=boxes,
                classes=np.array([class_of[s["category_id"]] for s in segments], "int64"),
                areas=np.array([float(s.get("area") or 0) for s in segments]),
                is_crowd=np.array([bool(s.get("iscrowd")) for s in segments], bool),
                annotation_ids=tuple(segment["id"] for segment in segments),
                masks=(None,) * len(segments),
                semantic_map=SemanticMap(maps / annotation["file_name"], SegmentLabels()),
            )
        )
    for image_id in images:
        if image_id not in found:
            problems.append(Problem("image without annotation", f"image {image_id}", "skipped"))
    return RecordSet(
        records=tuple(records),
        class_names=tuple(category["name"] for category in categories),
        category_ids=tuple(category["id"] for category in categories),
        source=str(path),
        problems=tuple(problems),
        format="COCO panoptic JSON file",
    )


def _broken(annotation, images, class_of, found):
    """What makes an annotation unusable, or None."""
    if not isinstance(annotation, dict) or not isinstance(annotation.get("segments_info"), list):
        return "annotation without segments_info"
    if annotation.get("image_id") not in images:
        return "unknown image"
    if annotation["image_id"] in found:
        return "second annotation of an image"
    file_name = annotation.get("file_name")
    if not isinstance(file_name, str) or not file_name or leaves_folder(file_name):
        return "file_name is missing or leaves the folder"
    for segment in annotation["segments_info"]:
        if not isinstance(segment, dict) or not is_integer(segment.get("id")):
            return "segment without id"
        if segment.get("category_id") not in class_of:
            return "segment of an unknown category"
        box = segment.get("bbox") or [0, 0, 0, 0]
        if not isinstance(box, list) or len(box) != 4 or numbers(box) is None:
            return "box is not four numbers"
    return None
