"""Pictures a second from files to augmented batches, beside keras-cv's layers and plain decoding.

    python benchmarks/input_pipeline.py --data COCO_FOLDER --out benchmarks/results/input_pipeline

The folder holds `instances.json` and `images/` with JPEG files. The pipelines run in turns in one
process, several rounds each, so that what else the machine does falls on all of them. What counts
is processor time, summed over the threads of the process, so that a rate is one core's:

- `effspine`: `training_batches` with the paper's augmentation (flip, scale jitter 0.1 to 2.0).
- `keras_cv`: the same files, flip and jitter from `keras_cv.layers.RandomFlip` and `JitteredResize`
  on batches, as keras-cv's guides do it.
- `keras_cv, single`: the same layers on single pictures.
- `keras`: `keras.layers.RandomFlip` and `RandomZoom` on batches of letterboxed pictures. It zooms
  about the middle by 0.5 to 2, the most that the layer allows.
- `decode`: reading and decoding the files alone, which is the limit for a pipeline that decodes
  whole pictures.

With `--memory` it instead runs 100,000 steps of a repeated set of tiny pictures and prints the
process's memory along the way.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import keras_cv
import numpy as np
import tensorflow as tf
from PIL import Image

from keras_effspine.data.loading import load_records
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.batch_log import BatchLog
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import training_batches
from keras_effspine.tasks.detection import Detection

BATCH_SIZE = 8
JITTER = (0.1, 2.0)
SIZES = (256, 384, 512)


def effspine(records, size, augmentation=None):
    return training_batches(
        records,
        ImageDecoder(records),
        Detection().batch_fields(records),
        size,
        BATCH_SIZE,
        seed=0,
        augmentation=augmentation or Augmentation(scale_jitter=JITTER),
    )


def files_and_boxes(records):
    """An endless shuffled stream of file contents, boxes xyxy and classes, without Python."""
    boxes = tf.ragged.constant(
        [
            np.concatenate([r.boxes[:, :2], r.boxes[:, :2] + r.boxes[:, 2:]], axis=1)
            for r in records.records
        ],
        ragged_rank=1,
        inner_shape=(4,),
        dtype="float32",
    )
    classes = tf.ragged.constant([r.classes for r in records.records], dtype="float32")
    paths = [str(record.path) for record in records.records]
    dataset = tf.data.Dataset.from_tensor_slices((paths, boxes, classes))
    return dataset.shuffle(len(paths), seed=0).repeat()


def decode(records, size):
    del size
    return files_and_boxes(records).map(
        lambda path, boxes, classes: tf.io.decode_jpeg(tf.io.read_file(path), channels=3),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def _as_dictionary(path, boxes, classes):
    image = tf.cast(tf.io.decode_jpeg(tf.io.read_file(path), channels=3), "float32")
    return {"images": image, "bounding_boxes": {"boxes": boxes, "classes": classes}}


def _keras_cv_layers(size):
    flip = keras_cv.layers.RandomFlip("horizontal", bounding_box_format="xyxy")
    resize = keras_cv.layers.JitteredResize(
        target_size=(size, size), scale_factor=JITTER, bounding_box_format="xyxy"
    )
    return lambda inputs: resize(flip(inputs))


def keras_cv_batched(records, size):
    dataset = files_and_boxes(records).map(_as_dictionary, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.ragged_batch(BATCH_SIZE, drop_remainder=True)
    dataset = dataset.map(_keras_cv_layers(size), num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)


def keras_cv_single(records, size):
    layers = _keras_cv_layers(size)
    dataset = files_and_boxes(records).map(
        lambda *item: layers(_as_dictionary(*item)), num_parallel_calls=tf.data.AUTOTUNE
    )
    dataset = dataset.ragged_batch(BATCH_SIZE, drop_remainder=True)
    return dataset.prefetch(tf.data.AUTOTUNE)


def keras_layers(records, size):
    most = max(len(record.boxes) for record in records.records)
    options = {"bounding_box_format": "xyxy", "data_format": "channels_last"}
    resize = keras.layers.Resizing(
        size, size, pad_to_aspect_ratio=True, data_format="channels_last"
    )
    flip = keras.layers.RandomFlip("horizontal", **options)
    # A wider range is refused: scales of 0.5 to 2 are the most there is.
    zoom = keras.layers.RandomZoom((-0.5, 1.0), fill_mode="constant", **options)

    def one(path, boxes, classes):
        inputs = _as_dictionary(path, boxes, classes)
        missing = most - tf.shape(classes)[0]
        scale = size / tf.cast(tf.reduce_max(tf.shape(inputs["images"])), "float32")
        return {
            "images": tf.ensure_shape(resize(inputs["images"]), [size, size, 3]),
            "bounding_boxes": {
                "boxes": tf.ensure_shape(tf.pad(boxes * scale, [[0, missing], [0, 0]]), [most, 4]),
                "labels": tf.ensure_shape(tf.pad(classes, [[0, missing]]), [most]),
            },
        }

    dataset = files_and_boxes(records).map(one, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.batch(BATCH_SIZE, drop_remainder=True)
    dataset = dataset.map(lambda inputs: zoom(flip(inputs)), num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)


def idle():
    """Processor time of this process once all that is prepared ahead is prepared."""
    before = time.process_time()
    while True:
        time.sleep(0.3)
        now = time.process_time()
        if now - before < 0.01:
            return now
        before = now


def time_steps(iterator, steps):
    """Seconds of processor time that so many steps take, from full buffers to full buffers."""
    before = idle()
    for _ in range(steps):
        next(iterator)
    return idle() - before


def measure(records, size, images, rounds):
    """Rates of every pipeline at one size."""
    builders = {
        "decode": decode,
        "effspine": effspine,
        "keras_cv": keras_cv_batched,
        "keras_cv, single": keras_cv_single,
        "keras": keras_layers,
    }
    batch_sizes = {name: 1 if name == "decode" else BATCH_SIZE for name in builders}
    iterators = {name: iter(build(records, size)) for name, build in builders.items()}
    times = {name: [] for name in builders}
    for number in range(rounds + 1):
        for name, iterator in iterators.items():
            # The first round, which sees everything for the first time, is longer and not counted.
            steps = (images if number else 2 * len(records.records)) // batch_sizes[name]
            seconds = time_steps(iterator, steps) / (steps * batch_sizes[name])
            times[name] += [seconds] if number else []
    rates = {
        name: {
            "pictures_a_second_and_core": round(1 / statistics.median(found), 1),
            "lowest": round(1 / max(found), 1),
            "highest": round(1 / min(found), 1),
        }
        for name, found in times.items()
    }
    own = rates["effspine"]["pictures_a_second_and_core"]
    for rate in rates.values():
        rate["effspine_over_this"] = round(own / rate["pictures_a_second_and_core"], 2)
    return rates


def memory():
    """Resident memory of this process in MB (Linux)."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def measure_memory(steps):
    """Resident memory along a long stream of a repeated set of tiny pictures."""
    with tempfile.TemporaryDirectory() as folder:
        records = []
        for index in range(20):
            path = pathlib.Path(folder) / f"{index}.jpg"
            Image.new("RGB", (24, 16), (10 * index, 5, 9)).save(path)
            boxes = np.array([[1.0, 1.0, 9.0, 9.0]])
            ones = np.zeros(1, "int64")
            records.append(
                Record(index, path, 24, 16, boxes, ones, np.array([81.0]), np.array([False]))
            )
        records = RecordSet(tuple(records), ("a",), (1,), "tiny")
        batches = training_batches(
            records,
            ImageDecoder(records),
            Detection().batch_fields(records),
            16,
            2,
            0,
            log=BatchLog(records),
        )
        found = {}
        marks = {round(steps * share) for share in (0.02, 0.1, 0.25, 0.5, 0.75, 1.0)}
        for step, _ in enumerate(batches.take(steps), start=1):
            if step in marks:
                found[step] = round(memory(), 1)
                print(step, found[step], "MB", flush=True)
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, help="folder of instances.json and images/")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--pictures", type=int, default=200, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", type=int, metavar="STEPS", help="measure memory instead")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    cores = len(os.sched_getaffinity(0))
    about = {
        "machine": f"{os.cpu_count()} cores, {cores} of them used, "
        f"{platform.processor() or platform.machine()}",
        "load_average_before": os.getloadavg()[0],
        "versions": {
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "keras_cv": keras_cv.__version__,
        },
        "date": time.strftime("%Y-%m-%d"),
    }
    if arguments.memory:
        result = {"resident_mb_after_steps": measure_memory(arguments.memory), **about}
        target = arguments.out / "memory.json"
        target.write_text(json.dumps(result, indent=2) + "\n")
        return
    records = load_records(arguments.data / "instances.json", arguments.data / "images")
    # keras-cv's layers know neither crowds nor pictures without boxes.
    records = dataclasses.replace(
        records,
        records=tuple(r for r in records.records if len(r.boxes) and not r.is_crowd.any()),
    )
    for size in SIZES:
        rates = measure(records, size, arguments.images, arguments.rounds)
        for name, rate in rates.items():
            print(size, name, rate, flush=True)
        result = {"image_size": size, "scale_jitter": JITTER, "rates": rates, **about}
        (arguments.out / f"{size}.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
