"""Data sets of files in which tools keep what was drawn: common to Labelme, VIA, CVAT, ..."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from keras_effspine.data.formats.drawn_shapes import Shape
from keras_effspine.data.formats.object_records import ReadObject, object_record
from keras_effspine.data.images.finding import IMAGE_SUFFIXES, find_files
from keras_effspine.data.images.image_bytes import shown_size
from keras_effspine.data.record import LEFT_OUT, Problem, RecordSet
from keras_effspine.data.split_names import split_folders
from keras_effspine.errors import DataError


@dataclasses.dataclass(frozen=True)
class DrawnObject:
    """What a tool keeps of one object.

    Args:
        where: place in the file.
        label: class name, or None.
        shape: box, mask and area, as `drawn_shapes.polygon_shape` gives them, or a string that says
            what is wrong.
        attributes: dictionary of what else is said.
        is_crowd: whether it stands for a group.
    """

    where: str
    label: str | None
    shape: Shape | str
    attributes: dict = dataclasses.field(default_factory=dict)
    is_crowd: bool = False


@dataclasses.dataclass(frozen=True)
class DrawnImage:
    """What a tool keeps of one picture.

    Args:
        where: the annotation file, and place in it.
        folder: folder of the annotation file.
        names: list of the names by which the picture is looked for, the best first; of each the
            last part counts, and the folders before it where several pictures are called so.
        size: width and height as annotated, or None.
        objects: list of `DrawnObject`.
    """

    where: str
    folder: pathlib.Path
    names: list[str]
    size: tuple[int, int] | None
    objects: list[DrawnObject]


def read_json(path: pathlib.Path) -> object:
    """The content of a JSON file.

    Raises:
        ValueError: it cannot be read, or is no JSON; the message is the kind of problem.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ValueError("annotation file cannot be read") from error
    except (ValueError, RecursionError) as error:
        raise ValueError("annotation file is no valid JSON") from error


def shape_splits(root: str | os.PathLike, suffix: str = ".json") -> tuple[str, ...]:
    """Names of the parts: folders that are named so and hold JSON files, or others."""
    parts = split_folders(root).items()
    return tuple(split for split, path in parts if find_files(path, (suffix,)).paths)


def load_shapes_of(
    root: str | os.PathLike,
    split: str | None,
    read: Callable[[pathlib.Path, list[Problem]], list[DrawnImage]],
    format: str,
    suffix: str = ".json",
    listed: Sequence[str] = (),
    images: pathlib.Path | None = None,
) -> RecordSet:
    """Reads a data set, or a part of it; the classes are those of the whole.

    Args:
        root: path of the folder, or of the only annotation file.
        split: one of `shape_splits`, or None.
        read: function from a file's path and its list of problems to a list of `DrawnImage`.
        format: what it is, in words.
        suffix: that of the annotation files, in lower case.
        listed: class names that are known already, in the order of a list of the tool's.
        images: folder of the pictures; None takes that of the annotation files.

    Returns:
        `RecordSet`. Image ids are the pictures' paths in the folder; annotation ids are numbered
        from 1; classes are those that are listed, and others sorted by name.

    Raises:
        DataError: there is no such part, or no object has a class.
    """
    root, parts = pathlib.Path(root), split_folders(root)
    if split is not None and split not in shape_splits(root, suffix):
        there = ", ".join(shape_splits(root, suffix)) or "none"
        raise DataError(f"{root}: there is no split '{split}'; there are: {there}.")
    folder = root if split is None else parts[split]
    base = images or (root.parent if root.is_file() else root)
    problems, drawn, names = list[Problem](), list[DrawnImage](), set[str]()
    for file in [root] if root.is_file() else find_files(root, (suffix,)).paths:
        inside = file.is_relative_to(folder)
        found = read(file, problems if inside else [])
        names.update(each.label for one in found for each in one.objects if each.label)
        drawn += found if inside else []
    if not names and not listed:
        reason = "".join(f": {p.kind} ({p.where})" for p in problems[:1])
        raise DataError(f"{root}: no shape names a class{reason}.")
    ordered = dict.fromkeys((*listed, *sorted(names)))
    class_of = {name: index for index, name in enumerate(ordered)}
    pictures = find_files(base if folder == root else folder)
    lookup: dict[str, list[pathlib.Path]] = {}
    for path in pictures.paths:
        lookup.setdefault(path.name, []).append(path)
        lookup.setdefault(path.stem, []).append(path)
    Image.preinit()
    records, first_id, used = [], 1, set()
    for one in drawn:
        path = _find_image(one, lookup)
        if path is None:
            problems.append(
                Problem("image file missing", f"{one.where}, image {one.names[0]:.200}", "skipped")
            )
            continue
        if path in used:
            problems.append(Problem("picture annotated twice", f"{one.where}, {path}", "skipped"))
            continue
        used.add(path)
        try:
            size = one.size or shown_size(path)
        except OSError:
            problems.append(Problem("image header unreadable", f"{path}, {one.where}", "skipped"))
            continue
        objects = [_object(found, class_of) for found in one.objects]
        image_id = path.relative_to(base).as_posix()
        records.append(object_record(image_id, path, size, objects, first_id, problems))
        first_id += len(records[-1].boxes)
    problems += [
        Problem("picture without an annotation", str(path), LEFT_OUT)
        for path in pictures.paths
        if path not in used
    ]
    return RecordSet(
        records=tuple(records),
        class_names=tuple(class_of),
        category_ids=tuple(range(len(class_of))),
        source=str(folder),
        problems=(*pictures.problems, *problems),
        format=format,
        split=split,
    )


def _find_image(drawn, lookup):
    """The picture; the folders before its name, and that of the file, tell several apart."""
    for name in drawn.names:
        named = pathlib.PureWindowsPath(name)
        found = lookup.get(named.name) or lookup.get(_stem(named.name))
        if found:
            folders = named.parts[-2::-1]
            return max(
                found,
                key=lambda path: (
                    _alike(folders, path.parts[-2::-1]),
                    path.parent == drawn.folder,
                ),
            )
    return None


def _alike(one, other):
    """How many items two sequences begin with together."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count


def _stem(name):
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in IMAGE_SUFFIXES else name


def _object(drawn, class_of) -> ReadObject:
    if drawn.label is None:
        return ReadObject(drawn.where, None, "object without a class")
    if isinstance(drawn.shape, str):
        return ReadObject(drawn.where, None, drawn.shape)
    box, mask, area = drawn.shape
    return ReadObject(
        drawn.where,
        class_of[drawn.label],
        np.asarray(box, float).tolist(),
        mask,
        area,
        drawn.attributes,
        drawn.is_crowd,
    )
