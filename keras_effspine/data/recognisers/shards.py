"""Data in shards: prepared TFDS data sets, and TFRecords."""

from keras_effspine.data.source import Place, Source
from keras_effspine.errors import DataError

KNOWN = (
    "a folder of TFRecords that `effspine data convert` wrote; tfds:NAME, or the folder of a "
    "prepared TFDS data set; for classification a folder of TFRecords with a classes.txt"
)


def recognise(place: Place) -> Source | None:
    if "dataset_info.json" in place.files:
        return tfds_source(str(place.path))
    indices = any(name.endswith(".index.npz") for name in place.files)
    return _tfrecord(place.path) if indices or place.files_of(".tfrecord") else None


def tfds_source(name: str) -> Source:
    """The `Source` of a prepared TFDS data set, by its name or folder."""
    from keras_effspine.data.formats.tfds import load_tfds, open_prepared

    splits = tuple(open_prepared(name).info.splits)
    return Source(splits, lambda split: load_tfds(name, split), checked=True)


def _tfrecord(path):
    from keras_effspine.data.formats.labelled_tfrecord import (
        CLASSES_FILE,
        labelled_splits,
        load_labelled_tfrecord,
    )
    from keras_effspine.data.formats.tfrecord import load_tfrecord, tfrecord_splits

    splits = tfrecord_splits(path)
    if not splits and (path / CLASSES_FILE).is_file():
        labelled = labelled_splits(path)
        return Source(labelled, lambda split: load_labelled_tfrecord(path, split), checked=True)
    if not splits:
        raise DataError(
            f"{path}: holds TFRecords but neither an index, which `effspine data convert` writes "
            f"last, nor a {CLASSES_FILE}, which names the classes of labelled pictures."
        )
    return Source(splits, lambda split: load_tfrecord(path, split), checked=True)
