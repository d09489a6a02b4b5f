"""Pictures in a folder for each class: `load_class_folders`."""

import concurrent.futures
import os
import pathlib

from PIL import Image

from keras_effspine.data.checks import check_share
from keras_effspine.data.images.finding import (
    IMAGE_SUFFIXES,
    FoundFiles,
    find_files,
    visible_folders,
)
from keras_effspine.data.images.image_bytes import shown_size
from keras_effspine.data.record import LEFT_OUT, Problem, Record, RecordSet, record_without_objects
from keras_effspine.data.split_names import split_folders
from keras_effspine.errors import DataError


def class_folder_splits(root: str | os.PathLike) -> tuple[str, ...]:
    """Names of the parts, as a tuple: `()` where the folders of the classes lie in the root."""
    return tuple(_parts(root))


def load_class_folders(root: str | os.PathLike, split: str | None) -> RecordSet:
    """Reads one part of a data set that has a folder for each class.

    The layout is `root/<part>/<class>/**/<image>`, with a part that is named as
    `split_names.split_name` knows them, or `root/<class>/**/<image>`. Classes are the folders'
    names in order.

    Args:
        root: path of the folder.
        split: name of the part; None where there are none.

    Returns:
        `RecordSet`; image ids are the paths below the part's folder, with forward slashes.

    Raises:
        DataError: there is no such part, a class has no pictures, or too many pictures cannot be
            read.
    """
    root, parts = pathlib.Path(root), _parts(root)
    if split is not None and split not in parts:
        there = ", ".join(parts) or "none"
        raise DataError(f"{root}: there is no split '{split}'; there are: {there}.")
    folder = root if split is None else parts[split]
    classes = visible_folders(folder)
    pictures = [_images(part) for part in classes]
    files = [(path, label) for label, found in enumerate(pictures) for path in found.paths]
    Image.preinit()  # once, before the threads ask for it at the same time
    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda file: _read(file[0], file[1], folder), files))
    broken = [one for one in found if isinstance(one, Problem)]
    check_share(str(folder), broken, len(found))
    problems = [problem for one in pictures for problem in one.problems]
    problems += _beside(root, parts, folder)
    return RecordSet(
        records=tuple(one for one in found if not isinstance(one, Problem)),
        class_names=tuple(path.name for path in classes),
        category_ids=tuple(range(len(classes))),
        source=str(folder),
        problems=(*problems, *broken),
        format="folder for each class",
        split=split,
    )


def _parts(root):
    return {split: path for split, path in split_folders(root).items() if visible_folders(path)}


def _images(folder) -> FoundFiles:
    """The picture files of a class, in order."""
    found = find_files(folder)
    if not found.paths:
        others = "".join(f"; left out: {p.kind} ({p.where})" for p in found.problems[:1])
        raise DataError(
            f"{folder}: the class '{folder.name}' has no pictures ({' '.join(IMAGE_SUFFIXES)}); "
            f"add some, or remove the folder{others}."
        )
    return found


def _beside(root, parts, folder):
    """A `Problem` for each picture beside the folders of classes, and folder beside the parts."""
    found = find_files(folder, deep=False)
    problems = [
        *found.problems,
        *(Problem("picture in no class's folder", str(path), LEFT_OUT) for path in found.paths),
    ]
    others = set(visible_folders(root)) - set(parts.values()) if parts else ()
    return problems + [
        Problem("folder beside those of the parts", str(path), LEFT_OUT) for path in sorted(others)
    ]


def _read(path, label, folder) -> Record | Problem:
    """The `Record` of a picture, or the `Problem` with it."""
    image_id = path.relative_to(folder).as_posix()
    try:
        width, height = shown_size(path)
    except OSError:
        return Problem("image header unreadable", f"{path}", "skipped")
    return record_without_objects(
        image_id=image_id,
        path=path,
        width=width,
        height=height,
        image_label=label,
        name=image_id,
    )
