"""What pictures are called in a data set that is written: `file_names`."""

import collections
import os
import pathlib

from keras_effspine.data.formats.file_names import name_inside
from keras_effspine.data.record import RecordSet


def file_names(record_sets: dict[str, RecordSet]) -> dict[str, list[str]]:
    """File name of each picture in its data set, by split: unique, with forward slashes."""
    files = [
        os.path.abspath(record.path.parent)
        for record_set in record_sets.values()
        for record in record_set.records
        if record.name is None
    ]
    common = os.path.commonpath(files) if files else None
    return {
        split: [
            name_inside(record)
            or pathlib.Path(os.path.relpath(os.path.abspath(record.path), common)).as_posix()
            for record in record_set.records
        ]
        for split, record_set in record_sets.items()
    }


def _flat(names):
    """Names without folders and with unique stems; folders become part of the name if need be."""
    every = dict.fromkeys(name for some in names.values() for name in some)
    stems = collections.Counter(pathlib.PurePosixPath(name).stem for name in every)
    flat = {}
    for name in every:
        path = pathlib.PurePosixPath(name)
        if stems[path.stem] == 1:
            flat[name] = path.name
            continue
        flat[name] = "_".join(path.parts)
        if sum(other.rpartition(".")[0] == name.rpartition(".")[0] for other in every) > 1:
            flat[name] = f"{'_'.join(path.with_suffix('').parts)}_{path.suffix[1:]}{path.suffix}"
    return {split: [flat[name] for name in some] for split, some in names.items()}


NAMING = {
    "coco": lambda names: names,
    "tfrecord": lambda names: names,
    "voc": _flat,
    "yolo": _flat,
    "cvat": lambda names: names,
    "label-studio": lambda names: names,
}
"""How pictures are called in each format: function from and to what `file_names` gives."""
