"""What it is that the user names as data."""

import dataclasses
import itertools
import pathlib
from collections.abc import Callable

from keras_effspine.data.formats.coco import load_coco
from keras_effspine.data.formats.file_names import IMAGE_SUFFIXES
from keras_effspine.data.shapes.data_set import COUNTS, load_shapes
from keras_effspine.errors import DataError

SHAPES = "shapes"
"""Name of the embedded data set."""

_TFDS = "tfds:"
_VALIDATION_SPLITS = ("val", "validation", "valid")

KNOWN = (
    f"'{SHAPES}'; a COCO JSON file (*.json) with its image folder; a Pascal VOC folder (with "
    "Annotations and JPEGImages); a YOLO data.yaml, or the folder that holds it; a folder of "
    "TFRecords that `effspine data convert` wrote; tfds:NAME, or the folder of a prepared TFDS "
    "data set; for segmentation a folder with images and masks, a folder of masks with the folder "
    "of its pictures, or a Pascal VOC folder with SegmentationClass; for "
    "classification a folder with a folder of pictures for each class, or one of TFRecords with a "
    "classes.txt"
)


@dataclasses.dataclass(frozen=True)
class Source:
    """What a name of data turned out to be.

    Args:
        splits: tuple of the names of its parts; `()` where it has none.
        load: function from the name of a part, or None, to its `RecordSet`, whose pictures are not
            looked at.
        checked: whether pictures are known to be there, so that their headers need not be read.
    """

    splits: tuple
    load: Callable
    checked: bool = False

    @property
    def validation_split(self):
        """Name of the part that is meant for validation, or None."""
        return next((split for split in _VALIDATION_SPLITS if split in self.splits), None)


def is_name(data):
    """Whether data is named in words and not by a path."""
    return data == SHAPES or data.startswith(_TFDS)


def find_source(data, images=None, labels=("objects",)):
    """Recognises data.

    Args:
        data: name or path; see `KNOWN`.
        images: folder of the image files, for a COCO JSON file or a folder of masks.
        labels: names of what is to be read of data that hold several kinds, as in `Task.labels`;
            `"semantic"`, label maps, are made of the objects' masks where the data have no maps.

    Returns:
        `Source`.

    Raises:
        DataError: it is nothing that is known, or the image folder is missing or not needed.
    """
    data, path = str(data), pathlib.Path(data)
    source = None if is_name(data) else _find_label_maps(path, images, labels)
    if source is not None:
        return source
    if not is_name(data) and path.suffix.lower() == ".json":
        source = _coco(path, images)
    else:
        source = _find_without_images(data, path)
        if images is not None:
            raise DataError(f"{images}: '{data}' brings its own pictures; leave the folder out.")
    if "semantic" in labels:
        from keras_effspine.data.object_maps import with_object_maps

        load = source.load
        return dataclasses.replace(source, load=lambda split: with_object_maps(load(split)))
    return source


def _coco(path, images):
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder.")
    if images is None:
        raise DataError(f"{path}: name the folder of its pictures as well (--images).")
    if not pathlib.Path(images).is_dir():
        raise DataError(f"{images}: there is no such image folder.")
    return Source((), lambda _: load_coco(path, images))


# The readers of the formats, and what they import, are loaded for the format that is there.
def _find_label_maps(path, images, labels):
    """The `Source` of label maps, or None where there are none, or objects are asked for."""
    from keras_effspine.data.formats import mask_folder

    if images is None:
        folders = mask_folder.mask_folders(path)
    else:
        folders = (pathlib.Path(images), path) if mask_folder.holds_masks_alone(path) else None
        if folders is not None and not folders[0].is_dir():
            raise DataError(f"{images}: there is no such image folder.")
    if folders is not None:
        return Source(
            mask_folder.mask_splits(folders[1]),
            lambda split: mask_folder.load_mask_folder(*folders, split),
        )
    if "semantic" not in labels:
        return None
    if images is None and (path / "SegmentationClass").is_dir():
        from keras_effspine.data.formats import voc_segmentation

        return Source(
            voc_segmentation.voc_segmentation_splits(path),
            lambda split: voc_segmentation.load_voc_segmentation(path, split),
        )
    if images is not None and path.is_file():
        from keras_effspine.data.formats.coco_panoptic import is_panoptic, load_coco_panoptic

        if is_panoptic(path):
            return Source((), lambda _: load_coco_panoptic(path, images))
    return None


def _find_without_images(data, path):
    if data == SHAPES:
        return Source(tuple(COUNTS), load_shapes)
    if data.startswith(_TFDS):
        return _tfds(data.removeprefix(_TFDS))
    if not data or not path.exists():
        raise DataError(f"{data}: there is no such file or folder; data must be {KNOWN}.")
    if path.suffix.lower() in (".yaml", ".yml") and path.is_file():
        return _yolo(path)
    if (path / "dataset_info.json").is_file():
        return _tfds(data)
    if (path / "Annotations").is_dir():
        return _voc(path)
    descriptions = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else []
    named = [p for p in descriptions if p.stem in ("data", "dataset")]
    if len(descriptions) == 1 or named:
        return _yolo((named or descriptions)[0])
    if path.is_dir() and any(path.glob("*.tfrecord")) or any(path.glob("*.index.npz")):
        return _tfrecord(path)
    if path.is_dir() and _has_images_in_folders(path):
        return _class_folders(path)
    raise DataError(f"{data}: not recognised; data must be {KNOWN}.")


def _voc(path):
    from keras_effspine.data.formats.voc import load_voc, voc_splits

    return Source(voc_splits(path), lambda split: load_voc(path, split))


def _yolo(path):
    from keras_effspine.data.formats.yolo import load_yolo, yolo_splits

    splits = yolo_splits(path)
    if not splits:
        raise DataError(f"{path}: names neither 'train', 'val' nor 'test'.")
    return Source(splits, lambda split: load_yolo(path, split))


def _tfds(name):
    from keras_effspine.data.formats.tfds import load_tfds, open_prepared

    splits = tuple(open_prepared(name).info.splits)
    return Source(splits, lambda split: load_tfds(name, split), checked=True)


def _tfrecord(path):
    from keras_effspine.data.formats.labelled_tfrecord import (
        CLASSES_FILE,
        labelled_splits,
        load_labelled_tfrecord,
    )
    from keras_effspine.data.formats.tfrecord import load_tfrecord, tfrecord_splits

    splits = tfrecord_splits(path)
    if not splits and (path / CLASSES_FILE).is_file():
        labelled = labelled_splits(path)
        return Source(labelled, lambda split: load_labelled_tfrecord(path, split), checked=True)
    if not splits:
        raise DataError(
            f"{path}: holds TFRecords but neither an index, which `effspine data convert` writes "
            f"last, nor a {CLASSES_FILE}, which names the classes of labelled pictures."
        )
    return Source(splits, lambda split: load_tfrecord(path, split), checked=True)


def _has_images_in_folders(path):
    found = itertools.chain(path.glob("*/*"), path.glob("*/*/*"))
    return any(file.suffix.lower() in IMAGE_SUFFIXES for file in found)


def _class_folders(path):
    from keras_effspine.data.formats.class_folders import class_folder_splits, load_class_folders

    splits = class_folder_splits(path)
    return Source(splits, lambda split: load_class_folders(path, split), checked=True)
