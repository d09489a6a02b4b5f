"""What it is that the user names as data: the registry of the formats."""

import dataclasses
import os
import pathlib

from keras_effspine.data.recognisers import (
    class_folders,
    coco,
    drawings,
    label_maps,
    shards,
    voc,
    yolo,
)
from keras_effspine.data.shapes.data_set import COUNTS, load_shapes
from keras_effspine.data.source import Place, Source
from keras_effspine.data.unpacked import unpacked
from keras_effspine.errors import DataError
from keras_effspine.unpacking import is_archive

SHAPES = "shapes"
"""Name of the embedded data set."""

_TFDS = "tfds:"

_RECOGNISERS = (label_maps, shards, coco, yolo, voc, drawings, class_folders)
"""In this order they are asked: one that takes nearly everything comes last."""

KNOWN = "; ".join(
    [f"'{SHAPES}'", *(one.KNOWN for one in _RECOGNISERS), "or a .zip or .tar archive of such"]
)

_MOST_FOLDERS_ABOVE = 3


def is_name(data: str) -> bool:
    """Whether data is named in words and not by a path."""
    return data == SHAPES or data.startswith(_TFDS)


def find_source(
    data: str | os.PathLike,
    images: str | os.PathLike | None = None,
    labels: tuple[str, ...] = ("objects",),
) -> Source:
    """Recognises data.

    A folder that holds one folder alone, as archives unpack, stands for the one inside. An archive
    is unpacked into the cache, see `data.unpacked`.

    Args:
        data: name or path; see `KNOWN`.
        images: folder of the image files, for a COCO JSON file or a folder of masks.
        labels: names of what is to be read of data that hold several kinds, as in `Task.labels`;
            `"semantic"`, label maps, are made of the objects' masks where the data have no maps.

    Returns:
        `Source`.

    Raises:
        DataError: it is nothing that is known, lacks what its format needs, or the image folder is
            missing or not needed.
    """
    data = str(data)
    if is_name(data):
        source = _named(data)
    else:
        folder = pathlib.Path(_unpacked_if_archive(images)) if images else None
        if is_archive(data):
            source = _in_archive(data, unpacked(data), folder, labels)
        else:
            source = _recognised(data, Place(pathlib.Path(data), folder, labels))
    if images is not None and not source.takes_images:
        raise DataError(f"{images}: '{data}' brings its own pictures; leave the folder out.")
    if "semantic" in labels and not source.has_maps:
        from keras_effspine.data.object_maps import with_object_maps

        load = source.load
        return dataclasses.replace(source, load=lambda split: with_object_maps(load(split)))
    return source


def _unpacked_if_archive(path):
    return unpacked(path) if is_archive(path) else path


def _in_archive(archive, folder, images, labels):
    """A source that speaks of the archive, and not of a folder that nobody knows."""
    try:
        source = _recognised(str(folder), Place(folder, images, labels))
    except DataError as error:
        raise DataError(str(error).replace(str(folder), archive)) from error

    def load(split):
        record_set = source.load(split)
        named = record_set.source.replace(str(folder), archive)
        return dataclasses.replace(record_set, source=named)

    return dataclasses.replace(source, load=load)


def _named(data):
    if data == SHAPES:
        return Source(tuple(COUNTS), load_shapes)
    return shards.tfds_source(data.removeprefix(_TFDS))


def _recognised(data, place):
    if "\0" in data:
        raise DataError(f"{data!r}: holds a NUL character, which no file name does.")
    if not data or not (os.path.exists(data) or data.lower().endswith(".json")):
        raise DataError(f"{data}: there is no such file or folder; data must be {KNOWN}.")
    for _ in range(_MOST_FOLDERS_ABOVE):
        for recogniser in _RECOGNISERS:
            source = recogniser.recognise(place)
            if source is not None:
                return source
        if len(place.folders) != 1:
            break
        place = place.inside(next(iter(place.folders)))
    holds = f" (holds {place.describe()})" if place.path.is_dir() else ""
    raise DataError(f"{place.path}{holds}: not recognised; data must be {KNOWN}.")
