"""Which detector should I take? Many of them on the same data, in the same time, by one measure.

    python benchmarks/bake_off.py run --out benchmarks/results/bake_off \
        --data bccd=DATA/bccd everyday=DATA/everyday --minutes 30 --seeds 0 1 \
        --candidates m0 m1 m2 efficientdet_d0 mobilenet_v3_ssdlite torchvision_ssdlite320 \
        --torch-python build/torch/bin/python
    python benchmarks/bake_off.py table --out benchmarks/results/bake_off

Candidates and how each is trained stand in `bake_off_worker.py`. All get the same batches, made by
this process (this package's stream and augmentation), and the same wall time of steps; they start
from random weights. Of three learning rates, each tried for a third of the time, the one with the
best AP on pictures that are chosen by is taken; with it each seed trains for the whole time, and is
measured on pictures that chose nothing. What is measured is what this package measures any model
with (COCO's own code). Each run is a cell, a JSON file of its own: a run that was stopped goes on
with the cells that are missing when its command is repeated. Run it on an otherwise idle machine.

`bccd` is a folder with train.json, val.json (chosen by), test.json (measured on) and JPEGImages;
any other name is a folder with train.json, val.json (measured on) and images/train, images/val, of
whose training pictures a tenth is chosen by.

The environments of peers, which are none of this package's:

    python -m venv build/torch && build/torch/bin/pip install torch torchvision ultralytics
    python -m venv build/hub && build/hub/bin/pip install keras-hub tensorflow
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from bake_off_worker import receive, send  # isort: skip

import numpy as np

BATCH_SIZE = 8
RATES = {
    "preset": (0.005, 0.01, 0.02),
    "torchvision": (3e-4, 1e-3, 3e-3),
    "ultralytics": (5e-4, 2e-3, 5e-3),
    "keras_hub": (1e-4, 3e-4, 1e-3),
}
COLUMNS = {
    "AP": ("AP", 3, max),
    "AP50": ("AP50", 3, max),
    "s a step": ("seconds_a_step", 3, min),
    "parameters, M": ("parameters_m", 2, min),
    "multiply-adds, B": ("multiply_adds_b", 2, min),
    "ms a picture": ("milliseconds", 1, min),
    "peak memory, MB": ("peak_memory_mb", 0, min),
}


def library_of(candidate):
    return next((name for name in RATES if candidate.startswith(f"{name}_")), "preset")


def load_parts(name, folder):
    """Records to train on, to choose by, and to measure on."""
    from keras_effspine.data.loading import load_records
    from keras_effspine.data.reserved_records import reserve_records

    if name == "bccd":
        return [
            load_records(folder / f"{split}.json", folder / "JPEGImages")
            for split in ("train", "val", "test")
        ]
    train, test = (
        load_records(folder / f"{split}.json", folder / "images" / split)
        for split in ("train", "val")
    )
    return [*reserve_records(train, max(1, len(train.records) // 10)), test]


class Worker:
    """A candidate in its process."""

    def __init__(self, candidate, seed, classes, arguments):
        pythons = {
            "torchvision": arguments.torch_python,
            "ultralytics": arguments.ultralytics_python or arguments.torch_python,
            "keras_hub": arguments.hub_python,
        }
        python = pythons.get(library_of(candidate), sys.executable)
        if python is None:
            raise SystemExit(f"{candidate}: name its Python; see --help.")
        worker = pathlib.Path(__file__).with_name("bake_off_worker.py")
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        if python == sys.executable:
            environment = dict(os.environ)
        self.process = subprocess.Popen(
            [python, worker],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if arguments.verbose else subprocess.DEVNULL,
            env=environment,
        )
        header = {"candidate": candidate, "seed": seed, "classes": classes}
        send(self.process.stdin, {**header, "size": arguments.image_size})
        self.known = self.answer()[0]

    def answer(self):
        header, arrays = receive(self.process.stdout)
        if header is None:
            raise SystemExit(f"{self.process.args}: ended with status {self.process.wait()}.")
        return header, arrays

    def ask(self, header, **arrays):
        send(self.process.stdin, header, arrays)
        return self.answer()

    def train(self, batches, seconds, peak, most_steps):
        header, _ = self.ask(
            {"do": "train", "seconds": seconds, "peak": peak, "most_steps": most_steps}
        )
        while "wants" in header:
            images, labels = next(batches)
            images = np.clip(np.round(images), 0, 255).astype("uint8")
            header, _ = self.ask({}, images=images, **labels)
        return header["trained"]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure(worker, records, size):
    """AP and AP50 of what the worker predicts, by this package's own road."""
    from keras_effspine.tasks.detection import Detection
    from keras_effspine.tasks.inference import evaluate

    class Remote(Detection):
        def predict(self, model, images):
            images = np.clip(np.round(images), 0, 255).astype("uint8")
            return worker.ask({"do": "predict"}, images=images)[1]

    metrics = evaluate(Remote(), None, records, size, BATCH_SIZE).result().metrics
    return {name: metrics[name] for name in ("AP", "AP50")}


