"""What a start from trained weights brings: AP after short fine-tuning, by set, steps and seed.

    python benchmarks/pretraining/fine_tuning.py --out benchmarks/results/fine_tuning/m0.json \\
        --set cells train.json JPEGImages test.json JPEGImages \\
        --set street train.json images test.json images \\
        --weights m0 m0_cifar10 runs/tiny/m0_tiny_imagenet

Each start trains a detector with the recipe `fine_tune` for each number of steps, a run of its own
with its own fall of the learning rate, with all weights learning and with the backbone frozen (not
from random weights), and is measured on the set's other part. All runs of a set and a seed see the
same pictures. The file holds what has been measured so far; the same command goes on with the rest.
Sets must be ones that no weights were trained on.

With `--option box_loss=giou`, or another that `effspine train --set` takes, the same file gets rows
that say what it brings: `score_loss=quality`, `anchors=data`, `optimization.ema=0.998`.
"""

import argparse
import itertools
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import tensorflow as tf

import keras_effspine
from keras_effspine.atomic_file import write_file
from keras_effspine.pretrained.find_pretrained import find_pretrained


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON file")
    parser.add_argument(
        "--set",
        nargs=5,
        action="append",
        required=True,
        metavar=("NAME", "TRAIN", "IMAGES", "TEST", "IMAGES"),
    )
    parser.add_argument("--weights", nargs="+", default=["m0", "m0_cifar10"])
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--image-size", type=int, default=256)
    parser.add_argument("--option", action="append", default=[], help="--set of the runs")
    arguments = parser.parse_args()

    report = {"runs": []}
    if arguments.out.is_file():
        report = json.loads(arguments.out.read_text())
    measured = {_key(run): run for run in report["runs"]}
    for steps, seed, data, weights, frozen in itertools.product(
        arguments.steps, arguments.seeds, arguments.set, arguments.weights, ("nothing", "backbone")
    ):
        run = {
            "set": data[0],
            "weights": pathlib.Path(weights).name,
            "frozen": frozen,
            "steps": steps,
            "seed": seed,
            "image_size": arguments.image_size,
            "options": sorted(arguments.option),
        }
        is_random = find_pretrained(weights).weights is None
        if _key(run) in measured or (is_random and frozen == "backbone"):
            continue
        measured[_key(run)] = {**run, **_train(run, data, weights)}
        report = {
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "versions": {
                "keras_effspine": keras_effspine.__version__,
                "keras": keras.__version__,
                "tensorflow": tf.__version__,
            },
            "date": time.strftime("%Y-%m-%d"),
            "runs": list(measured.values()),
        }
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(report, indent=1) + "\n"
        write_file(arguments.out, lambda file, text=text: file.write_text(text))
    print("\n".join(table(list(measured.values()))))


def _key(run):
    """What makes a run that run, without what came of it."""
    return json.dumps({name: run[name] for name in sorted(run) if name not in ("AP", "AP50")})


def _train(run, data, weights):
    """Trains in a process of its own and returns what was measured at the end."""
    _, train, images, test, test_images = data
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        command = [
            *(sys.executable, "-m", "keras_effspine.cli.main", "train", "--recipe", "fine_tune"),
            *("--data", train, "--images", images, "--val-data", test, "--val-images", test_images),
            *("--preset", weights, "--steps", str(run["steps"]), "--seed", str(run["seed"])),
            *("--image-size", str(run["image_size"]), "--set", "evaluations=1"),
            *("--set", f"frozen={run['frozen']}", "--out", str(out)),
            *(text for option in run["options"] for text in ("--set", option)),
        ]
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
            raise SystemExit(f"{run}: the run failed")
        metrics = json.loads((out / "metrics.json").read_text())["history"][-1]
    result = {name: metrics[name] for name in ("AP", "AP50")}
    print(json.dumps({**run, **result}), flush=True)
    return result


def table(runs):
    """Lines of a table of AP, the mean of the seeds with each of them, one row a start."""
    columns = sorted({(run["set"], run["steps"]) for run in runs})
    rows = sorted({(run["weights"], run["frozen"], tuple(run["options"])) for run in runs})
    yield "| weights | frozen | " + " | ".join(f"{name}, {steps}" for name, steps in columns) + " |"
    yield "|---" * (2 + len(columns)) + "|"
    for row in rows:
        cells = []
        for column in columns:
            found = [
                run["AP"]
                for run in sorted(runs, key=lambda run: run["seed"])
                if (run["weights"], run["frozen"], tuple(run["options"])) == row
                and (run["set"], run["steps"]) == column
            ]
            each = ", ".join(f"{ap:.3f}" for ap in found)
            cells.append(f"{statistics.mean(found):.3f} ({each})" if found else "")
        name = " ".join((row[0], *row[2]))
        yield f"| {name} | {row[1]} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
