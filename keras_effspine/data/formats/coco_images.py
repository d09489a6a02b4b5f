"""The image entries of a COCO file: `read_images`, `with_sizes`."""

import concurrent.futures
import dataclasses
import pathlib
from typing import Any

from PIL import Image

from keras_effspine.data.formats.coco_ids import ById, as_id
from keras_effspine.data.formats.file_names import leaves_folder
from keras_effspine.data.record import Problem
from keras_effspine.errors import DataError
from keras_effspine.validation import cut, shown

_MOST_PIXELS = 65_535
"""Width or height beyond which the entry is not believed, but the picture asked."""


@dataclasses.dataclass(frozen=True)
class CocoImage:
    """One picture of a COCO file.

    Args:
        id: number or text.
        path: where its file is.
        width, height: pixels; 0 where the file says nothing that can be.
    """

    id: int | str
    path: pathlib.Path
    width: int
    height: int


def read_images(entries: list, path: pathlib.Path, folder: pathlib.Path) -> ById[CocoImage]:
    """Checks the image entries of a COCO file.

    Args:
        entries: what the file lists.
        path: of the COCO file, for messages.
        folder: that the file names are relative to.

    Returns:
        `CocoImage`s by id, in the order of the file; ids are text where some of them are.

    Raises:
        DataError: an entry has no id, or that of another one, or no file name inside the folder.
    """
    ids: list[int | str] = []
    for position, entry in enumerate(entries, start=1):
        one = as_id(entry.get("id")) if isinstance(entry, dict) else None
        if one is None:
            raise DataError(f"{path}: image number {position} of the list has no id; give it one.")
        ids.append(one)
    if len({type(one) for one in ids}) > 1:
        ids = [str(one) for one in ids]
    refuse_duplicates(ids, "image", path)
    return ById(
        (one, _image(one, entry, path, folder)) for one, entry in zip(ids, entries, strict=True)
    )


def with_sizes(images: ById[CocoImage]) -> tuple[ById[CocoImage], list[Problem]]:
    """Reads the sizes that the COCO file does not say from the headers of the pictures.

    Returns:
        The images by id, without those whose picture cannot be read; and a `Problem` for each of
        these.
    """
    unknown = [image for image in images.values() if not image.width]
    if not unknown:
        return images, []
    Image.preinit()  # once, before the threads ask for it at the same time
    with concurrent.futures.ThreadPoolExecutor() as pool:
        measured = {image.id: image for image in pool.map(_measured, unknown)}
    problems = [
        Problem(
            "image without width and height, and its file cannot be read",
            f"{cut(str(image.path), 200)}, image {cut(str(image.id))}",
            "skipped",
        )
        for image in measured.values()
        if not image.width
    ]
    every = ((one, measured.get(one, image)) for one, image in images.items())
    return ById((one, image) for one, image in every if image.width), problems


def refuse_duplicates(ids: list, what: str, path: pathlib.Path) -> None:
    """Raises a `DataError` that names the first id which occurs twice."""
    seen = set()
    for one in ids:
        if one in seen:
            raise DataError(
                f"{path}: {what} id {cut(str(one))} occurs twice; give each {what} its own id."
            )
        seen.add(one)


def _image(image_id, entry: dict, path: pathlib.Path, folder: pathlib.Path) -> CocoImage:
    where = f"{path}, image {cut(str(image_id))}"
    file_name = entry.get("file_name")
    if not isinstance(file_name, str) or not file_name.strip() or "\0" in file_name:
        raise DataError(f"{where}: file_name is missing or is no text; name the image file.")
    if leaves_folder(file_name):
        raise DataError(
            f"{where}: file_name {shown(file_name)} leaves the image folder; "
            "use a path inside of that folder."
        )
    sides: list[Any] = [entry.get("width"), entry.get("height")]
    known = all(type(v) in (int, float) and 1 <= v <= _MOST_PIXELS and v == int(v) for v in sides)
    width, height = map(int, sides) if known else (0, 0)
    return CocoImage(image_id, _file(folder, file_name, where), width, height)


def _file(folder: pathlib.Path, file_name: str, where: str) -> pathlib.Path:
    """The file of a name with slashes of either kind: exports from Windows have the other one."""
    try:
        if "\\" in file_name and not (folder / file_name).exists():
            file_name = file_name.replace("\\", "/")
    except OSError:  # too long as the name of one file
        file_name = file_name.replace("\\", "/")
    if len(file_name) > 60:
        encoded = file_name.encode("utf-8", "replace")
        if len(encoded) > 3000 or max(map(len, encoded.split(b"/"))) > 255:
            raise DataError(f"{where}: file_name {shown(file_name)} is too long; rename the file.")
    return folder / file_name


def _measured(image: CocoImage) -> CocoImage:
    try:
        with Image.open(image.path) as opened:
            return dataclasses.replace(image, width=opened.width, height=opened.height)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return image
