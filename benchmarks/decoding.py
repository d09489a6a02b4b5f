"""What decoding and suppression cost beside the forward pass, on this machine's CPUs.

    python benchmarks/decoding.py --out benchmarks/results/decoding/m2.json

A preset with random weights, oneDNN on. Two kinds of outputs are decoded: `"untrained"`, the
model's own, whose scores all lie near the threshold; and `"crowded"`, made from objects in each
image, whose anchors score by their overlap, so that thousands of candidates stand for 60 objects.
The new way is `RetinaNet.decode_predictions`; the old one is keras-cv's, with TensorFlow's kernel.
Rounds of all three are interleaved, and medians given: of seconds by the clock, and of seconds
that all threads computed, which hardly depend on what else the machine does.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import keras_cv
import numpy as np
import tensorflow as tf

import keras_effspine
from keras_effspine.layers.boxes import intersection_over_union


def build(arguments, **decoder):
    keras.utils.set_random_seed(0)
    return keras_effspine.RetinaNet.from_preset(
        arguments.preset,
        load_weights=False,
        num_classes=arguments.classes,
        bounding_box_format="yxyx",
        **decoder,
    )


def crowded(model, images, classes, objects=60):
    """Outputs for objects at random places: `"box"` and `"classification"`."""
    random = np.random.default_rng(0)
    batch, size, *_ = shape = tuple(images.shape)
    anchors = np.concatenate(
        [np.asarray(a) for a in model.anchor_generator(image_shape=shape[1:]).values()]
    )
    extent = random.uniform(size / 16, size / 3, (batch, objects, 2))
    low = random.uniform(0, 1, (batch, objects, 2)) * (size - extent)
    boxes = np.concatenate([low, low + extent], axis=-1).astype("float32")
    overlap = np.asarray(intersection_over_union(anchors, boxes))
    logits = random.normal(-7, 0.7, (batch, len(anchors), classes)).astype("float32")
    for image in range(batch):
        for column, class_id in enumerate(random.integers(0, classes, objects)):
            logits[image, :, class_id] += 9 * overlap[image, :, column]
    deltas = random.normal(0, 0.3, (batch, len(anchors), 4)).astype("float32")
    return {"box": tf.constant(deltas), "classification": tf.constant(logits)}


def seconds(calls, rounds):
    """Medians of the calls' seconds by the clock and of computing, in interleaved rounds."""
    taken = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            clock, computing = time.perf_counter(), time.process_time()
            keras.tree.map_structure(np.asarray, call())
            taken[name].append((time.perf_counter() - clock, time.process_time() - computing))
    return {
        name: {
            "clock": round(statistics.median(t[0] for t in times), 5),
            "computing": round(statistics.median(t[1] for t in times), 5),
        }
        for name, times in taken.items()
    }


def measure(arguments):
    new = build(arguments)
    old = build(
        arguments,
        prediction_decoder=keras_cv.layers.MultiClassNonMaxSuppression(
            "yxyx", from_logits=True, confidence_threshold=0.01
        ),
    )
    results = []
    for batch in arguments.batch:
        shape = (batch, arguments.size, arguments.size, 3)
        images = tf.constant(np.random.default_rng(0).uniform(0, 255, shape).astype("float32"))
        forward = tf.function(lambda x: new(x, training=False))
        ways = {
            "new": tf.function(lambda o, x=images: new.decode_predictions(o, x)),
            "old": tf.function(
                lambda o, x=images: keras_cv.models.RetinaNet.decode_predictions(old, o, x)
            ),
        }
        kinds = {
            "untrained": forward(images),
            "crowded": crowded(new, images, arguments.classes),
        }
        for kind, outputs in kinds.items():
            calls = {name: (lambda f=f, o=outputs: f(o)) for name, f in ways.items()}
            if kind == "crowded":  # among the many equal scores of the other, each has its order
                for name, values in calls["old"]().items():
                    np.testing.assert_allclose(calls["new"]()[name], values, rtol=1e-4, atol=1e-3)
            calls["forward"] = lambda x=images, f=forward: f(x)
            times = seconds(calls, arguments.rounds)
            results.append({"batch": batch, "outputs": kind, "seconds": times})
            print(json.dumps(results[-1]), flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="m2")
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--classes", type=int, default=91)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    results = measure(arguments)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "command": " ".join(["python", *sys.argv]),
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "load_average": os.getloadavg(),
        "versions": {m.__name__: m.__version__ for m in (tf, keras, keras_cv, np)},
        "results": results,
    }
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
