"""A picture to look at, wherever it comes from: `Picture`."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from keras_effspine.data.images.image_bytes import shown_size
from keras_effspine.data.images.image_pixels import read_image
from keras_effspine.data.images.letterbox import Letterboxed, read_letterboxed
from keras_effspine.data.images.loose_images import load_images
from keras_effspine.data.record import Record, record_without_objects
from keras_effspine.errors import DataError
from keras_effspine.unpacking import is_archive


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """A picture; that of a file is read when it is asked for, each time.

    Args:
        name: what it is called: a file's name, or the place in a list.
        record: the `Record` that it is read by.
        upright: whether a file is seen as a viewer shows it; see `image_pixels.read_image`.
    """

    name: str
    record: Record = dataclasses.field(repr=False)
    upright: bool = dataclasses.field(default=True, repr=False)

    @property
    def width(self) -> int:
        """In pixels."""
        return self.record.width

    @property
    def height(self) -> int:
        """In pixels."""
        return self.record.height

    @classmethod
    def of(cls, source: Any, name: str = "picture") -> "Picture":
        """The picture that a path, a `PIL.Image.Image` or an array stands for.

        Args:
            source: path of an image file, which is seen as a viewer shows it; a picture of Pillow;
                or an array `(height, width, 3)` of RGB from 0 to 255, of any type. Grey
                `(height, width)` and RGBA are taken as well.
            name: what a picture without a file is called.

        Raises:
            DataError: if the file is missing, or no picture.
            ValueError: if it is no picture at all.
        """
        if isinstance(source, (str, os.PathLike)):
            return cls._of_file(pathlib.Path(source))
        if isinstance(source, Image.Image):
            source = ImageOps.exif_transpose(source).convert("RGB")
        pixels = _as_rgb(np.asarray(source))
        height, width, _ = pixels.shape
        file = pathlib.Path(f"{name}.png")  # what it would be called
        record = record_without_objects(
            image_id=name, path=file, width=width, height=height, pixels=pixels
        )
        return cls(name, record)

    @classmethod
    def _of_file(cls, path: pathlib.Path) -> "Picture":
        try:
            width, height = shown_size(path)
        except FileNotFoundError as error:
            raise DataError(f"{path}: there is no such file or folder.") from error
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: not a readable picture ({error}).") from error
        record = record_without_objects(image_id=str(path), path=path, width=width, height=height)
        return cls.of_record(record)

    @classmethod
    def of_record(cls, record: Record, upright: bool = True) -> "Picture":
        """The picture of a record."""
        return cls(record.name or str(record.image_id), record, upright)

    def pixels(self) -> np.ndarray:
        """uint8 `(height, width, 3)`, RGB.

        Raises:
            DataError: if they cannot be read.
        """
        try:
            return read_image(self.record, self.upright)
        except Exception as error:  # Pillow raises whatever a broken file leads it to
            raise DataError(f"{self.record.path}: cannot be decoded ({error}).") from error

    def letterboxed(self, canvas: tuple[int, int]) -> Letterboxed:
        """The picture on a network's canvas of a height and a width.

        Raises:
            DataError: if it cannot be read.
        """
        try:
            return read_letterboxed(self.record, canvas, self.upright)
        except Exception as error:  # Pillow raises whatever a broken file leads it to
            raise DataError(f"{self.record.path}: cannot be decoded ({error}).") from error


def as_pictures(source: Any) -> tuple[list[Picture], bool]:
    """The pictures that something stands for.

    Args:
        source: what `Picture.of` takes; a list of such; an array `(pictures, height, width, 3)`; or
            a folder, or an archive, of image files.

    Returns:
        Pair of a list of `Picture`, and whether one picture itself was meant.

    Raises:
        DataError, ValueError: as `Picture.of`, or if there is none.
    """
    if isinstance(source, (str, os.PathLike)) and (os.path.isdir(source) or is_archive(source)):
        return [Picture.of_record(record) for record in load_images(source, ()).records], False
    is_list = isinstance(source, Sequence) and not isinstance(source, str)
    if not is_list and len(getattr(source, "shape", ())) != 4:
        return [Picture.of(source)], True
    if not len(source):
        raise ValueError("There must be a picture to look at. Received: none")
    return [Picture.of(one, f"picture {i}") for i, one in enumerate(source)], False


def _as_rgb(pixels: np.ndarray) -> np.ndarray:
    shape, dtype = pixels.shape, pixels.dtype
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    is_picture = pixels.ndim == 3 and pixels.shape[2] in (1, 3, 4) and 0 not in shape
    if not is_picture or dtype.kind not in "uif":
        raise ValueError(
            "A picture is the path of a file, a PIL.Image.Image, or an array (height, width, 3) of "
            f"RGB from 0 to 255. Received: {dtype} {shape}"
        )
    pixels = pixels.repeat(3, axis=2) if pixels.shape[2] == 1 else pixels[..., :3]
    if dtype == np.uint8:
        return pixels
    low, high = float(pixels.min()), float(pixels.max())
    if not (0 <= low and high <= 255):  # NaN too
        raise ValueError(
            f"A picture's pixels are numbers from 0 to 255. Received: {low:g} to {high:g}"
        )
    return np.round(pixels).astype("uint8")
