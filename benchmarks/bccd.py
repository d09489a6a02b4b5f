"""Detectors on real blood-cell photographs: random weights, the same wall time for each.

    python benchmarks/bccd.py --data BCCD_FOLDER --out benchmarks/results/bccd --parallel 2

The folder holds `train.json`, `val.json`, `test.json` (COCO JSON of the official splits) and
`JPEGImages/` (https://github.com/Shenggan/BCCD_Dataset, MIT). Models of this package and keras-cv's
own RetinaNet train on the same batches of train and val (augmented, no weights loaded), with AdamW
and a learning rate that rises for 5 % of the time and falls to zero as a cosine of it, each at a
peak of its own. Batch normalisation has momentum 0.9 in all of them, since 0.99 leaves the
statistics behind and ruins short runs. All are measured on the test split with the same evaluator
(pycocotools). The clock counts tracing and steps, not the measurements in between.

With `--parallel 2` two models train at a time, each on half of the cores that there are.
"""

import argparse
import dataclasses
import json
import math
import os
import pathlib
import platform
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import keras_cv
import numpy as np
import tensorflow as tf
from PIL import Image

import keras_effspine
from keras_effspine.data.loading import load_records
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import training_batches
from keras_effspine.tasks.detection import Detection
from keras_effspine.tasks.inference import evaluate
from keras_effspine.tasks.showcase import truth_and_prediction

BATCH_SIZE = 8
# Cells have no up: mirroring them both ways took test AP50 from 0.906 to 0.927 (see README.md).
AUGMENTATION = Augmentation(scale_jitter=(0.6, 1.5), vertical_flip=True, photometric=0.3)
BATCH_NORM_MOMENTUM = 0.9
CORES = sorted(os.sched_getaffinity(0))
# Peak learning rates, the best of those tried for each (see the results' README).
MODELS = {
    "m0": 0.02,
    "m1": 0.02,
    "m2": 0.02,
    "keras_cv_mobilenet_v3_small": 2e-3,
    "keras_cv_efficientnet_lite_b0": 2e-3,
}


# keras-cv's own configurations, built by hand: its presets load weights from the network.
PEERS = {
    "keras_cv_mobilenet_v3_small": lambda: keras_cv.models.MobileNetV3Backbone(
        stackwise_expansion=[1, 72.0 / 16, 88.0 / 24, 4, 6, 6, 3, 3, 6, 6, 6],
        stackwise_filters=[16, 24, 24, 40, 40, 40, 48, 48, 96, 96, 96],
        stackwise_kernel_size=[3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5],
        stackwise_stride=[2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1],
        stackwise_se_ratio=[0.25, None, None] + [0.25] * 8,
        stackwise_activation=["relu"] * 3 + ["hard_swish"] * 8,
        include_rescaling=True,
    ),
    "keras_cv_efficientnet_lite_b0": lambda: keras_cv.models.EfficientNetLiteBackbone(
        stackwise_kernel_sizes=[3, 3, 5, 3, 5, 5, 3],
        stackwise_num_repeats=[1, 2, 2, 3, 3, 4, 1],
        stackwise_input_filters=[32, 16, 24, 40, 80, 112, 192],
        stackwise_output_filters=[16, 24, 40, 80, 112, 192, 320],
        stackwise_expansion_ratios=[1, 6, 6, 6, 6, 6, 6],
        stackwise_strides=[1, 2, 2, 2, 1, 2, 1],
        width_coefficient=1.0,
        depth_coefficient=1.0,
        include_rescaling=True,
    ),
}


class Peer(keras_cv.models.RetinaNet):
    """keras-cv's RetinaNet, which cannot decode the predictions of `predict_on_batch` itself."""

    def predict_step(self, data):
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.decode_predictions(self(images, training=False), images)


def build(name, num_classes):
    """One of `MODELS`, with random weights and this package's anchors, for boxes in xyxy."""
    if not name.startswith("keras_cv_"):
        backbone = keras_effspine.EffSpineNetBackbone.from_preset(
            name, load_weights=False, batch_norm_momentum=BATCH_NORM_MOMENTUM
        )
        return keras_effspine.RetinaNet(
            backbone=backbone, num_classes=num_classes, bounding_box_format="xyxy"
        )
    backbone = PEERS[name]()
    model = Peer(
        backbone=backbone,
        num_classes=num_classes,
        bounding_box_format="xyxy",
        anchor_generator=keras_effspine.RetinaNet.default_anchor_generator("xyxy"),
        prediction_decoder=keras_cv.layers.MultiClassNonMaxSuppression(
            bounding_box_format="xyxy", from_logits=True, confidence_threshold=0.01
        ),
    )
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    return model


