"""A folder of pictures for each class: what is left when no other format claims a folder."""

import itertools

from keras_effspine.data.images.finding import IMAGE_SUFFIXES
from keras_effspine.data.source import Place, Source
from keras_effspine.data.split_names import split_folders
from keras_effspine.errors import DataError

KNOWN = "for classification a folder with a folder of pictures for each class"

_ANNOTATIONS = (".xml", ".json", ".csv", ".names", ".data")


def recognise(place: Place) -> Source | None:
    path = place.path
    if not path.is_dir() or not place.folders:
        return None
    parts = split_folders(path)
    with_classes = {split: folder for split, folder in parts.items() if Place(folder).folders}
    classes = [
        Place(f) for p in (with_classes.values() or [path]) for f in Place(p).folders.values()
    ]
    if not with_classes and parts and (len(parts) > 1 or len(parts) == len(place.folders)):
        raise DataError(
            f"{path}: holds parts ({', '.join(f.name for f in parts.values())}) with neither "
            "folders of classes nor annotations that are known; name the annotations, or put the "
            "pictures into a folder for each class."
        )
    if not any(map(_has_images, classes)):
        return None
    if not with_classes and len(classes) == 1:
        (inside,) = classes
        if _has_images_in_folders(inside) or inside.files_of(*_ANNOTATIONS, ".txt"):
            return None  # named one folder too high: the folder inside is looked at next
    _refuse_annotations(place, classes)
    from keras_effspine.data.formats.class_folders import class_folder_splits, load_class_folders

    splits = class_folder_splits(path)
    return Source(splits, lambda split: load_class_folders(path, split), checked=True)


def _has_images(place):
    inside = (Place(folder) for folder in place.folders.values())
    return bool(place.images_here) or any(one.images_here for one in inside)


def _has_images_in_folders(place):
    return any(Place(folder).images_here for folder in place.folders.values())


def _refuse_annotations(place, classes):
    """Refuses what holds annotation files in place of a class's pictures: it is another format."""
    for one in classes:
        files = one.files_of(*_ANNOTATIONS)
        if files and not _has_images(one):
            raise DataError(
                f"{place.path}: is no folder of classes, for {one.path.name} holds no pictures "
                f"({' '.join(IMAGE_SUFFIXES)}) but {files[0].name}; and of what kind these "
                "annotations are is not known."
            )
    listed = list(itertools.islice(place.files_of(".xml", ".json"), 2))
    if listed and len(classes) == 1:
        raise DataError(
            f"{place.path}: is no folder of classes, for there is one folder and {listed[0].name}; "
            "and of what kind these annotations are is not known."
        )
