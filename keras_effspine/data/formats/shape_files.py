"""Data sets of JSON files in which tools keep what was drawn: common to Labelme and VIA."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable

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
class DrawnImage:
    """What a tool keeps of one picture.

    Args:
        where: the annotation file, and place in it.
        folder: folder of the annotation file.
        names: list of the names by which the picture is looked for, the best first; of each the
            last part counts.
        size: width and height as annotated, or None.
        objects: list of tuples: place in the file; class name or None; and box, mask and area, as
            `drawn_shapes.polygon_shape` gives them, or a string that says what is wrong.
    """

    where: str
    folder: pathlib.Path
    names: list[str]
    size: tuple[int, int] | None
    objects: list[tuple[str, str | None, Shape | str]]


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


def shape_splits(root: str | os.PathLike) -> tuple[str, ...]:
    """Names of the parts: folders that are named so and hold JSON files."""
    return tuple(split for split, path in split_folders(root).items() if _json_files(path))


def load_shapes_of(
    root: str | os.PathLike,
    split: str | None,
    read: Callable[[pathlib.Path, list[Problem]], list[DrawnImage]],
    format: str,
) -> RecordSet:
    """Reads a data set, or a part of it; the classes are those of the whole.

    Args:
        root: path of the folder.
        split: one of `shape_splits`, or None.
        read: function from a file's path and its list of problems to a list of `DrawnImage`.
        format: what it is, in words.

    Returns:
        `RecordSet`. Image ids are the pictures' paths in `root`; annotation ids are numbered
        from 1; classes are sorted by name.

    Raises:
        DataError: there is no such part, or no object has a class.
    """
    root, parts = pathlib.Path(root), split_folders(root)
    if split is not None and split not in shape_splits(root):
        there = ", ".join(shape_splits(root)) or "none"
        raise DataError(f"{root}: there is no split '{split}'; there are: {there}.")
    folder = root if split is None else parts[split]
    problems, drawn, names = list[Problem](), list[DrawnImage](), set[str]()
    for file in _json_files(root):
        inside = file.is_relative_to(folder)
        found = read(file, problems if inside else [])
        names.update(label for one in found for _, label, _ in one.objects if label)
        drawn += found if inside else []
    if not names:
        reason = "".join(f": {p.kind} ({p.where})" for p in problems[:1])
        raise DataError(f"{root}: no shape names a class{reason}.")
    class_of = {name: index for index, name in enumerate(sorted(names))}
    pictures = find_files(folder)
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
        objects = [_object(*found, class_of) for found in one.objects]
        image_id = path.relative_to(root).as_posix()
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


def _json_files(folder):
    return find_files(folder, (".json",)).paths


def _find_image(drawn, lookup):
    """The picture, the nearest to the annotation file where several have its name."""
    for name in drawn.names:
        last = pathlib.PureWindowsPath(name).name
        found = lookup.get(last) or lookup.get(_stem(last))
        if found:
            near = (path for path in found if path.parent == drawn.folder)
            return next(near, found[0])
    return None


def _stem(name):
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in IMAGE_SUFFIXES else name


def _object(where, label, shape, class_of) -> ReadObject:
    if label is None:
        return ReadObject(where, None, "object without a class")
    if isinstance(shape, str):
        return ReadObject(where, None, shape)
    box, mask, area = shape
    return ReadObject(where, class_of[label], np.asarray(box, float).tolist(), mask, area)
