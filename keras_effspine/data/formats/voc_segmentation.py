"""Pascal VOC's label maps, with SBD's for the pictures that VOC has none of."""

import os
import pathlib

from keras_effspine.data.formats.file_names import leaves_folder
from keras_effspine.data.formats.label_maps import MAP_SUFFIXES, map_records
from keras_effspine.data.formats.label_names import LABEL_MAP_FILE, LabelNames, read_label_map
from keras_effspine.data.formats.voc_folder import images_by_name, read_list
from keras_effspine.data.images.finding import find_files
from keras_effspine.data.record import RecordSet
from keras_effspine.data.semantic_labels import ValueLabels
from keras_effspine.errors import DataError

MAPS, MORE_MAPS = "SegmentationClass", "SegmentationClassAug"
AUGMENTED = "trainaug"
"""The split of VOC's training pictures and SBD's, without VOC's validation pictures."""

CLASS_NAMES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)

_LISTS = "ImageSets/Segmentation"


def voc_segmentation_splits(folder: str | os.PathLike) -> tuple[str, ...]:
    """Names of the lists in `ImageSets/Segmentation`, with `AUGMENTED` where there are more maps.

    Returns:
        Sorted tuple; `()` if there are none.
    """
    folder = pathlib.Path(folder)
    lists = {path.stem for path in (folder / _LISTS).glob("*.txt")}
    if (folder / MORE_MAPS).is_dir() and {"train", "val"} <= lists:
        lists.add(AUGMENTED)
    return tuple(sorted(lists))


def load_voc_segmentation(folder: str | os.PathLike, split: str | None = None) -> RecordSet:
    """Reads a folder with `SegmentationClass`, `JPEGImages` and `ImageSets/Segmentation`.

    The classes are VOC's 21 with the background, and 255, the border of objects, is ignored; or
    those of a `labelmap.txt` with colours, as CVAT exports it.

    The 10,582 pictures of 5.3 are the split `"trainaug"`: put the files of SBD's `cls` folder, or
    their conversion to PNG, into a folder `SegmentationClassAug`. Where there is no list
    `trainaug.txt`, the split is all that has a map in either of VOC's list `train` and that folder,
    without VOC's list `val`. Where both have a map of a picture, VOC's is taken.

    Args:
        folder: path of the folder.
        split: name of a list, or `"trainaug"`; None reads all maps of `SegmentationClass`.

    Returns:
        `RecordSet`; image ids are the names in the list. Pictures without a map are skipped, and
        listed in `problems`.

    Raises:
        DataError: there is no such list, or a name leaves the folder.
    """
    folder = pathlib.Path(folder)
    indices = tuple(range(len(CLASS_NAMES)))
    names = LabelNames(CLASS_NAMES, indices, ValueLabels({index: index for index in indices}))
    if (folder / LABEL_MAP_FILE).is_file():
        names = read_label_map(folder / LABEL_MAP_FILE)
    images = find_files(folder / "JPEGImages")
    paths = images_by_name(images.paths, folder / "JPEGImages")
    maps = _maps(folder)
    found = [
        (
            name,
            paths.get(name, [folder / "JPEGImages" / f"{name}.jpg"])[0],
            maps.get(name, folder / MAPS / f"{name}.png"),
        )
        for name in _image_names(folder, split)
    ]
    records, problems = map_records(found, names.labels)
    return RecordSet(
        records=tuple(records),
        class_names=names.class_names,
        category_ids=names.category_ids,
        source=str(folder),
        problems=(*images.problems, *problems),
        format="Pascal VOC folder with label maps",
        split=split,
    )


def _maps(folder):
    """The label map of each name, of which `SegmentationClass` has the first say."""
    more = find_files(folder / MORE_MAPS, (".png", ".mat"))
    own = find_files(folder / MAPS, MAP_SUFFIXES)
    found = [(path, folder / MORE_MAPS) for path in more.paths]
    found += [(path, folder / MAPS) for path in own.paths]
    return {path.relative_to(at).with_suffix("").as_posix(): path for path, at in found}


def _image_names(folder, split):
    if split is None:
        found = find_files(folder / MAPS, MAP_SUFFIXES).paths
        return [path.relative_to(folder / MAPS).with_suffix("").as_posix() for path in found]
    path = folder / _LISTS / f"{split}.txt"
    if split == AUGMENTED and not path.is_file() and split in voc_segmentation_splits(folder):
        more = {p.stem for p in find_files(folder / MORE_MAPS, (".png", ".mat")).paths}
        return sorted((more | set(_read_list(folder, "train"))) - set(_read_list(folder, "val")))
    return _read_list(folder, split)


def _read_list(folder, split):
    path = folder / _LISTS / f"{split}.txt"
    if leaves_folder(f"{split}.txt") or not path.is_file():
        there = ", ".join(voc_segmentation_splits(folder)) or "none"
        raise DataError(f"{folder}: there is no list '{split}' in {_LISTS}; there are: {there}.")
    return read_list(path)
