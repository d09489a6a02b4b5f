"""A data set of instance masks looked through before any training: `inspect_masks`."""

import dataclasses

from keras_effspine.data.instance_masks import draw_mask
from keras_effspine.data.record import RecordSet
from keras_effspine.inspection.issues import ERROR, WARNING, IssueLog, place_of
from keras_effspine.inspection.record_inspection import Inspection, inspect


def inspect_masks(
    record_set: RecordSet, checked: list[tuple[str | None, str | None]], image_size: int
) -> Inspection:
    """Looks through a data set as `inspect` does, and draws every mask but those of crowds.

    Args:
        record_set, checked, image_size: as in `inspect`.

    Returns:
        `Inspection`, with what is wrong with masks among its issues.
    """
    log, known = IssueLog(), 0
    for record in record_set.records:
        masks = record.masks or [None] * len(record.boxes)
        for index, (mask, crowd) in enumerate(zip(masks, record.is_crowd, strict=True)):
            if crowd:
                continue
            ids = record.annotation_ids
            where = f"{place_of(record)}, object {ids[index] if len(ids) else index}"
            if mask is None:
                log.add(WARNING, "object without a mask", where)
                continue
            try:
                pixels = draw_mask(mask, record.width, record.height)
            except ValueError as error:
                log.add(ERROR, f"mask that cannot be used: {error}", where)
                continue
            if pixels.any():
                known += 1
            else:
                log.add(ERROR, "mask without a pixel", where)
    if not known:
        log.add(ERROR, "no mask to learn from", record_set.source)
    found = inspect(record_set, checked, image_size)
    issues = sorted([*found.issues, *log.issues()], key=lambda one: (one.level, one.kind))
    return dataclasses.replace(found, issues=issues)
