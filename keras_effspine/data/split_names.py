"""The names that parts of a data set go by, however they are spelled."""

import os
import pathlib
import re

from keras_effspine.data.images.finding import visible_folders

VALIDATION = ("val", "validation", "valid")

_ORDER = ("train", *VALIDATION, "test")
_SPELLED = re.compile(r"(train|validation|valid|val|test)(?:ing)?(?:[_-]?(?:set|\d{4}))?", re.I)


def split_name(name: str) -> str | None:
    """`"train"`, `"val"`, `"validation"`, `"valid"` or `"test"` of a name that is one of them.

    `Train`, `training`, `train2017` and `train_set` are `"train"`, and so for the others.
    """
    found = _SPELLED.fullmatch(name)
    return found and found[1].lower()


def split_folders(folder: str | os.PathLike) -> dict[str, pathlib.Path]:
    """The folders inside of a folder that are named as parts: dictionary from the part to its path.

    Of two that mean the same part, the one that is spelled plainly is taken.
    """
    found = {}
    for path in visible_folders(folder):
        split = split_name(path.name)
        if split and (split not in found or path.name == split):
            found[split] = path
    return {split: found[split] for split in _ORDER if split in found}
