"""Pictures that come without annotations."""

import os
import pathlib

from keras_effspine.data.checks import NAMED_EXAMPLES
from keras_effspine.data.images.finding import IMAGE_SUFFIXES, find_files
from keras_effspine.data.images.image_bytes import shown_size
from keras_effspine.data.record import Problem, RecordSet, record_without_objects
from keras_effspine.data.unpacked import unpacked
from keras_effspine.errors import DataError
from keras_effspine.unpacking import is_archive


def load_images(
    path: str | os.PathLike, class_names: tuple[str, ...], but: str | os.PathLike | None = None
) -> RecordSet:
    """Records without annotations, for one image file or for all image files of a folder.

    Args:
        path: an image file; or a folder, or an archive, that holds some in itself or its folders.
        class_names: tuple of the classes that will be predicted; their index is their id.
        but: a folder whose pictures are left out, such as the one that drawings are written to.

    Returns:
        `RecordSet`; the image ids are the paths in the folder, with forward slashes. Files that
        cannot be read are skipped, and named in `problems`.

    Raises:
        DataError: there is no picture, or none that can be read.
    """
    path, problems = pathlib.Path(path), []
    if "\0" in str(path):
        raise DataError(f"{str(path)!r}: holds a NUL character, which no file name does.")
    if is_archive(path):
        path = unpacked(path)
    if path.is_dir():
        found = find_files(path)
        root, files, problems = path, found.paths, list(found.problems)
        if but is not None:
            written = pathlib.Path(but).resolve()
            if written != path.resolve() and written.is_relative_to(path.resolve()):
                files = [p for p in files if not p.parent.resolve().is_relative_to(written)]
        if not files:
            left_out = "".join(f"; left out: {p.kind} ({p.where})" for p in problems[:1])
            raise DataError(
                f"{path}: the folder holds no pictures ({' '.join(IMAGE_SUFFIXES)}){left_out}."
            )
    elif path.is_file():
        root, files = path.parent, [path]
    else:
        raise DataError(f"{path}: there is no such file or folder.")
    records, broken = [], []
    for file in files:
        try:
            width, height = shown_size(file)
        except OSError as error:
            broken.append((file, error))
            continue
        image_id = file.relative_to(root).as_posix()
        records.append(
            record_without_objects(image_id=image_id, path=file, width=width, height=height)
        )
    if not records:
        named = "; ".join(f"{f}: not a readable picture ({e})" for f, e in broken[:NAMED_EXAMPLES])
        raise DataError(f"{named}{'; ...' if len(broken) > NAMED_EXAMPLES else ''}.")
    problems += [Problem("not a readable picture", str(file), "skipped") for file, _ in broken]
    return RecordSet(
        tuple(records),
        class_names=tuple(class_names),
        category_ids=tuple(range(len(class_names))),
        source=str(path),
        problems=tuple(problems),
    )
