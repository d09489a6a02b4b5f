"""Classifiers on CIFAR-10: random weights, the same wall time for each.

    python benchmarks/cifar10.py --data CIFAR10 --out benchmarks/results/cifar10 --minutes 30

The folder holds `train.tfrecord`, `test.tfrecord` and `classes.txt` (see the README's table of
data). m0 as the paper's classifier (endpoints of 256, no space-to-depth) and keras-cv's
`ImageClassifier` on its EfficientNet-Lite-B0 and MobileNetV3-Small train on the same batches,
enlarged from 32 px, with AdamW and a learning rate that rises for 5 % of the time and falls to
zero as a cosine of it. Batch normalisation has momentum 0.9 in all of them, since 0.99 leaves the
statistics behind in short runs. All are measured on the 10,000 test pictures with the weights that
they end with. The clock counts tracing and steps, not the measurements in between.
"""

import argparse
import json
import os
import pathlib
import platform
import sys
import time

from peers import BATCH_NORM_MOMENTUM, PEERS  # isort: skip
from timed_run import CORES, TimedRun, run_in_parallel  # isort: skip

import keras
import keras_cv
import numpy as np
import tensorflow as tf

import keras_effspine
from keras_effspine.data.loading import load_records
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import training_batches
from keras_effspine.tasks.classification import Classification
from keras_effspine.tasks.inference import evaluate

BATCH_SIZE = 64
AUGMENTATION = Augmentation(scale_jitter=(0.8, 1.3), photometric=0.2)
LABEL_SMOOTHING = 0.1
# Peak learning rates.
MODELS = {
    "m0": 3e-3,
    "keras_cv_efficientnet_lite_b0": 3e-3,
    "keras_cv_mobilenet_v3_small": 3e-3,
}


def build(name, num_classes):
    """One of `MODELS`, with random weights."""
    if not name.startswith("keras_cv_"):
        backbone = keras_effspine.EffSpineNetBackbone.from_preset(
            name,
            batch_norm_momentum=BATCH_NORM_MOMENTUM,
            **keras_effspine.ImageClassifier.paper_backbone,
        )
        return keras_effspine.ImageClassifier(backbone, num_classes)
    model = keras_cv.models.ImageClassifier(PEERS[name](), num_classes)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    return model


def run(name, train, test, arguments):
    keras.utils.set_random_seed(arguments.seed)
    task, size, decoder = Classification(), arguments.image_size, ImageDecoder(train)
    model = build(name, len(train.class_names))
    timed = TimedRun(
        arguments.learning_rate or MODELS[name],
        arguments.minutes * 60,
        lambda: evaluate(task, model, test, size, BATCH_SIZE),
        arguments.points,
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(timed.peak, weight_decay=0.05, global_clipnorm=1.0),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
        jit_compile=False,
    )
    batches = training_batches(
        train,
        decoder,
        task.batch_fields(train),
        size,
        BATCH_SIZE,
        arguments.seed,
        augmentation=AUGMENTATION,
        labels=task.labels,
    )
    timed.started = time.monotonic()
    model.fit(batches, steps_per_epoch=10**9, epochs=1, verbose=0, shuffle=False, callbacks=[timed])
    decoder.calls.wait_until_idle()  # Python must not end while tf.data calls it
    return {
        "model": name,
        "parameters": model.count_params(),
        "image_size": size,
        "learning_rate": timed.peak,
        "steps": len(timed.step_times),
        "pictures": BATCH_SIZE * len(timed.step_times),
        "seconds_a_step": round(float(np.median(timed.step_times)), 4),
        "top1": timed.curve[-1]["top1"],
        "top5": timed.curve[-1]["top5"],
        "curve": timed.curve,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--minutes", type=float, default=30.0, help="wall time of each model")
    parser.add_argument("--points", type=int, default=3, help="measurements along each curve")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, help="peak, instead of each model's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parallel", type=int, default=1, help="models that train at a time")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.parallel > 1:
        run_in_parallel(arguments.models, arguments.parallel)
        return
    train, test = (load_records(arguments.data, split=split) for split in ("train", "test"))
    for name in arguments.models:
        print(f"== {name}", flush=True)
        measured = run(name, train, test, arguments) | {
            "machine": f"{len(CORES)} of {os.cpu_count()} cores, {platform.machine()}",
            "versions": {
                "keras": keras.__version__,
                "tensorflow": tf.__version__,
                "keras_cv": keras_cv.__version__,
            },
            "command": " ".join(["python benchmarks/cifar10.py", *sys.argv[1:]]),
            "date": time.strftime("%Y-%m-%d"),
        }
        (arguments.out / f"{name}.json").write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
