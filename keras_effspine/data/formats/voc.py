"""Pascal VOC folders: `load_voc` and `save_voc`."""

import concurrent.futures
import os
import pathlib

from PIL import Image

from keras_effspine.data.formats.object_records import ReadObject, object_record
from keras_effspine.data.formats.text_files import read_text
from keras_effspine.data.formats.voc_file import (
    UnreadableFileError,
    read_voc_file,
    voc_file_content,
)
from keras_effspine.data.formats.voc_folder import LISTS, open_voc, without_annotation
from keras_effspine.data.record import Problem, Record, RecordSet
from keras_effspine.errors import DataError

_LABEL_MAP = "labelmap.txt"
_LABEL_MAP_HEAD = "# label:color_rgb:parts:actions"


def voc_splits(folder: str | os.PathLike) -> tuple:
    """Names of the parts of a data set; `()` if there are none."""
    return tuple(open_voc(folder).splits)


def load_voc(folder: str | os.PathLike, split: str | None = None) -> RecordSet:
    """Reads a folder of annotation files and pictures; see `voc_folder.open_voc`.

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
        DataError: there is no such list, no annotation, a name in a list that leaves the folder, or
            a file that defines XML entities.
    """
    voc = open_voc(folder)
    names = voc.names(split)
    given = _read_label_map(voc.root / _LABEL_MAP)
    wanted = names if given else list(dict.fromkeys([*names, *voc.annotations]))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        contents = dict(zip(wanted, pool.map(lambda n: _read(voc, n), wanted), strict=True))
    class_names = given or _class_names(contents.values())
    if not class_names:
        reasons = [f"{one} ({n}.xml)" for n, one in contents.items() if isinstance(one, Exception)]
        raise DataError(
            f"{folder}: no annotation names a class; check the folder {_place(voc)}"
            f"{': ' if reasons else ''}{'; '.join(reasons[:3])}."
        )
    class_of = {name: index for index, name in enumerate(class_names)}
    records, problems, first_id = [], list(voc.problems), 1
    if split is None:
        problems += without_annotation(voc)
    for name in names:
        content = contents[name]
        if isinstance(content, UnreadableFileError):
            problems.append(Problem(str(content), f"{_file(voc, name)}", "skipped"))
            continue
        record = _record(voc, name, content, class_of, first_id, problems)
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
        (folder / LISTS / f"{split}.txt").write_bytes(os.fsencode(listed))


def _stem(name):
    return name.rpartition(".")[0] or name


def _objects(record, class_names):
    attributes = record.attributes or ({},) * len(record.boxes)
    for box, index, crowd, said in zip(
        record.boxes.tolist(), record.classes, record.is_crowd, attributes, strict=True
    ):
        yield class_names[index], box, {**said, **({"difficult": True} if crowd else {})}


def _read_label_map(path):
    if not path.is_file():
        return []
    try:
        lines = read_text(path).splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: is no text in UTF-8 or UTF-16 ({error!s:.200}).") from error
    names = [line.split(":")[0].strip() for line in lines if not line.startswith("#")]
    names = [name for name in names if name and name != "background"]
    if len(set(names)) != len(names):
        raise DataError(f"{path}: a class stands there twice; name each once.")
    return names


def _place(voc):
    file = next(iter(voc.annotations.values()), voc.root / "Annotations" / "")
    return file.parent.name


def _file(voc, name):
    return voc.annotations.get(name, voc.root / "Annotations" / f"{name}.xml")


def _read(voc, name):
    try:
        return read_voc_file(_file(voc, name))
    except UnreadableFileError as error:
        return error


def _class_names(contents):
    read = [one for one in contents if not isinstance(one, UnreadableFileError)]
    return sorted({name for one in read for name, _, _ in one.objects if name})


def _record(voc, name, content, class_of, first_id, problems) -> Record | None:
    """Makes the record of one picture; None, and a problem, where its size is not to be had."""
    path = voc.image_path(name, content.filename)
    size = content.size
    if size is None:
        try:
            with Image.open(path) as image:
                size = image.size
        except Exception:  # Pillow raises whatever a broken file leads it to
            where = f"{path}, image {name}"
            problems.append(Problem("size neither annotated nor readable", where, "skipped"))
            return None
    for kind in content.problems:
        problems.append(Problem(kind, f"{name}.xml", "dropped"))
    objects = []
    for position, (label, box, attributes) in enumerate(content.objects, start=1):
        if label is None:
            box = "object without name"
        elif label not in class_of:
            box = "unknown class"
        where = f"{name}.xml, object {position}"
        objects.append(
            ReadObject(
                where,
                class_of.get(label),
                box,
                attributes=attributes,
                is_crowd="difficult" in attributes,
            )
        )
    return object_record(name, path, size, objects, first_id, problems)
