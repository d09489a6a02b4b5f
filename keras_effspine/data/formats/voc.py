"""Pascal VOC folders: `load_voc` and `save_voc`."""

import concurrent.futures
import os
import pathlib
import re

import numpy as np
from PIL import Image

from keras_effspine.data.formats.boxes import fit_box
from keras_effspine.data.formats.file_names import IMAGE_SUFFIXES, leaves_folder
from keras_effspine.data.formats.voc_file import (
    UnreadableFileError,
    read_voc_file,
    voc_file_content,
)
from keras_effspine.data.record import Problem, Record, RecordSet
from keras_effspine.errors import DataError

_LISTS = "ImageSets/Main"
_LABEL_MAP = "labelmap.txt"
_LABEL_MAP_HEAD = "# label:color_rgb:parts:actions"
# A list of one class, such as aeroplane_train.txt, says for each picture whether it is there.
_CLASS_LIST_LINE = re.compile(rb".*\s(-1|0|1)\s*")


def voc_splits(folder):
    """Names of the lists in `ImageSets/Main` that pick pictures, sorted; `()` if there are none."""
    found = []
    for path in sorted((pathlib.Path(folder) / _LISTS).glob("*.txt")):
        with path.open("rb") as file:
            if not _CLASS_LIST_LINE.fullmatch(file.readline().rstrip(b"\n")):
                found.append(path.stem)
    return tuple(found)


def load_voc(folder, split=None):
    """Reads a folder with `Annotations`, `JPEGImages` and lists in `ImageSets/Main`.

    Classes are those of `labelmap.txt` where there is one (as CVAT writes it), otherwise the names
    in all annotation files of the folder, sorted, so that every split has the same.

    An object marked `difficult` becomes one with `is_crowd`: neither trained on nor, in the
    measurement, asked for or counted as wrong, which is what both VOC's and COCO's protocols mean
    by the two. That it was difficult stays in `attributes`, as do `truncated`, `occluded` and
    `pose`.

    Args:
        folder: path of the folder.
        split: name of a list, such as `"train"`; None reads all annotation files.

    Returns:
        `RecordSet`. Image ids are the names in the list; category ids are the class indices;
        annotation ids are numbered from 1. Broken annotations are dropped, pictures whose
        annotation file cannot be read are skipped, and both are listed in `problems`.

    Raises:
        DataError: there is no such list, no annotation, a name that leaves the folder, or a file
            that defines XML entities.
    """
    folder = pathlib.Path(folder)
    files = {path.stem: path for path in sorted((folder / "Annotations").glob("*.xml"))}
    names = list(files) if split is None else _read_list(folder, split)
    given = _read_label_map(folder / _LABEL_MAP)
    wanted = names if given else list(dict.fromkeys([*names, *files]))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        contents = dict(zip(wanted, pool.map(lambda n: _read(folder, n), wanted), strict=True))
    class_names = given or _class_names(contents.values())
    if not class_names:
        raise DataError(f"{folder}: no annotation names a class; check the folder Annotations.")
    class_of = {name: index for index, name in enumerate(class_names)}
    records, problems, first_id = [], [], 1
    for name in names:
        if isinstance(contents[name], UnreadableFileError):
            where = f"{folder / 'Annotations' / name}.xml"
            problems.append(Problem(str(contents[name]), where, "skipped"))
            continue
        record = _record(folder, name, contents[name], class_of, first_id, problems)
        if record is not None:
            records.append(record)
            first_id += len(record.boxes)
    return RecordSet(
        records=tuple(records),
        class_names=tuple(class_names),
        category_ids=tuple(range(len(class_names))),
        source=str(folder),
        problems=tuple(problems),
        format="Pascal VOC folder",
        split=split,
    )


def save_voc(record_sets, folder, names):
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
    for part in ("Annotations", _LISTS):
        (folder / part).mkdir(parents=True, exist_ok=True)
    class_names = next(iter(record_sets.values())).class_names
    for name in class_names:
        if name != name.strip() or not name or ":" in name or "\n" in name:
            raise DataError(f"{name!r}: a Pascal VOC folder cannot hold a class of this name.")
    if len(set(class_names)) != len(class_names):
        raise DataError("A Pascal VOC folder tells classes by name; two have the same one.")
    lines = [_LABEL_MAP_HEAD, *(f"{name}:::" for name in class_names)]
    (folder / _LABEL_MAP).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for split, record_set in record_sets.items():
        for record, name in zip(record_set.records, names[split], strict=True):
            try:
                content = voc_file_content(
                    name, record.width, record.height, list(_objects(record, class_names))
                )
            except ValueError as error:
                raise DataError(
                    f"Image {record.image_id!r}: cannot be written as Pascal VOC ({error})."
                ) from error
            (folder / "Annotations" / f"{_stem(name)}.xml").write_bytes(content)
        listed = "".join(f"{_stem(name)}\n" for name in names[split])
        (folder / _LISTS / f"{split}.txt").write_bytes(os.fsencode(listed))


