"""How much of the network's own throughput `effspine predict` keeps over a folder of pictures.

    python benchmarks/predict_folder.py --preset m1_bccd --pictures BCCD/JPEGImages \\
        --out benchmarks/results/predict_folder.json

In turn, several times: the model's `predict` alone on decoded batches of the same pictures; and
`effspine predict PRESET FOLDER` with what belongs to it, reading, suppression, drawing and writing,
without and with `--jpeg`, in the same process without its start. All after a first run that traces.
On a machine whose network takes all cores what is done beside it takes its time from the network,
so that the processor seconds of each are given too.
"""

import argparse
import contextlib
import datetime
import io
import json
import os
import pathlib
import platform
import statistics
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from keras_effspine.cli.predict_pictures import AskedPictures, predict_pictures
from keras_effspine.cli.predictor import find_predictor
from keras_effspine.data.images.loose_images import load_images
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import evaluation_batches


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="m1_bccd")
    parser.add_argument("--pictures", required=True, help="folder")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()

    predictor = find_predictor(arguments.preset, False)
    records = load_images(arguments.pictures, predictor.class_names)
    count = len(records.records)
    stream = evaluation_batches(
        records, ImageDecoder(records), predictor.canvas[0], arguments.batch_size
    )
    batches = [batch["images"] for batch in stream.as_numpy_iterator()]

    def network():
        for images in batches:
            predictor.predict_batch(images)

    def whole(jpeg):
        with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
            asked = AskedPictures(
                arguments.pictures, out=out, batch_size=arguments.batch_size, jpeg=jpeg
            )
            predict_pictures(predictor, asked)

    ways = {
        "network": network,
        "predict": lambda: whole(False),
        "predict --jpeg": lambda: whole(True),
    }
    times = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            began, computed = time.perf_counter(), time.process_time()
            way()
            times[name].append((time.perf_counter() - began, time.process_time() - computed))
    found = {
        name: {
            "pictures_a_second": round(count / statistics.median(t[0] for t in of), 2),
            "processor_ms_a_picture": round(1e3 * statistics.median(t[1] for t in of) / count, 2),
        }
        for name, of in times.items()
    }
    for one in found.values():
        share = one["pictures_a_second"] / found["network"]["pictures_a_second"]
        one["of_the_networks_throughput"] = round(share, 3)
    report = {
        "command": " ".join(["python", *sys.argv]),
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "pictures": count,
        "batch_size": arguments.batch_size,
        **found,
    }
    print(json.dumps(report, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
