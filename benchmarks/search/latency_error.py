"""How far the price of a candidate is from the time that it takes as a whole.

    python benchmarks/search/latency_error.py --out benchmarks/results/search/latency_error.json

The blocks of each network are timed as `effspine search --latency-ms` times them, as a RetinaNet
with 91 classes; then random candidates are built, and timed as a whole. `--clock cpu` takes the
seconds that all threads compute, which other work on the machine changes less.
"""

import argparse
import json
import os
import pathlib
import platform
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np

from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.searching import latency_timing, stopwatch
from keras_effspine.searching.counts import Counts
from keras_effspine.searching.latency import Latency
from keras_effspine.training.recipe import Recipe

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
NAMES = tuple(f"class {number}" for number in range(91))


def errors(preset, size, count):
    """Prices and times of random candidates."""
    recipe, start = Recipe(preset=preset, image_size=size), find_pretrained(preset)
    counts = Counts(recipe, NAMES, start)
    space = counts.space()
    budget = Latency(recipe, NAMES, start, space, 1e9)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        budget.prepare(pathlib.Path(folder), print)
    table_seconds = time.monotonic() - began
    random, rows = np.random.default_rng(5), []
    for _ in range(count):
        betas = space.betas(space.sample(random))
        price = budget.price(betas)
        took = latency_timing.time_candidate(recipe, NAMES, start, betas)
        macs = counts.cost(betas).published
        rows.append(
            {"betas": betas, "price": round(price, 3), "took": round(took, 3), "M": macs / 1e6}
        )
        print(f"{preset}: price {price:.2f} ms, took {took:.2f} ms", flush=True)
    prices, times, macs = (np.array([row[name] for row in rows]) for name in ("price", "took", "M"))
    off = np.abs(prices / times - 1)
    return {
        "image_size": size,
        "seconds_for_the_table": round(table_seconds),
        "mean_error": round(float(off.mean()), 4),
        "greatest_error": round(float(off.max()), 4),
        "correlation": round(float(np.corrcoef(prices, times)[0, 1]), 3),
        "correlation_of_multiply_adds": round(float(np.corrcoef(macs, times)[0, 1]), 3),
        "candidates": rows,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--networks", nargs="+", default=["m0:256", "d0:512"], help="PRESET:SIZE")
    parser.add_argument("--candidates", type=int, default=12)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    options = parser.parse_args()
    stopwatch.CLOCK = CLOCKS[options.clock]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    found = json.loads(options.out.read_text()) if options.out.exists() else {}
    for network in options.networks:
        preset, _, size = network.partition(":")
        load = os.getloadavg()[0]
        found[f"{network}, {options.clock}"] = {
            **errors(preset, int(size), options.candidates),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} before, "
            f"{time.strftime('%Y-%m-%d')}",
        }
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    for name, one in found.items():
        print(name, {key: value for key, value in one.items() if key != "candidates"})


if __name__ == "__main__":
    main()
