"""Writing CVAT's own XML: `save_cvat`."""

import itertools
import os
import pathlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

import numpy as np

from keras_effspine.data.formats.cvat import CROWD
from keras_effspine.data.formats.xml_file import add_text, xml_text
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.run_lengths import decoded, run_lengths_of
from keras_effspine.errors import DataError


def save_cvat(
    record_set: RecordSet, path: str | os.PathLike, names: Sequence[str], predicted: bool = False
) -> None:
    """Writes `annotations.xml`, as "CVAT for images 1.1" takes and exports it.

    Polygons stay polygons; other masks are painted ones. Crowds are told by an attribute. What
    CVAT does not know as an attribute of a label it leaves out.

    Args:
        record_set: the `RecordSet` to write.
        path: path of the XML file.
        names: list of the pictures' names in the task.
        predicted: whether a model has said it, and not a person.

    Raises:
        DataError: a class or file name cannot be written.
    """
    root = ElementTree.Element("annotations")
    add_text(root, "version", "1.1")
    task = add_text(add_text(root, "meta"), "task")
    add_text(task, "name", pathlib.Path(record_set.source).name)
    add_text(task, "size", len(record_set.records))
    add_text(task, "mode", "annotation")
    labels = add_text(task, "labels")
    try:
        for name in record_set.class_names:
            label = add_text(labels, "label")
            add_text(label, "name", name)
            _add_attributes(label, record_set.records)
        for number, (record, name) in enumerate(zip(record_set.records, names, strict=True)):
            size = {"width": str(record.width), "height": str(record.height)}
            said = {"id": str(number), "name": name, **size}
            image = ElementTree.SubElement(root, "image", said)
            _add_objects(image, record, record_set.class_names, predicted)
        text = xml_text(root)
    except ValueError as error:
        raise DataError(f"{path}: cannot be written as CVAT's XML ({error}).") from error
    pathlib.Path(path).write_text(text, encoding="utf-8")


def _add_attributes(label, records):
    """The attributes that are said of objects: CVAT asks for a list of them with the label."""
    kinds: dict[str, str] = {}
    for record in records:
        for said in record.attributes:
            kinds.update({key: _kind(value) for key, value in said.items() if key != "occluded"})
        if record.is_crowd.any():
            kinds[CROWD] = "checkbox"
    parent = add_text(label, "attributes")
    for name, kind in kinds.items():
        attribute = add_text(parent, "attribute")
        add_text(attribute, "name", name)
        add_text(attribute, "mutable", "False")
        add_text(attribute, "input_type", kind)
        add_text(attribute, "default_value", "false" if kind == "checkbox" else "")
        add_text(attribute, "values", "false" if kind == "checkbox" else "")


def _kind(value):
    return "checkbox" if isinstance(value, (bool, np.bool_)) else "text"


def _add_objects(image, record: Record, class_names, predicted):
    attributes = record.attributes or ({},) * len(record.boxes)
    for index, (box, said) in enumerate(zip(record.boxes.tolist(), attributes, strict=True)):
        tag, place = _shape(box, record.masks[index], record)
        told = {
            "label": class_names[record.classes[index]],
            "source": "auto" if predicted else "manual",
            "occluded": str(int(bool(said.get("occluded")))),
        }
        element = ElementTree.SubElement(image, tag, {**told, **place, "z_order": "0"})
        said = {key: value for key, value in said.items() if key != "occluded"}
        if record.is_crowd[index]:
            said[CROWD] = True
        for name, value in said.items():
            text = str(bool(value)).lower() if _kind(value) == "checkbox" else str(value)
            add_text(element, "attribute", text).set("name", name)


def _shape(box, mask, record):
    if mask is None:
        left, top, width, height = box
        corners = (left, top, left + width, top + height)
        return "box", dict(zip(("xtl", "ytl", "xbr", "ybr"), map(repr, corners), strict=True))
    if isinstance(mask, list) and len(mask) == 1:
        points = np.reshape(mask[0], (-1, 2)).tolist()
        return "polygon", {"points": ";".join(f"{x!r},{y!r}" for x, y in points)}
    plane = decoded(run_lengths_of(mask, record.width, record.height))
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    if not len(rows):  # a crop of one empty pixel: nothing is left out unseen
        rows = columns = np.zeros(1, "int64")
    crop = plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    runs = [(value, len(list(run))) for value, run in itertools.groupby(crop.ravel().tolist())]
    counts = [*([0] if runs[0][0] else []), *(length for _, length in runs)]
    place = {"left": columns[0], "top": rows[0], "width": crop.shape[1], "height": crop.shape[0]}
    return "mask", {
        "rle": ", ".join(map(str, counts)),
        **{key: str(value) for key, value in place.items()},
    }
