"""What the values of label maps mean, by the ways in which they are stored.

Each kind is a `semantic_map.Labels`.
"""

import pathlib

import numpy as np
from PIL import Image

from keras_effspine.data.instance_masks import draw_mask
from keras_effspine.data.record import Record
from keras_effspine.errors import DataError
from keras_effspine.topology.labels import IGNORED
from keras_effspine.validation import shown

_UNKNOWN = -1


class ValueLabels:
    """Maps whose stored values are labels: grey or palette PNG files, and SBD's `.mat` files.

    Args:
        class_of: dictionary from a value, 0 to 255, to its class index or `IGNORED`. The value 255
            is ignored, unless it is named here.
    """

    def __init__(self, class_of: dict[int, int]):
        self._class_of = {IGNORED: IGNORED, **class_of}
        self._table = np.full(256, _UNKNOWN, "int16")
        self._table[list(self._class_of)] = list(self._class_of.values())

    def read(self, path: pathlib.Path, record: Record) -> np.ndarray:
        values = _mat_values(path) if path.suffix == ".mat" else _stored_values(path)
        classes = self._table[np.minimum(values, 255)]
        unknown = (classes == _UNKNOWN) | (values > 255)
        if unknown.any():
            raise DataError(
                f"{path}: holds the label {values[unknown][0]}, which is no class's; the classes "
                f"have the labels {_ranges(sorted(self._class_of))}."
            )
        return classes.astype("uint8")

    def with_classes(self, to_index: np.ndarray) -> "ValueLabels":
        return ValueLabels(_renamed(self._class_of, to_index))


class ColourLabels:
    """Maps whose colours are labels.

    Args:
        class_of: dictionary from a colour, a tuple of red, green and blue, to its class index or
            `IGNORED`.
    """

    def __init__(self, class_of: dict[tuple[int, int, int], int]):
        self._class_of = class_of
        codes = np.array([_code(np.array(colour)) for colour in class_of])
        self._codes = np.sort(codes)
        self._classes = np.array(list(class_of.values()), "uint8")[np.argsort(codes)]

    def read(self, path: pathlib.Path, record: Record) -> np.ndarray:
        codes = _code(_colours(path))
        places = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        unknown = self._codes[places] != codes
        if unknown.any():
            code = int(codes[unknown][0])
            colour = ", ".join(str(code >> shift & 255) for shift in (0, 8, 16))
            raise DataError(
                f"{path}: holds the colour ({colour}), which is no class's; give it to one in "
                "labelmap.txt, or to 'void' if it is to be ignored."
            )
        return self._classes[places]

    def with_classes(self, to_index: np.ndarray) -> "ColourLabels":
        return ColourLabels(_renamed(self._class_of, to_index))


class SegmentLabels:
    """Maps of COCO's panoptic format, whose colours are the ids of the record's objects."""

    def read(self, path: pathlib.Path, record: Record) -> np.ndarray:
        codes = segment_ids(path)
        ids, places = np.unique(codes, return_inverse=True)
        class_of = dict(zip(record.annotation_ids, record.classes.tolist(), strict=True))
        class_of[0] = IGNORED
        for segment in ids.tolist():
            if segment not in class_of:
                raise DataError(
                    f"{path}: holds the segment {segment}, which its annotation does not list."
                )
        classes = np.array([class_of[segment] for segment in ids.tolist()], "uint8")
        return classes[places].reshape(codes.shape)

    def with_classes(self, to_index: np.ndarray) -> "SegmentLabels":
        return self  # the record's own classes say what a segment is


def segment_ids(path: pathlib.Path) -> np.ndarray:
    """The segments' ids in a PNG file of COCO's panoptic format: int32 `(height, width)`.

    Raises:
        DataError: the file cannot be read.
    """
    return _code(_colours(path))


class ObjectLabels:
    """Maps made from the masks of a record's objects, small ones before large ones.

    What an object without a mask may cover, its box, is ignored.

    Args:
        background: class index of what no object covers.
    """

    def __init__(self, background: int):
        self._background = background

    def read(self, path: pathlib.Path, record: Record) -> np.ndarray:
        classes = np.full((record.height, record.width), self._background, "uint8")
        for index in np.argsort(-record.areas, kind="stable").tolist():
            mask = record.masks[index] if len(record.masks) else None
            if mask is None:
                left, top, width, height = record.boxes[index]
                rows = slice(max(0, int(top)), max(0, int(np.ceil(top + height))))
                columns = slice(max(0, int(left)), max(0, int(np.ceil(left + width))))
                classes[rows, columns] = IGNORED
            else:
                where = f"{path}, annotation {shown(record.annotation_ids[index])}"
                classes[decode_mask(mask, record, where)] = record.classes[index]
        return classes

    def with_classes(self, to_index: np.ndarray) -> "ObjectLabels":
        return ObjectLabels(int(to_index[self._background]))


def decode_mask(mask: list | dict, record: Record, where: object) -> np.ndarray:
    """A mask in COCO's notation as bool `(height, width)`.

    Args:
        mask: polygons or a run-length dictionary, as in `Record.masks`.
        record: the `Record` of its picture, for the size.
        where: what the mask is, for messages.

    Raises:
        DataError: it does not fit its picture.
    """
    try:
        return draw_mask(mask, record.width, record.height)
    except ValueError as error:
        raise DataError(f"{where}: {error}.") from error


def _stored_values(path):
    with _opened(path) as image:
        values = np.asarray(image)
        if image.mode in ("LA", "PA"):  # what is seen through is labelled all the same
            values = values[..., 0]
        elif image.mode in ("RGB", "RGBA") and (values[..., :3] == values[..., :1]).all():
            values = values[..., 0]  # grey, as many tools store it
        elif image.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
            raise DataError(
                f"{path}: is a picture in colours ({image.mode}), and it is not known which class "
                "a colour stands for; say so in labelmap.txt, a line 'name:red,green,blue' each."
            )
        return values.astype("int32")


def _colours(path):
    with _opened(path) as image:
        return np.asarray(image.convert("RGB"))


def _opened(path):
    """An open label image, whose errors are said of the file."""
    try:
        image = Image.open(path)
        image.load()
    except Exception as error:  # Pillow raises whatever a broken file leads it to
        raise DataError(f"{path}: not a readable label map ({error!s:.200}).") from error
    return image


def _mat_values(path):
    try:
        import scipy.io
    except ImportError as error:
        raise DataError(
            f"{path}: SBD's files are read with SciPy, which is not installed; "
            "pip install keras_effspine[sbd]."
        ) from error
    try:
        return scipy.io.loadmat(path)["GTcls"]["Segmentation"][0, 0].astype("int32")
    except Exception as error:  # SciPy raises whatever a broken file leads it to
        raise DataError(f"{path}: holds no GTcls.Segmentation ({error}).") from error


def _code(colours):
    """Colours `(..., 3)` as one number each, as COCO's panoptic format counts segments."""
    red, green, blue = np.moveaxis(np.asarray(colours, "int32"), -1, 0)
    return red + 256 * green + 65536 * blue


def _renamed(class_of, to_index):
    return {
        value: index if index == IGNORED else int(to_index[index])
        for value, index in class_of.items()
    }


def _ranges(values):
    """Sorted whole numbers in words, such as `"0 to 20, 255"`."""
    parts, start = [], values[0]
    for value, following in zip(values, [*values[1:], None], strict=True):
        if following != value + 1:
            parts.append(f"{start}" if start == value else f"{start} to {value}")
            start = following
    return ", ".join(parts)
