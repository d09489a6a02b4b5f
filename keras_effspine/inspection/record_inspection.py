"""A data set looked through before any training: `inspect`."""

import dataclasses
from typing import Any

import numpy as np
from rich.table import Table

from keras_effspine.data.record import RecordSet
from keras_effspine.data.record_columns import image_labels
from keras_effspine.inspection.issues import ERROR, WARNING, Issue, IssueLog, place_of
from keras_effspine.inspection.tables import label_tables, object_tables
from keras_effspine.topology.pyramid import ANCHOR_SCALES, ANCHOR_SIZES, LEVEL_NAMES

_HALF_STEP = ANCHOR_SCALES[1] ** 0.5
"""Half the step, as a factor, between two of the anchor sizes that a level has."""

# A share of identical pairs of anchor and box: below this one no anchor overlaps by half.
_SMALLEST_SHARE = 0.5**0.5


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What was found in a data set.

    Args:
        pictures, objects, crowds: numbers; objects do not count crowds.
        per_class: list of tuples of name, objects, and pictures with at least one.
        per_image: dictionary from a statistic's name to the number of objects a picture.
        per_level: dictionary from the pyramid's level to the number of objects; the first is of
            those that are too small for every anchor.
        is_labelled: whether pictures have a class as a whole, for classification; `per_class` then
            counts them.
        level_rule: the rule of `per_level` in words.
        contents: list of strings, one a picture, that equal pictures share; None where broken.
        issues: list of `Issue`, errors first.
    """

    images: int
    objects: int
    crowds: int
    per_class: list[tuple[str, int, int]]
    per_image: dict[str, float]
    per_level: dict[str, int]
    is_labelled: bool
    level_rule: str
    contents: list[str | None]
    issues: list[Issue]

    @property
    def has_errors(self) -> bool:
        return any(issue.level == ERROR for issue in self.issues)

    def tables(self) -> list[Table | str]:
        """Lines and tables for the terminal."""
        return label_tables(self) if self.is_labelled else object_tables(self)


def level_rule(image_size: int) -> str:
    """The rule of `Inspection.per_level` in words."""
    scales = "{:.3g}, {:.3g} and {:.3g}".format(*ANCHOR_SCALES)
    return (
        f"A picture is scaled to fit {image_size} px; an object goes to the level whose anchors "
        f"(sides from {', '.join(map(str, ANCHOR_SIZES))} px, each times {scales}) come "
        "nearest to the square root of its box's area. Under P3: even the smallest anchor overlaps "
        "such a box by less than half."
    )


def inspect(
    record_set: RecordSet, checked: list[tuple[str | None, str | None]], image_size: int
) -> Inspection:
    """Looks through a data set.

    Args:
        record_set: `RecordSet`, with what its loader found wrong.
        checked: list of pairs, what `check_images` found.
        image_size: int, height and width of the network's input in pixels.

    Returns:
        `Inspection`.
    """
    log = IssueLog.of_images(record_set, checked)
    classes = len(record_set.class_names)
    is_labelled = bool((image_labels(record_set.records) >= 0).any())
    objects, images = np.zeros(classes, int), np.zeros(classes, int)
    counts, levels, crowds = [], np.zeros(len(LEVEL_NAMES) + 1, int), 0
    for record in record_set.records:
        if record.image_label is not None:
            images[record.image_label] += 1
        elif is_labelled:
            log.add(ERROR, "picture without a class", place_of(record))
        kept = ~record.is_crowd
        here = np.bincount(record.classes[kept], minlength=classes)
        objects += here
        images += here > 0
        counts.append(int(kept.sum()))
        crowds += len(kept) - counts[-1]
        levels += _levels(record, kept, image_size)
        for text in _equal_boxes(record, record_set.class_names):
            log.add(
                WARNING, "two equal boxes of one class in a picture", f"{place_of(record)}: {text}"
            )
    counted, kind = (images, "pictures") if is_labelled else (objects, "objects")
    for name, count in zip(record_set.class_names, counted, strict=True):
        if not count:
            log.add(WARNING, f"class without {kind}", name)
    if not counted.sum():
        log.add(ERROR, "no object to learn from", record_set.source)
    empty = counts.count(0)
    return Inspection(
        images=len(counts),
        objects=int(objects.sum()),
        crowds=crowds,
        per_class=list(zip(record_set.class_names, objects.tolist(), images.tolist(), strict=True)),
        per_image={
            "fewest": min(counts, default=0),
            "median": float(np.median(counts)) if counts else 0,
            "mean": float(np.mean(counts)) if counts else 0,
            "most": max(counts, default=0),
            "pictures without objects": empty,
        },
        per_level=dict(zip(("under P3", *LEVEL_NAMES), levels.tolist(), strict=True)),
        is_labelled=is_labelled,
        level_rule=level_rule(image_size),
        contents=[content for _, content in checked],
        issues=log.issues(),
    )


def overlap(training: Any, validation: Any, record_set: RecordSet) -> list[Issue]:
    """The validation pictures that are among the training pictures, by content.

    Args:
        training: what `Task.inspect` gave of the training pictures.
        validation: the same of the validation pictures.
        record_set: `RecordSet` of the validation pictures.

    Returns:
        List of `Issue`: empty, or of one.
    """
    known = {content for content in training.contents if content}
    log = IssueLog()
    for record, content in zip(record_set.records, validation.contents, strict=True):
        if content in known:
            log.add(ERROR, "validation picture that is trained on", place_of(record))
    return log.issues()


def _levels(record, kept, image_size):
    """Number of objects under P3 and at each level."""
    scale = image_size / max(record.width, record.height)
    sides = np.sqrt(record.boxes[kept, 2] * record.boxes[kept, 3]) * scale
    # Boundaries between the largest anchor of one level and the smallest of the next.
    edges = [ANCHOR_SIZES[0] * _SMALLEST_SHARE, *(size / _HALF_STEP for size in ANCHOR_SIZES[1:])]
    return np.bincount(np.searchsorted(edges, sides, "right"), minlength=len(LEVEL_NAMES) + 1)


def _equal_boxes(record, class_names):
    seen = set()
    for index, box in zip(record.classes.tolist(), record.boxes.tolist(), strict=True):
        key = (index, *box)
        if key in seen:
            yield f"{class_names[index]} at {', '.join(f'{value:g}' for value in box)}"
        seen.add(key)
