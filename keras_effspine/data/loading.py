"""From what the user names as data to a record set."""

import os
from collections.abc import Callable
from typing import Any

from keras_effspine.data.checks import check_images
from keras_effspine.data.record import RecordSet
from keras_effspine.data.source import Source
from keras_effspine.data.sources import find_source
from keras_effspine.errors import DataError

_Path = str | os.PathLike


def read_records(
    data: _Path,
    images: _Path | None = None,
    split: str | None = None,
    labels: tuple[str, ...] = ("objects",),
) -> tuple[RecordSet, Source]:
    """Loads a data set without a look at its pictures, beyond what their sizes need.

    Args:
        data: name or path; see `sources.KNOWN`.
        images: folder of the image files, for a COCO JSON file alone.
        split: which part of a data set that has parts; None means `"train"` if there are several.
        labels: as in `find_source`.

    Returns:
        Pair of the `RecordSet` and the `Source`.

    Raises:
        DataError: if the data cannot be used, or has no parts where one is named.
    """
    source = find_source(data, images, labels)
    if not source.splits and split is not None:
        raise DataError(f"{data}: has no parts; leave the split '{split}' out.")
    if source.splits and split is None:
        split = source.splits[0] if len(source.splits) == 1 else "train"
    return source.load(split), source


def load_records(
    data: _Path,
    images: _Path | None = None,
    split: str | None = None,
    labels: tuple[str, ...] = ("objects",),
) -> RecordSet:
    """Loads a data set and checks its image files.

    Args:
        data, images, split, labels: as in `read_records`.

    Returns:
        `RecordSet`, with what was found wrong in `problems`.

    Raises:
        DataError: if the data cannot be used; the message says why.
    """
    record_set, source = read_records(data, images, split, labels)
    return record_set if source.checked else check_images(record_set)


def read_validation_records(
    data: _Path,
    images: _Path | None,
    split: str | None,
    val_data: _Path | None,
    val_images: _Path | None,
    val_split: str | None,
    read: Callable[..., Any] = load_records,
    labels: tuple[str, ...] = ("objects",),
) -> Any:
    """Loads what a model that trains on some data is measured on.

    Args:
        data, images, split: what it trains on, as in `read_records`.
        val_data: name or path of the data to measure on; None takes `data`, if it has a part for
            it and the model trains on `"train"`.
        val_images: folder of the pictures; None takes `images`.
        val_split: the part to measure on; None takes `"val"` or `"validation"`.
        read: `load_records`, or `read_records`.
        labels: as in `find_source`.

    Returns:
        What `read` gave, or None where no validation data are named and there are none.

    Raises:
        DataError: if the data cannot be used.
    """
    named = data if val_data is None else val_data
    # The folder of pictures belongs to a COCO JSON file; other data bring their own.
    takes_images = val_data is None or str(named).lower().endswith(".json")
    folder = val_images or (images if takes_images else None)
    source = find_source(named, folder, labels)
    if val_split is None and (val_data is not None or split in (None, "train")):
        val_split = source.validation_split
    if val_data is None and val_split is None:
        return None
    return read(named, folder, val_split, labels)


def load_measured_records(
    data: _Path,
    images: _Path | None = None,
    split: str | None = None,
    labels: tuple[str, ...] = ("objects",),
) -> RecordSet:
    """As `load_records`, but where no part is named it is the one for validation, if there is."""
    if split is None:
        split = find_source(data, images, labels).validation_split
    return load_records(data, images, split, labels)


def describe_records(record_set: RecordSet) -> str:
    """One line that says what was recognised: kind, pictures, classes, part."""
    return repr(record_set)
