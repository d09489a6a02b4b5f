"""Small data sets for classification: red and blue pictures, in each format."""

import io

import numpy as np
from PIL import Image

CLASSES = ("blue", "red")
_FOLDERS = {"train": 6, "val": 3}
_FILES = {"train": 6, "test": 3}


def image(label, index, size=(40, 30)):
    """A picture of one colour with a little noise, as `PIL.Image.Image`."""
    random = np.random.default_rng(100 * label + index)
    pixels = random.integers(0, 60, (size[1], size[0], 3), "uint8")
    pixels[..., 2 if label == 0 else 0] += 150
    return Image.fromarray(pixels)


def class_folders(root, counts=_FOLDERS):
    """Writes `root/<part>/<class>/<number>.jpg`; the part None is the root itself."""
    for part, count in counts.items():
        for label, name in enumerate(CLASSES):
            folder = root / (part or "") / name
            folder.mkdir(parents=True)
            for index in range(count):
                image(label, index).save(folder / f"{index}.jpg", quality=95)
    return root


def example(image_bytes, label):
    """A `tf.train.Example` as bytes."""
    import tensorflow as tf

    features = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image_bytes])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def encoded(label, index):
    """The picture as the bytes of a JPEG."""
    target = io.BytesIO()
    image(label, index).save(target, "JPEG", quality=95)
    return target.getvalue()


def write_tfrecord(path, contents):
    """Writes a file of TFRecords."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for content in contents:
            writer.write(content)


def labelled_tfrecords(root, counts=_FILES):
    """Writes `<part>.tfrecord` and `classes.txt`."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    for part, count in counts.items():
        pairs = [(label, index) for index in range(count) for label in (0, 1)]
        write_tfrecord(
            root / f"{part}.tfrecord",
            [example(encoded(label, index), label) for label, index in pairs],
        )
    return root
