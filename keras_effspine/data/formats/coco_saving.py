"""Writing COCO's annotation files: `save_coco`."""

import json
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from keras_effspine.atomic_file import write_file
from keras_effspine.data.formats.file_names import leaves_folder
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.errors import DataError


def save_coco(
    record_set: RecordSet,
    annotation_file: str | os.PathLike,
    image_folder: str | os.PathLike | None = None,
    paths: Sequence[str | os.PathLike] | None = None,
) -> None:
    """Writes a record set as a COCO annotation file, which `load_coco` reads back.

    The file appears whole or not at all. Semantic maps and image labels have no place in it.

    Args:
        record_set: the `RecordSet` to write.
        annotation_file: path of the JSON file; an existing file is replaced.
        image_folder: folder to which the file names in the file are relative; by default the
            innermost folder that holds all pictures.
        paths: list of the paths of the image files, one a record; by default the records' own.

    Raises:
        DataError: a picture lies outside of `image_folder`, or a number is not finite.
    """
    if paths is None:
        paths = [record.path for record in record_set.records]
    paths = [os.path.abspath(path) for path in paths]
    if image_folder is None and paths:
        image_folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    names = []
    for record, path in zip(record_set.records, paths, strict=True):
        file_name = pathlib.Path(os.path.relpath(path, image_folder)).as_posix()
        if leaves_folder(file_name):
            raise DataError(
                f"Image {record.image_id} ({path}) lies outside of the image folder "
                f"{image_folder}; name a folder that holds all pictures."
            )
        names.append(file_name)
    content = coco_content(record_set, names)
    try:
        text = json.dumps(content, allow_nan=False, default=_plain)
    except ValueError as error:
        raise DataError(
            f"{annotation_file}: a box, an area or an attribute is not finite; COCO's format has "
            "no number for it."
        ) from error
    write_file(annotation_file, lambda file: file.write_text(text, encoding="utf-8"))


def coco_content(record_set: RecordSet, file_names: Sequence[str]) -> dict:
    """What stands in COCO's annotation file, each picture under its file name.

    Masks and attributes are as the records have them, bytes and NumPy's numbers included.
    """
    images, annotations = list[dict](), list[dict]()
    for record, file_name in zip(record_set.records, file_names, strict=True):
        size = {"width": record.width, "height": record.height}
        images.append({"id": record.image_id, "file_name": file_name, **size})
        annotations.extend(_annotations(record, record_set.category_ids))
    named = zip(record_set.category_ids, record_set.class_names, strict=True)
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": category_id, "name": name} for category_id, name in named],
    }


def _annotations(record: Record, category_ids: tuple) -> Iterator[dict]:
    attributes: Sequence[dict] = record.attributes or ({},) * len(record.boxes)
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


def _plain(value: Any) -> object:
    """Turns what pycocotools and NumPy put into masks and ids into what JSON can hold."""
    return value.decode("ascii") if isinstance(value, bytes) else value.tolist()
