"""Tiny-ImageNet as TFRecords, with a part of its training pictures held out to choose by.

    python benchmarks/pretraining/tiny_imagenet_data.py --mosaics MOSAICS --out TINY

MOSAICS holds `classes.txt` (number, WordNet id and words, with tabs between) and in `train` and
`val` a JPEG for each class, named after its WordNet id: its 64 px pictures side by side. TINY gets
`train.tfrecord` (95,000 pictures), `val.tfrecord` (5,000 more of the training pictures, 25 a
class), `test.tfrecord` (the 10,000 validation pictures, for one measurement) and `classes.txt`.
"""

import argparse
import io
import pathlib
import random

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_effspine.atomic_file import whole_folder

LICENCE = "Apache-2.0; the pictures are ImageNet's, whose terms allow research, not commerce"
SIDE, HELD_OUT = 64, 25


def prepare(mosaics: pathlib.Path, out: pathlib.Path) -> None:
    """Writes the folder, whole or not at all; one that is there stays as it is."""
    out = out.absolute()
    if (out / "classes.txt").is_file():
        return
    lines = (mosaics / "classes.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    train = [_tiles(mosaics / "train" / f"{name}.jpg") for _, name, _ in rows]
    test = [_tiles(mosaics / "val" / f"{name}.jpg") for _, name, _ in rows]
    parts = {
        "train": [tiles[HELD_OUT:] for tiles in train],
        "val": [tiles[:HELD_OUT] for tiles in train],
        "test": test,
    }
    with whole_folder(out) as folder:
        names = [f"{words.split(',')[0]} ({name})" for _, name, words in rows]
        (folder / "classes.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
        for part, classes in parts.items():
            samples = [(label, tile) for label, tiles in enumerate(classes) for tile in tiles]
            random.Random(0).shuffle(samples)
            _write(folder / f"{part}.tfrecord", samples)
            print(f"{part}: {len(samples)} pictures", flush=True)


def _tiles(file):
    mosaic = np.asarray(Image.open(file).convert("RGB"))
    rows, columns = mosaic.shape[0] // SIDE, mosaic.shape[1] // SIDE
    tiles = mosaic.reshape(rows, SIDE, columns, SIDE, 3).swapaxes(1, 2)
    return tiles.reshape(-1, SIDE, SIDE, 3)


def _write(file, samples):
    with tf.io.TFRecordWriter(str(file)) as writer:
        for label, tile in samples:
            encoded = io.BytesIO()
            Image.fromarray(tile).save(encoded, "JPEG", quality=95)
            feature = {
                "image": tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=[encoded.getvalue()])
                ),
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mosaics", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    prepare(arguments.mosaics, arguments.out)


if __name__ == "__main__":
    main()
