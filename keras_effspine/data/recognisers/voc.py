"""Pascal VOC: folders of annotations and pictures, or annotation files beside their pictures."""

import itertools
import re

from keras_effspine.data.source import Place, Source
from keras_effspine.data.split_names import split_folders

KNOWN = (
    "a Pascal VOC folder (with Annotations and JPEGImages, or with an XML file beside each picture)"
)

_SAMPLE = 20
_ANNOTATION = re.compile(rb"<(?:[\w.-]+:)?(annotation|object|bndbox)[\s>]")


def recognise(place: Place) -> Source | None:
    path = place.path
    if not path.is_dir():
        return None
    folders = place.folders
    apart = [folders[name] for name in ("annotations", "xmls") if name in folders]
    if not (apart and _has_annotations(apart[0], deep=True)):
        flat = [path, *split_folders(path).values()]
        if not any(_has_annotations(folder) for folder in flat):
            return None
    from keras_effspine.data.formats.voc import load_voc, voc_splits

    return Source(voc_splits(path), lambda split: load_voc(path, split))


def _has_annotations(folder, deep=False):
    place = Place(folder)
    if folder.name == "Annotations":
        return True
    files = itertools.islice(place.files_of(".xml"), _SAMPLE)
    inside = (_has_annotations(one) for one in place.folders.values()) if deep else ()
    return any(map(_is_annotation, files)) or any(inside)


def _is_annotation(path):
    try:
        with path.open("rb") as file:
            return bool(_ANNOTATION.search(file.read(1 << 16)))
    except OSError:
        return False
