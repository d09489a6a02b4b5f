"""The encoded picture of a record, from a file of its own or from a part of a larger one."""

import io
import os
import typing

from PIL import Image

from keras_effspine.data.images.orientation import upright_size
from keras_effspine.data.record import Record


def read_image_bytes(record: Record) -> bytes:
    """Reads the encoded picture.

    Args:
        record: `Record`; its `offset` and `length` say which bytes of the file are the picture.

    Returns:
        The bytes of a JPEG, PNG or other image file; of a picture without a file, a PNG's.

    Raises:
        OSError: the file cannot be read, or ends within the picture.
    """
    if record.pixels is not None:
        content = io.BytesIO()
        Image.fromarray(record.pixels).save(content, "PNG", compress_level=1)
        return content.getvalue()
    with open(record.path, "rb") as file:
        if record.length is None and not record.offset:
            return file.read()
        file.seek(record.offset)
        found = file.read(-1 if record.length is None else record.length)
    if record.length is not None and len(found) < record.length:
        raise OSError(
            f"{record.path} ends {record.length - len(found)} bytes before the picture of image "
            f"{record.image_id} does; the file is cut short"
        )
    return found


def open_image(record: Record) -> Image.Image:
    """Opens the picture with Pillow, which reads no more than the header before it must.

    Args:
        record: `Record`.

    Returns:
        `PIL.Image.Image`, to be closed by the caller.

    Raises:
        OSError: the file cannot be read, or is no picture.
    """
    if record.pixels is not None:
        return Image.fromarray(record.pixels)
    if record.length is None and not record.offset:
        return Image.open(record.path)
    return Image.open(io.BytesIO(read_image_bytes(record)))


def shown_size(source: str | os.PathLike | typing.BinaryIO) -> tuple[int, int]:
    """Width and height of a picture as a viewer shows it; the header alone is read.

    Args:
        source: path, or open file.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it is no readable picture.
    """
    try:
        with Image.open(source) as image:
            return upright_size(image)
    except OSError:
        raise
    except Exception as error:  # Pillow raises whatever a broken file leads it to
        raise OSError(f"not a readable picture ({error!s:.200})") from error
