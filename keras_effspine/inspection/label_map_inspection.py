"""A data set of label maps looked through before any training: `inspect_maps`."""

import concurrent.futures
import dataclasses

import numpy as np
from rich.table import Table

from keras_effspine.data.record import Record, RecordSet
from keras_effspine.errors import DataError
from keras_effspine.inspection.issues import ERROR, WARNING, Issue, IssueLog, place_of
from keras_effspine.inspection.tables import map_tables
from keras_effspine.topology.labels import IGNORED


@dataclasses.dataclass(frozen=True)
class MapInspection:
    """What was found in a data set of label maps.

    Args:
        images: number of pictures.
        pixels: number of the pixels of all maps that were read.
        ignored: number of those that have no label.
        per_class: list of tuples of name, pixels, and pictures with at least one.
        contents: list of strings, one a picture, that equal pictures share; None where the picture
            or its map is broken.
        issues: list of `Issue`, errors first.
    """

    images: int
    pixels: int
    ignored: int
    per_class: list[tuple[str, int, int]]
    contents: list[str | None]
    issues: list[Issue]

    @property
    def has_errors(self) -> bool:
        return any(issue.level == ERROR for issue in self.issues)

    def tables(self) -> list[Table | str]:
        """Lines and tables for the terminal."""
        return map_tables(self)


def inspect_maps(
    record_set: RecordSet, checked: list[tuple[str | None, str | None]]
) -> MapInspection:
    """Looks through a data set whose records have label maps; every map is read.

    Args:
        record_set: `RecordSet`, with what its loader found wrong.
        checked: list of pairs, what `check_images` found.

    Returns:
        `MapInspection`.
    """
    log = IssueLog.of_images(record_set, checked)
    pixels, images = np.zeros(256, "int64"), np.zeros(256, "int64")
    # Threads suffice: Pillow decodes without Python's lock.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = pool.map(_counts, record_set.records)
        contents = [content for _, content in checked]
        for place, (record, counts) in enumerate(zip(record_set.records, found, strict=True)):
            if isinstance(counts, str):
                log.add(ERROR, "label map that cannot be used", f"{place_of(record)}: {counts}")
                contents[place] = None
            else:
                pixels += counts
                images += counts > 0
    names = record_set.class_names
    for name, count in zip(names, pixels.tolist(), strict=False):
        if not count:
            log.add(WARNING, "class without pixels", name)
    if np.count_nonzero(pixels[:IGNORED]) < 2:
        log.add(ERROR, "fewer than two classes to tell apart", record_set.source)
    return MapInspection(
        images=len(checked),
        pixels=int(pixels.sum()),
        ignored=int(pixels[IGNORED]),
        per_class=list(zip(names, pixels.tolist(), images.tolist(), strict=False)),
        contents=contents,
        issues=log.issues(),
    )


def _counts(record: Record) -> np.ndarray | str:
    """Pixels by value, or what is wrong with the map."""
    if record.semantic_map is None:
        return "there is none"
    try:
        return np.bincount(record.semantic_map.read(record).ravel(), minlength=256)
    except DataError as error:
        return str(error)
