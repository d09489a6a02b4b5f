"""Pictures in a folder for each class: `load_class_folders`."""

import concurrent.futures
import pathlib

from PIL import Image

from keras_effspine.data.checks import check_share
from keras_effspine.data.formats.file_names import IMAGE_SUFFIXES
from keras_effspine.data.images.orientation import upright_size
from keras_effspine.data.record import Problem, RecordSet, record_without_objects
from keras_effspine.errors import DataError

_SPLITS = ("train", "val", "validation", "valid", "test")


def class_folder_splits(root):
    """Names of the parts, as a tuple: `()` where the folders of the classes lie in the root."""
    root = pathlib.Path(root)
    return tuple(name for name in _SPLITS if any(_folders(root / name)))


def load_class_folders(root, split):
    """Reads one part of a data set that has a folder for each class.

    The layout is `root/<part>/<class>/**/<image>`, with a part `train`, `val`, `validation`,
    `valid` or `test`, or `root/<class>/**/<image>`. Classes are the folders' names in order.

    Args:
        root: path of the folder.
        split: name of the part; None where there are none.

    Returns:
        `RecordSet`; image ids are the paths below the part's folder, with forward slashes.

    Raises:
        DataError: there is no such part, a class has no pictures, or too many pictures cannot be
            read.
    """
    root = pathlib.Path(root)
    if split is not None and split not in class_folder_splits(root):
        there = ", ".join(class_folder_splits(root)) or "none"
        raise DataError(f"{root}: there is no split '{split}'; there are: {there}.")
    folder = root if split is None else root / split
    classes = sorted(_folders(folder), key=lambda path: path.name)
    files = [(path, label) for label, part in enumerate(classes) for path in _images(part)]
    Image.preinit()  # once, before the threads ask for it at the same time
    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda file: _read(*file, folder), files))
    problems = tuple(one for one in found if isinstance(one, Problem))
    check_share(str(folder), problems, len(found))
    return RecordSet(
        records=tuple(one for one in found if not isinstance(one, Problem)),
        class_names=tuple(path.name for path in classes),
        category_ids=tuple(range(len(classes))),
        source=str(folder),
        problems=problems,
        format="folder for each class",
        split=split,
    )


def _folders(folder):
    if not folder.is_dir():
        return []
    return [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]


def _images(folder):
    """The picture files of a class, in order."""
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    )
    if not files:
        raise DataError(
            f"{folder}: the class '{folder.name}' has no pictures ({' '.join(IMAGE_SUFFIXES)}); "
            "add some, or remove the folder."
        )
    return files


def _read(path, label, folder):
    """The `Record` of a picture, or the `Problem` with it."""
    image_id = path.relative_to(folder).as_posix()
    try:
        with Image.open(path) as image:
            width, height = upright_size(image)
    except (OSError, ValueError, Image.DecompressionBombError):
        return Problem("image header unreadable", f"{path}", "skipped")
    return record_without_objects(
        image_id=image_id,
        path=path,
        width=width,
        height=height,
        image_label=label,
        name=image_id,
    )
