"""What a start from trained weights brings: BCCD after the same short schedule, by seed.

    python benchmarks/pretraining.py --data BCCD --out benchmarks/results/pretraining

Each preset trains a detector on the 205 pictures of the training split and is measured on the 72
of the test split as the run goes. All runs are alike but for the weights that they start from.
"""

import argparse
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

    results = []
    with tempfile.TemporaryDirectory() as folder:
        waiting, running = list(runs), {}
        while waiting or running:
            for run in [run for run, process in running.items() if process.poll() is not None]:
                if running.pop(run).returncode:
                    raise SystemExit(f"{run[0]}, seed {run[1]}: the run failed")
                results.append(_result(run, _run_folder(folder, run)))
                print(json.dumps(results[-1]), flush=True)
            while waiting and len(running) < arguments.parallel:
                run = waiting.pop(0)
                running[run] = _start(arguments, run, _run_folder(folder, run))
            time.sleep(1)
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


def _run_folder(folder, run):
    return pathlib.Path(folder) / f"{run[0]}-{run[1]}"


def _start(arguments, run, out):
    preset, seed = run
    pictures = str(arguments.data / "JPEGImages")
    data = ["--data", str(arguments.data / "train.json"), "--images", pictures]
    measured = ["--val-data", str(arguments.data / "test.json"), "--val-images", pictures]
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
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _result(run, folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    history = [{name: past[name] for name in ("step", "AP", "AP50")} for past in metrics["history"]]
    return {"preset": run[0], "seed": run[1], "history": history}


if __name__ == "__main__":
    main()
