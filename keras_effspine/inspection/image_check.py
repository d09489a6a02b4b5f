"""Every picture of a data set decoded in full, to find the broken ones and those that are equal."""

import concurrent.futures
import hashlib
from collections.abc import Callable, Sequence

from PIL import Image

from keras_effspine.data.images.image_bytes import open_image
from keras_effspine.data.images.image_pixels import turned_rgb
from keras_effspine.data.images.orientation import upright_size
from keras_effspine.data.record import Record


def check_images(
    records: Sequence[Record], progress: Callable[[int], object] = lambda done: None
) -> list[tuple[str | None, str | None]]:
    """Decodes every picture, in parallel.

    Args:
        records: sequence of `Record`.
        progress: function that is given the number of pictures decoded so far.

    Returns:
        List of pairs, one a record: what is wrong with the picture, or None; and its content as a
        string that equal pictures share, whatever file and format they lie in, or None.
    """
    Image.preinit()  # once, before the threads ask for it at the same time
    found = []
    # Threads suffice: Pillow decodes, and hashlib digests, without Python's lock.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for result in pool.map(_check_image, records):
            found.append(result)
            progress(len(found))
    return found


def _check_image(record: Record) -> tuple[str | None, str | None]:
    if not record.path.is_file():
        return "image file missing", None
    try:
        with open_image(record) as image:
            size = (record.width, record.height)
            if size not in (image.size, upright_size(image)):
                return (
                    f"image size differs from its annotation ({image.width}x{image.height} "
                    f"instead of {record.width}x{record.height})"
                ), None
            pixels = turned_rgb(image, size).tobytes()
    except Exception as error:  # Pillow raises whatever a broken file leads it to
        return f"image cannot be decoded ({str(error) or type(error).__name__:.80})", None
    digest = hashlib.blake2b(pixels, digest_size=16)
    return None, f"{record.width}x{record.height} {digest.hexdigest()}"
