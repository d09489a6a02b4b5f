"""What a start from trained weights brings: BCCD after the same short schedule, by seed.

    python benchmarks/pretraining.py --data BCCD --out benchmarks/results/pretraining

Each preset trains a detector on the 205 pictures of the training split and is measured on the 72
of the test split as the run goes. All runs are alike but for the weights that they start from.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import tensorflow as tf

import keras_effspine


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--presets", nargs="+", default=["m0", "m0_cifar10"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--image-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=0.02)
    parser.add_argument("--parallel", type=int, default=2, help="runs at a time")
    arguments = parser.parse_args()
    runs = [(preset, seed) for seed in arguments.seeds for preset in arguments.presets]

    with (
        tempfile.TemporaryDirectory() as folder,
        concurrent.futures.ThreadPoolExecutor(arguments.parallel) as threads,
    ):
        results = list(threads.map(lambda run: _run(arguments, folder, *run), runs))
    arguments.out.mkdir(parents=True, exist_ok=True)
    report = {
        "command": f"python benchmarks/{pathlib.Path(sys.argv[0]).name} --data BCCD "
        f"--steps {arguments.steps} --learning-rate {arguments.learning_rate}",
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {
            "keras_effspine": keras_effspine.__version__,
            "tensorflow": tf.__version__,
        },
        "runs": sorted(results, key=lambda result: (result["preset"], result["seed"])),
    }
    file = arguments.out / f"{arguments.steps}_steps.json"
    file.write_text(json.dumps(report, indent=2) + "\n")


def _run(arguments, folder, preset, seed):
    """Trains in a process of its own and returns what was measured."""
    out = pathlib.Path(folder) / f"{preset}-{seed}"
    images = str(arguments.data / "JPEGImages")
    data = ["--data", str(arguments.data / "train.json"), "--images", images]
    measured = ["--val-data", str(arguments.data / "test.json"), "--val-images", images]
    options = {
        "preset": preset,
        "seed": seed,
        "steps": arguments.steps,
        "image-size": arguments.image_size,
        "learning-rate": arguments.learning_rate,
        "out": out,
    }
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "keras_effspine.cli.main", "train", *data, *measured, *flags]
    command += ["--vertical-flip", "--quarter-turns", "--set", "evaluations=4"]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        raise SystemExit(f"{preset}, seed {seed}: the run failed")
    metrics = json.loads((out / "metrics.json").read_text())
    history = [{name: past[name] for name in ("step", "AP", "AP50")} for past in metrics["history"]]
    result = {"preset": preset, "seed": seed, "history": history}
    print(json.dumps(result), flush=True)
    return result


if __name__ == "__main__":
    main()