class TimedRun(keras.callbacks.Callback):
    """Sets the learning rate by the clock, measures now and then, and stops when time is up."""

    def __init__(self, peak, seconds, measure, points):
        super().__init__()
        self.peak = peak
        self.seconds = seconds
        self.measure = measure
        self.marks = [seconds * (i + 1) / points for i in range(points)]
        self.paused = 0.0
        self.started = time.monotonic()
        self.step_times = []
        self.curve = []

    def elapsed(self):
        return time.monotonic() - self.started - self.paused

    def on_train_batch_begin(self, batch, logs=None):
        share = self.elapsed() / self.seconds
        warm = min(1.0, share / 0.05)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
        self.model.optimizer.learning_rate = self.peak * warm * cosine
        self.begun = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.step_times.append(time.monotonic() - self.begun)
        if self.elapsed() < self.marks[0]:
            return
        seconds, before = self.elapsed(), time.monotonic()
        metrics = self.measure().result().metrics
        self.curve.append({"seconds": round(seconds), "steps": len(self.step_times), **metrics})
        print(json.dumps(self.curve[-1]), flush=True)
        self.marks.pop(0)
        self.paused += time.monotonic() - before
        if not self.marks:
            self.model.stop_training = True


def run(name, train, test, image_size, arguments, out):
    keras.utils.set_random_seed(arguments.seed)
    task, decoder = Detection(), ImageDecoder(train)
    augmentation = AUGMENTATION.model_copy(
        update={
            "scale_jitter": tuple(arguments.scale_jitter),
            "photometric": arguments.photometric,
        }
    )
    pairs = []
    timed = TimedRun(
        arguments.learning_rate or MODELS[name],
        arguments.minutes * 60,
        lambda: evaluate(task, timed.model, test, image_size, BATCH_SIZE),
        arguments.points,
    )
    model = build(name, len(train.class_names))
    model.compile(
        optimizer=keras.optimizers.AdamW(timed.peak, weight_decay=1e-4, global_clipnorm=10.0),
        classification_loss="focal",
        box_loss="smoothl1",
        jit_compile=False,
    )
    batches = training_batches(
        train,
        decoder,
        task.batch_fields(train),
        image_size,
        BATCH_SIZE,
        arguments.seed,
        augmentation=augmentation,
    )
    model.fit(batches, steps_per_epoch=10**9, epochs=1, verbose=0, shuffle=False, callbacks=[timed])
    evaluator = evaluate(
        task, model, test, image_size, BATCH_SIZE, observe=lambda *pair: pairs.append(pair)
    )
    image = truth_and_prediction(task, pairs[:6], test.class_names, min_score=0.3)
    Image.fromarray(image).save(out / f"{name}.png")
    model.save(out / f"{name}.keras")
    return {
        "model": name,
        "parameters": model.count_params(),
        "image_size": image_size,
        "learning_rate": timed.peak,
        "augmentation": augmentation.model_dump(),
        "steps": len(timed.step_times),
        "seconds_a_step": round(float(np.median(timed.step_times)), 4),
        "result": evaluator.result().as_json(),
        "curve": timed.curve,
    }


def run_in_parallel(models, count):
    """Runs this command once for each model, `count` at a time, each on cores of its own."""
    share = len(CORES) // count
    waiting, running = list(models), {}
    while waiting or running:
        for place in range(count):
            if place in running and running[place].poll() is not None:
                if running.pop(place).returncode:
                    raise SystemExit("a run failed")
            if place not in running and waiting:
                cores = CORES[place * share : (place + 1) * share]
                options = ["--models", waiting.pop(0), "--parallel", "1"]
                # The last of two equal options counts.
                running[place] = subprocess.Popen(
                    [sys.executable, *sys.argv, *options],
                    preexec_fn=lambda cores=cores: os.sched_setaffinity(0, cores),
                )
        time.sleep(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS)[:4])
    parser.add_argument("--minutes", type=float, default=30.0, help="wall time of each model")
    parser.add_argument("--points", type=int, default=6, help="measurements along each curve")
    parser.add_argument("--image-size", type=int, default=384)
    parser.add_argument("--learning-rate", type=float, help="peak, instead of each model's own")
    parser.add_argument("--scale-jitter", type=float, nargs=2, default=AUGMENTATION.scale_jitter)
    parser.add_argument("--photometric", type=float, default=AUGMENTATION.photometric)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parallel", type=int, default=1, help="models that train at a time")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.parallel > 1:
        run_in_parallel(arguments.models, arguments.parallel)
        return

    parts = [
        load_records(arguments.data / f"{split}.json", arguments.data / "JPEGImages")
        for split in ("train", "val", "test")
    ]
    train = dataclasses.replace(parts[0], records=parts[0].records + parts[1].records)
    for name in arguments.models:
        print(f"== {name}", flush=True)
        measured = run(name, train, parts[2], arguments.image_size, arguments, arguments.out)
        measured |= {
            "machine": f"{len(CORES)} of {os.cpu_count()} cores, {platform.machine()}",
            "versions": {
                "keras": keras.__version__,
                "tensorflow": tf.__version__,
                "keras_cv": keras_cv.__version__,
            },
            "command": " ".join(["python benchmarks/bccd.py", *sys.argv[1:]]),
            "date": time.strftime("%Y-%m-%d"),
        }
        (arguments.out / f"{name}.json").write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