def _stem(name):
    return name.rpartition(".")[0] or name


def _objects(record, class_names):
    attributes = record.attributes or ({},) * len(record.boxes)
    for box, index, crowd, said in zip(
        record.boxes.tolist(), record.classes, record.is_crowd, attributes, strict=True
    ):
        yield class_names[index], box, {**said, **({"difficult": True} if crowd else {})}


def _read_list(folder, split):
    path = folder / _LISTS / f"{split}.txt"
    if leaves_folder(f"{split}.txt") or not path.is_file():
        there = ", ".join(voc_splits(folder)) or "none"
        raise DataError(f"{folder}: there is no list '{split}' in {_LISTS}; there are: {there}.")
    names = []
    for line in os.fsdecode(path.read_bytes().removeprefix(b"\xef\xbb\xbf")).splitlines():
        name = line.strip()
        if not name:
            continue
        if leaves_folder(name) or "\0" in name:
            raise DataError(f"{path}: {name!r} leaves the folder; use a name inside of it.")
        names.append(name)
    repeated = len(names) - len(set(names))
    if repeated:
        name = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path}: names {name!r} twice; list each picture once.")
    return names


def _read_label_map(path):
    if not path.is_file():
        return []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except ValueError as error:
        raise DataError(f"{path}: is no UTF-8 text ({error}).") from error
    names = [line.split(":")[0].strip() for line in lines if not line.startswith("#")]
    names = [name for name in names if name and name != "background"]
    if len(set(names)) != len(names):
        raise DataError(f"{path}: a class stands there twice; name each once.")
    return names


def _read(folder, name):
    try:
        return read_voc_file(folder / "Annotations" / f"{name}.xml")
    except UnreadableFileError as error:
        return error


def _class_names(contents):
    read = [one for one in contents if not isinstance(one, UnreadableFileError)]
    return sorted({name for one in read for name, _, _ in one.objects if name})


def _record(folder, name, content, class_of, first_id, problems):
    """Makes the record of one picture; None, and a problem, where its size is not to be had."""
    path = _image_path(folder, name, content.filename)
    size = content.size
    if size is None:
        try:
            with Image.open(path) as image:
                size = image.size
        except (OSError, ValueError, Image.DecompressionBombError):
            where = f"{path}, image {name}"
            problems.append(Problem("size neither annotated nor readable", where, "skipped"))
            return None
    kept = []
    for position, (label, box, attributes) in enumerate(content.objects, start=1):
        kind, action = None, "dropped"
        if label is None:
            kind = "object without name"
        elif label not in class_of:
            kind = "unknown class"
        elif isinstance(box, str):
            kind = box
        else:
            box, kind, action = fit_box(box, *size)
            if box is not None:
                kept.append((box, class_of[label], attributes))
        if kind:
            problems.append(Problem(kind, f"{name}.xml, object {position}", action))
    boxes = np.array([box for box, _, _ in kept], "float64").reshape(-1, 4)
    return Record(
        image_id=name,
        path=path,
        width=size[0],
        height=size[1],
        boxes=boxes,
        classes=np.array([index for _, index, _ in kept], "int64"),
        areas=boxes[:, 2] * boxes[:, 3],
        is_crowd=np.array(["difficult" in said for _, _, said in kept], "bool"),
        annotation_ids=tuple(range(first_id, first_id + len(kept))),
        masks=(None,) * len(kept),
        attributes=tuple(said for _, _, said in kept),
    )


def _image_path(folder, name, filename):
    """The picture that carries the annotation's name, with the suffix that `filename` gives."""
    images = folder / "JPEGImages"
    if filename is not None:
        if leaves_folder(filename) or "\0" in filename:
            raise DataError(
                f"{folder / 'Annotations' / name}.xml: filename {filename!r} leaves the folder "
                "JPEGImages; use a name inside of it."
            )
        if _stem(filename) == name:
            return images / filename
    return find_image(folder, name)


def find_image(folder, name):
    """Path of the file in `JPEGImages` that has a name but for its suffix; `.jpg` if none has."""
    images = folder / "JPEGImages"
    for suffix in IMAGE_SUFFIXES:
        for spelled in (suffix, suffix.upper()):
            if (images / f"{name}{spelled}").is_file():
                return images / f"{name}{spelled}"
    return images / f"{name}.jpg"
