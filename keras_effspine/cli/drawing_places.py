"""Where the drawings of `effspine predict` go: `drawing_places`."""

import collections
import os
import pathlib
from typing import TYPE_CHECKING

from keras_effspine.errors import DataError

if TYPE_CHECKING:
    from keras_effspine.data.record import RecordSet


def drawing_places(
    records: "RecordSet", source: str | None, out: str | None, single: bool, jpeg: bool = False
) -> tuple[pathlib.Path, dict[int | str, pathlib.Path]]:
    """Where the drawings go.

    Args:
        records: `RecordSet`.
        source: what was named to be drawn, after which the drawings are named by default.
        out: the place that was asked for, or None.
        single: whether one picture was named.
        jpeg: whether drawings whose file nobody named are JPEG, and not PNG.

    Returns:
        Pair of the place, a file or a folder, and a dictionary from image id to file.

    Raises:
        DataError: if drawings cannot go there.
    """
    from keras_effspine.drawing.picture_file import SUFFIXES

    suffix = ".jpg" if jpeg else ".png"
    target = pathlib.Path(out or f"{pathlib.Path(source or '').stem}-predicted{suffix * single}")
    if single and target.suffix.lower() not in SUFFIXES:
        raise DataError(
            f"{target}: the drawn picture is a PNG or JPEG file; end its name in .png or .jpg."
        )
    if single and jpeg and target.suffix.lower() == ".png":
        raise DataError(
            f"{target}: with --jpeg its name ends in .jpg; change it, or leave --jpeg out."
        )
    if not single and target.is_file():
        raise DataError(f"{target}: several pictures are written to a folder; this is a file.")
    files = {records.records[0].image_id: target} if single else _drawings(records, target, suffix)
    sources = {record.path.resolve() for record in records.records}
    if any(file.resolve() in sources for file in files.values()):
        raise DataError(f"{target}: a drawing would replace its picture; name another place.")
    return target, files


def _drawings(records, folder, suffix):
    """Each picture's drawing, by image id: named and placed in folders as the pictures are.

    The suffix of the picture is kept where two pictures differ in it alone.
    """
    from keras_effspine.data.formats.file_names import name_inside

    paths = {r.image_id: pathlib.Path(name_inside(r) or r.path.resolve()) for r in records.records}
    files = [path.parent for path in paths.values() if path.is_absolute()]
    parent = os.path.commonpath(files) if files else ""
    paths = {i: p.relative_to(parent) if p.is_absolute() else p for i, p in paths.items()}
    stems = collections.Counter(path.with_suffix("") for path in paths.values())
    for image_id, path in paths.items():
        stem = path.with_suffix("")
        name = stem if stems[stem] == 1 else path
        paths[image_id] = folder / f"{name}{suffix}"
    return paths
