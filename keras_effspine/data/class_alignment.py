"""Speaking of the same classes: a data set's class indices brought to those of a model."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_effspine.data.record import RecordSet
from keras_effspine.data.record_columns import ColumnRecords
from keras_effspine.errors import DataError


def align_classes(record_set: RecordSet, class_names: Sequence[str]) -> RecordSet:
    """Re-indexes a record set's classes by name.

    Args:
        record_set: `RecordSet`.
        class_names: tuple of the names that a model predicts, in its order.

    Returns:
        `RecordSet` whose `class_names` are those given. Classes that the data set does not have
        stay without objects; their `category_ids` are their own index past the largest known.

    Raises:
        DataError: if the data set has a class that is not among them.
    """
    if record_set.class_names == tuple(class_names):
        return record_set
    unknown = [name for name in record_set.class_names if name not in class_names]
    if unknown:
        raise DataError(
            f"{record_set.source}: the model does not know the classes {', '.join(unknown)}; "
            f"it knows {', '.join(class_names)}."
        )
    index_of = {name: index for index, name in enumerate(class_names)}
    to_index = np.array([index_of[name] for name in record_set.class_names], "int64")
    ids = dict(zip(record_set.class_names, record_set.category_ids, strict=True))
    free = max([i for i in ids.values() if isinstance(i, int)], default=0) + 1
    records = record_set.records
    return dataclasses.replace(
        record_set,
        records=records.with_classes(to_index)
        if isinstance(records, ColumnRecords)
        else tuple(_with_classes(record, to_index) for record in records),
        class_names=tuple(class_names),
        category_ids=tuple(ids.get(name, free + index) for name, index in index_of.items()),
    )


def _with_classes(record, to_index):
    label, semantic_map = record.image_label, record.semantic_map
    return dataclasses.replace(
        record,
        classes=to_index[record.classes],
        image_label=None if label is None else int(to_index[label]),
        semantic_map=None if semantic_map is None else semantic_map.with_classes(to_index),
    )
