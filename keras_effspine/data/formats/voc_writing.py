"""Writing Pascal VOC folders: `save_voc`."""

import os
import pathlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from keras_effspine.data.formats.voc_file import CORNERS, FLAGS
from keras_effspine.data.formats.voc_folder import LABEL_MAP, LISTS
from keras_effspine.data.formats.xml_file import add_text, xml_text
from keras_effspine.data.record import Record
from keras_effspine.errors import DataError

_LABEL_MAP_HEAD = "# label:color_rgb:parts:actions"


def save_voc(record_sets: dict, folder: str | os.PathLike, names: dict) -> None:
    """Writes annotation files and lists; the pictures are not touched.

    Crowds are written as `difficult`. Masks, areas and ids have no place in the format.

    Args:
        record_sets: dictionary from split to `RecordSet`; all have the same classes.
        folder: path of the folder.
        names: dictionary from split to the list of the pictures' file names in `JPEGImages`.

    Raises:
        DataError: a class or file name cannot be written.
    """
    folder = pathlib.Path(folder)
    for part in ("Annotations", LISTS):
        (folder / part).mkdir(parents=True, exist_ok=True)
    class_names = next(iter(record_sets.values())).class_names
    for name in class_names:
        if name != name.strip() or not name or ":" in name or "\n" in name:
            raise DataError(f"{name!r}: a Pascal VOC folder cannot hold a class of this name.")
    if len(set(class_names)) != len(class_names):
        raise DataError("A Pascal VOC folder tells classes by name; two have the same one.")
    lines = [_LABEL_MAP_HEAD, *(f"{name}:::" for name in class_names)]
    (folder / LABEL_MAP).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for split, record_set in record_sets.items():
        for record, name in zip(record_set.records, names[split], strict=True):
            try:
                content = voc_text(record, name, class_names).encode("utf-8")
            except ValueError as error:
                raise DataError(
                    f"Image {record.image_id!r}: cannot be written as Pascal VOC ({error})."
                ) from error
            (folder / "Annotations" / f"{_stem(name)}.xml").write_bytes(content)
        listed = "".join(f"{_stem(name)}\n" for name in names[split])
        (folder / LISTS / f"{split}.txt").write_bytes(os.fsencode(listed))


def _stem(name):
    return name.rpartition(".")[0] or name


def voc_text(record: Record, name: str, class_names: Sequence[str]) -> str:
    """The annotation file of a picture, in XML.

    Args:
        record: `Record`.
        name: the picture's file name.
        class_names: the names of all classes.

    Raises:
        ValueError: a name holds characters that XML cannot.
    """
    root = ElementTree.Element("annotation")
    add_text(root, "folder", "JPEGImages")
    add_text(root, "filename", name)
    add_text(add_text(root, "source"), "database", "Unknown")
    size = add_text(root, "size")
    for side, value in (("width", record.width), ("height", record.height), ("depth", 3)):
        add_text(size, side, value)
    add_text(root, "segmented", 0)
    for label, box, attributes in _objects(record, class_names):
        item = add_text(root, "object")
        add_text(item, "name", label)
        add_text(item, "pose", attributes.get("pose", "Unspecified"))
        for flag in FLAGS:
            if flag in attributes or flag != "occluded":
                add_text(item, flag, int(bool(attributes.get(flag))))
        corners = add_text(item, "bndbox")
        edges = (box[0], box[1], box[0] + box[2], box[1] + box[3])
        for corner, value in zip(CORNERS, edges, strict=True):
            add_text(
                corners, corner, int(value) if float(value).is_integer() else repr(float(value))
            )
    return xml_text(root)


def _objects(record, class_names):
    attributes = record.attributes or ({},) * len(record.boxes)
    for box, index, crowd, said in zip(
        record.boxes.tolist(), record.classes, record.is_crowd, attributes, strict=True
    ):
        yield class_names[index], box, {**said, **({"difficult": True} if crowd else {})}
