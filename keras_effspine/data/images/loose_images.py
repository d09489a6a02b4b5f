"""Pictures that come without annotations."""

import pathlib

from PIL import Image

from keras_effspine.data.formats.file_names import IMAGE_SUFFIXES
from keras_effspine.data.images.orientation import upright_size
from keras_effspine.data.record import RecordSet, record_without_objects
from keras_effspine.errors import DataError


def load_images(path, class_names):
    """Records without annotations, for one image file or for all image files of a folder.

    Args:
        path: an image file, or a folder that holds some.
        class_names: tuple of the classes that will be predicted; their index is their id.

    Returns:
        `RecordSet`; the image ids are the file names.

    Raises:
        DataError: if there is no picture, or a file is no readable picture.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        files = sorted(
            p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()
        )
        if not files:
            raise DataError(f"{path}: the folder holds no pictures ({' '.join(IMAGE_SUFFIXES)}).")
    elif path.is_file():
        files = [path]
    else:
        raise DataError(f"{path}: there is no such file or folder.")
    records = []
    for file in files:
        try:
            with Image.open(file) as image:
                width, height = upright_size(image)
        except (OSError, Image.DecompressionBombError) as error:
            raise DataError(f"{file}: not a readable picture ({error}).") from error
        records.append(
            record_without_objects(image_id=file.name, path=file, width=width, height=height)
        )
    return RecordSet(
        tuple(records),
        class_names=tuple(class_names),
        category_ids=tuple(range(len(class_names))),
        source=str(path),
    )