def run_cell(file, candidate, rate, seed, train, measured, seconds, arguments):
    """Trains and measures a candidate, and writes what came of it."""
    from keras_effspine.stream.augmentation import Augmentation
    from keras_effspine.stream.decoding import ImageDecoder
    from keras_effspine.stream.pipeline import training_batches
    from keras_effspine.tasks.detection import Detection

    size = arguments.image_size
    batches = training_batches(
        train,
        ImageDecoder(train),
        Detection().batch_fields(train),
        size,
        BATCH_SIZE,
        seed,
        augmentation=Augmentation(scale_jitter=(0.6, 1.5), photometric=0.3),
    ).as_numpy_iterator()
    worker = Worker(candidate, seed, len(train.class_names), arguments)
    told = worker.train(batches, seconds, rate, arguments.most_steps)
    cell = {
        "candidate": candidate,
        "learning_rate": rate,
        "seed": seed,
        "seconds": seconds,
        "image_size": size,
        **measure(worker, measured, size),
        **told,
        **worker.ask({"do": "cost"})[0],
        **worker.known,
        "machine": f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}, "
        f"load {os.getloadavg()[0]:.1f} after",
        "command": " ".join(["python", *sys.argv]),
        "date": time.strftime("%Y-%m-%d"),
    }
    worker.end()
    part = file.with_suffix(".part")
    part.write_text(json.dumps(cell, indent=2) + "\n")
    part.replace(file)
    print(f"{file.name}: AP {cell['AP']}, {cell['steps']} steps", flush=True)


def run(arguments):
    for name, folder in arguments.data:
        train, chosen_by, measured = load_parts(name, pathlib.Path(folder))
        if arguments.most_pictures:  # a rehearsal
            chosen_by, measured = (
                dataclasses.replace(one, records=tuple(one.records)[: arguments.most_pictures])
                for one in (chosen_by, measured)
            )
        out = arguments.out / name
        out.mkdir(parents=True, exist_ok=True)
        for candidate in arguments.candidates:
            rates = RATES[library_of(candidate)]
            for rate in rates:
                file = out / f"{candidate}-rate{rate:g}.json"
                if not file.exists():
                    seconds = arguments.minutes * 20
                    run_cell(file, candidate, rate, 0, train, chosen_by, seconds, arguments)
            best = max(rates, key=lambda rate: _read(out / f"{candidate}-rate{rate:g}.json")["AP"])
            for seed in arguments.seeds:
                file = out / f"{candidate}-seed{seed}.json"
                if not file.exists():
                    seconds = arguments.minutes * 60
                    run_cell(file, candidate, best, seed, train, measured, seconds, arguments)


def _read(file):
    return json.loads(file.read_text())


def table(arguments):
    """Prints what the cells hold: a row a candidate, the best of each column in bold."""
    for folder in sorted(path for path in arguments.out.iterdir() if path.is_dir()):
        cells = {}
        for file in sorted(folder.glob("*-seed*.json")):
            cell = _read(file)
            cell["parameters_m"] = cell["parameters"] / 1e6
            if cell["multiply_adds"]:
                cell["multiply_adds_b"] = cell["multiply_adds"] / 1e9
            cells.setdefault(cell["candidate"], []).append(cell)
        rows = {name: summary(some) for name, some in cells.items()}
        order = sorted(rows, key=lambda name: -rows[name]["AP"])
        print(f"\n{folder.name}, means of the seeds; the AP of each behind it\n")
        print("| candidate |", " | ".join(COLUMNS), "| AP by seed | learning rate |")
        print("|" + "---|" * (len(COLUMNS) + 3))
        for name in order:
            values = []
            for key, digits, best in COLUMNS.values():
                column = [row[key] for row in rows.values() if row[key] is not None]
                value = rows[name][key]
                text = "-" if value is None else f"{value:.{digits}f}"
                values.append(
                    f"**{text}**" if value is not None and value == best(column) else text
                )
            seeds = ", ".join(f"{cell['AP']:.3f}" for cell in cells[name])
            rate = cells[name][0]["learning_rate"]
            print(f"| `{name}` |", " | ".join(values), f"| {seeds} | {rate:g} |")


def summary(cells):
    found = {}
    for key, *_ in COLUMNS.values():
        values = [cell[key] for cell in cells if cell.get(key) is not None]
        found[key] = statistics.mean(values) if values else None
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(required=True)
    running = verbs.add_parser("run")
    running.add_argument("--data", nargs="+", metavar="NAME=FOLDER", required=True)
    running.add_argument("--candidates", nargs="+", required=True)
    running.add_argument("--minutes", type=float, default=30.0, help="wall time of steps of a seed")
    running.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    running.add_argument("--image-size", type=int, default=384)
    running.add_argument("--torch-python", help="Python that has torch and torchvision")
    running.add_argument("--ultralytics-python", help="that has ultralytics; --torch-python's else")
    running.add_argument("--hub-python", help="that has keras-hub and TensorFlow")
    running.add_argument("--most-steps", type=int, help="ends each training early: a rehearsal")
    running.add_argument("--most-pictures", type=int, help="measures on fewer: a rehearsal")
    running.add_argument("--verbose", action="store_true")
    running.set_defaults(run=run)
    printing = verbs.add_parser("table")
    printing.set_defaults(run=table)
    for one in (running, printing):
        one.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    if hasattr(arguments, "data"):
        pairs = [text.partition("=") for text in arguments.data]
        if not all(equals and pathlib.Path(folder).is_dir() for _, equals, folder in pairs):
            parser.error("--data: write NAME=FOLDER, such as bccd=data/bccd")
        arguments.data = [(name, folder) for name, _, folder in pairs]
    arguments.run(arguments)


if __name__ == "__main__":
    main()
