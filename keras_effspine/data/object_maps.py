"""Label maps for data sets that annotate objects with masks."""

import dataclasses

from keras_effspine.data.record import RecordSet
from keras_effspine.data.semantic_labels import ObjectLabels
from keras_effspine.data.semantic_map import SemanticMap
from keras_effspine.errors import DataError

BACKGROUND = "background"


def with_object_maps(record_set: RecordSet) -> RecordSet:
    """A record set whose label maps show its objects on a background, which becomes class 0.

    Crowds are of their class as single objects are. Of objects that overlap, the smaller one is
    seen. The box of an object without a mask is ignored.

    Args:
        record_set: `RecordSet` of objects.

    Returns:
        `RecordSet` with one class more, and the category id 0 for it.

    Raises:
        DataError: no object has a mask, or a class is called `"background"`.
    """
    if BACKGROUND in record_set.class_names:
        raise DataError(
            f"{record_set.source}: a class of objects is called '{BACKGROUND}', which is what "
            "label maps call all the rest; give it another name."
        )
    labels, has_masks, records = ObjectLabels(background=0), False, []
    for record in record_set.records:
        has_masks = has_masks or any(mask is not None for mask in record.masks)
        records.append(
            dataclasses.replace(
                record,
                classes=record.classes + 1,
                semantic_map=SemanticMap(record.path, labels),
            )
        )
    if not has_masks:
        left_out = [p for p in record_set.problems if p.action == "kept without its mask"]
        reason = f" Left out: {left_out[0].kind} ({left_out[0].where})." if left_out else ""
        raise DataError(
            f"{record_set.source}: has neither label maps nor objects with masks, of which label "
            f"maps can be made; segmentation needs one of them.{reason}"
        )
    return dataclasses.replace(
        record_set,
        records=tuple(records),
        class_names=(BACKGROUND, *record_set.class_names),
        category_ids=(0, *record_set.category_ids),
        format=f"{record_set.format} with label maps of its objects",
    )
