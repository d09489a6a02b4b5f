"""One annotation file of a Pascal VOC folder: `read_voc_file`."""

import dataclasses
import math
import pathlib

from keras_effspine.data.formats.boxes import whole_size
from keras_effspine.data.formats.xml_file import UnreadableFileError, read_xml


@dataclasses.dataclass(frozen=True)
class VocAnnotation:
    """What an annotation file says.

    Args:
        filename: name of the picture as given, or None.
        size: pair of width and height in pixels, or None where it is missing or zero.
        objects: list of tuples: class name or None, box or a string that says what is wrong with
            it, and attributes. Boxes are lists of four floats, `xywh` in pixels.
        problems: list of kinds of problem with what belongs to no object.
    """

    filename: str | None
    size: tuple[int, int] | None
    objects: list[tuple[str | None, list[float] | str, dict]]
    problems: list[str]


def read_voc_file(path: pathlib.Path) -> VocAnnotation:
    """Reads an annotation file.

    Corners are taken as edges in pixels from 0, as today's tools write them. The files of the VOC
    challenges themselves count pixels from 1, and their last pixel belongs to the box; they are
    known by their `<database>`.

    Args:
        path: `pathlib.Path` of the XML file.

    Returns:
        `VocAnnotation`.

    Raises:
        UnreadableFileError: the file is missing, empty, no XML, or no annotation of one picture.
        DataError: the file defines entities, which could fill the memory or name other files.
    """
    root = _annotation(read_xml(path))
    first = 1.0 if (root.findtext("source/database") or "").strip().startswith("The VOC") else 0.0
    size = (_number(root.findtext(f"size/{side}")) for side in ("width", "height"))
    items = list(root.iter("object"))
    boxes = sum(1 for _ in root.iter("bndbox"))
    owned = sum(1 for item in items for _ in item.iter("bndbox"))
    return VocAnnotation(
        filename=(root.findtext("filename") or "").strip() or None,
        size=whole_size(*size),
        objects=[_object(item, first) for item in items],
        problems=["box that belongs to no object"] * max(boxes - owned, 0),
    )


CORNERS = ("xmin", "ymin", "xmax", "ymax")
FLAGS = ("truncated", "occluded", "difficult")


def _annotation(root):
    """The annotation in a document, whatever stands around it, its tags plain and in lower case.

    A document of another root or namespace is read where it holds what an annotation does, and
    refused where not: it must not pass for a picture without objects.
    """
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2].lower()
    found = list(root.iter("annotation"))
    if len(found) > 1:
        raise UnreadableFileError("annotation file of several pictures")
    annotation = found[0] if found else root
    inside, everywhere = (sum(1 for _ in tree.iter("object")) for tree in (annotation, root))
    if inside != everywhere or not (found or inside):
        raise UnreadableFileError(
            "objects outside of the annotation" if everywhere else "XML file without an annotation"
        )
    return annotation


def _object(item, first):
    name = (item.findtext("name") or "").strip() or None
    attributes = {flag: True for flag in FLAGS if (_number(item.findtext(flag)) or 0) > 0}
    pose = (item.findtext("pose") or "").strip()
    if pose and pose.lower() != "unspecified":
        attributes["pose"] = pose
    return name, _box(item.find("bndbox"), first), attributes


def _box(corners, first):
    if corners is None:
        return "box missing"
    edges = [_number(corners.findtext(corner)) for corner in CORNERS]
    if None in edges:
        return "box is not four numbers"
    if not all(map(math.isfinite, edges)):
        return "box is not finite"
    left, top = edges[0] - first, edges[1] - first
    return [left, top, edges[2] - left, edges[3] - top]


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
