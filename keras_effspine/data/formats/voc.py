"""Pascal VOC folders: `load_voc`."""

import concurrent.futures
import os

from PIL import Image

from keras_effspine.data.formats.object_records import ReadObject, object_record
from keras_effspine.data.formats.text_files import read_text
from keras_effspine.data.formats.voc_file import read_voc_file
from keras_effspine.data.formats.voc_folder import LABEL_MAP, open_voc, without_annotation
from keras_effspine.data.formats.xml_file import UnreadableFileError
from keras_effspine.data.record import Problem, Record, RecordSet
from keras_effspine.errors import DataError


def voc_splits(folder: str | os.PathLike) -> tuple[str, ...]:
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
    given = _read_label_map(voc.root / LABEL_MAP)
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
