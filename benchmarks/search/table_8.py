"""Table 8 of the paper at a small scale: what a learnt distribution is worth when it is retrained.

    python benchmarks/search/table_8.py --search runs/search --out runs/table_8

D0's distribution, SP-EfficientNet-B0's (equal betas), the winner of a search, and a random one,
from random weights on the embedded shapes, 3 seeds each, measured on the 120 validation pictures,
which no search has seen. Multiply-adds are made equal with the width multiplier, as nearly as
widths of multiples of 8 allow, and time with the number of steps: a step's processor time is
measured for all of them in turn, and each trains for what `--steps` of D0's take. What is done is
kept in the folder, and the same command goes on from there. Of a search with shared weights the
winner's slice is measured too, as it was shipped. The result is `--out`/table_8.json.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np

from keras_effspine.data.shapes.drawing import CLASS_NAMES
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.profiling.network_cost import network_cost
from keras_effspine.searching.counts import Counts
from keras_effspine.searching.forgotten_traces import forgotten_traces
from keras_effspine.tasks.inference import evaluate
from keras_effspine.tasks.registry import find_task
from keras_effspine.topology.eff_spinenet import SPEC
from keras_effspine.training.optimizer import build_optimizer
from keras_effspine.training.preset_values import resolve_preset
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.recipes import find_recipe
from keras_effspine.training.run_data import load_validation_data
from keras_effspine.training.train import train

MULTIPLIERS = np.arange(0.3, 0.55, 0.002)
ROUNDS, STEPS_A_ROUND = 5, 6


def distributions(search, seed):
    random = np.random.default_rng([seed, 8])
    found = {
        "Eff-SpineNet-D0": list(SPEC.betas),
        "SP-EfficientNet-B0": [1] * 18,
        "random": random.choice([1, 5, 10, 15, 20], 18).tolist(),
    }
    if search is not None:
        found["winner"] = find_pretrained(search / "best").backbone()[1]["config"]["betas"]
    return found


def equal_multiply_adds(recipe, betas, own):
    """The recipe with a width multiplier that gives a distribution m0's own multiply-adds."""
    spec = dataclasses.replace(SPEC, betas=tuple(betas))
    repeats, size = (1,) * 18, recipe.image_size
    network = network_cost(SPEC, SPEC.widths(0.4), repeats, size)
    tried = {float(m): network_cost(spec, spec.widths(m), repeats, size) for m in MULTIPLIERS}
    nearest = min(tried, key=lambda m: abs(tried[m].published - network.published))
    changes = {"backbone.betas": betas, "backbone.width_multiplier": nearest}
    # The heads are the same for all.
    multiply_adds = own.published - network.published + tried[nearest].published
    parameters = own.parameters - network.parameters + tried[nearest].parameters
    return override(recipe, changes), multiply_adds, parameters


def without_training(search, recipe):
    """AP of a search's winner on the validation pictures where it is trained already, or None."""
    best = find_pretrained(search / "best")
    if best.weights is None:
        return None
    records = load_validation_data(recipe, lambda line: None)
    result = evaluate(
        find_task("detection"), best.read_model(), records, recipe.image_size
    ).result()
    return round(result.metrics["AP"], 4)


def _start():
    return find_pretrained("m0")


def seconds_a_step(recipes):
    """Processor seconds of a training step of each, the median of rounds in turn."""
    random, task, models = np.random.default_rng(0), find_task("detection"), {}
    size, batch = next(iter(recipes.values())).image_size, 8
    images = random.uniform(0, 255, (batch, size, size, 3)).astype("float32")
    corners = np.sort(random.uniform(0, size, (batch, 5, 2, 2)), axis=2).reshape(batch, 5, 4)
    labels = {
        "boxes": corners.astype("float32") + [0, 0, 4, 4],
        "classes": random.integers(0, len(CLASS_NAMES), (batch, 5)).astype("float32"),
    }
    for name, recipe in recipes.items():
        models[name] = task.build_model(recipe, CLASS_NAMES, _start())
        task.compile_model(models[name], recipe, build_optimizer(recipe.optimization, 100, 100))
        models[name].train_on_batch(images, labels)
    taken = {name: [] for name in recipes}
    for _ in range(ROUNDS):
        for name, model in models.items():
            began = time.process_time()
            for _ in range(STEPS_A_ROUND):
                model.train_on_batch(images, labels)
            taken[name].append((time.process_time() - began) / STEPS_A_ROUND)
    keras.backend.clear_session(free_memory=True)
    return {name: float(np.median(found)) for name, found in taken.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--search", type=pathlib.Path, help="folder of a search that has ended")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=900, help="of D0's distribution")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    plan_file = options.out / "plan.json"
    recipe, _ = resolve_preset(override(find_recipe("from_scratch"), {"preset": "m0"}))
    recipe = override(recipe, {"image_size": options.image_size, "data.data": "shapes"})
    if not plan_file.exists():
        counts = Counts(recipe, CLASS_NAMES, _start())
        plan, recipes = {}, {}
        for name, betas in distributions(options.search, 0).items():
            recipes[name], multiply_adds, parameters = equal_multiply_adds(
                recipe, betas, counts.own
            )
            plan[name] = {
                "backbone": recipes[name].backbone,
                "multiply_adds": multiply_adds,
                "parameters": parameters,
            }
        seconds = seconds_a_step(recipes)
        for name, one in plan.items():
            one["cpu_seconds_a_step"] = round(seconds[name], 4)
            one["steps"] = round(options.steps * seconds["Eff-SpineNet-D0"] / seconds[name])
        if options.search is not None:
            plan["winner"]["AP_of_the_slice"] = without_training(options.search, recipe)
        plan_file.write_text(json.dumps(plan, indent=1) + "\n")
    plan = json.loads(plan_file.read_text())
    for seed in range(options.seeds):
        for name, one in plan.items():
            changes = {f"backbone.{key}": value for key, value in one["backbone"].items()}
            changed = override(recipe, {**changes, "steps": one["steps"], "seed": seed})
            folder = options.out / f"{name}-{seed}"
            print(f"{name}, seed {seed}: {one['steps']} steps", flush=True)
            with forgotten_traces():
                run, _ = train(changed, folder, report=lambda line: None, verbose=0)
            last = run.metrics.history[-1]
            one.setdefault("AP", []).append(round(last["AP"], 4))
            print(f"  AP {last['AP']:.4f}", flush=True)
            machine = f"{platform.machine()}, {time.strftime('%Y-%m-%d')}"
            text = json.dumps({"machine": machine, "distributions": plan}, indent=1)
            (options.out / "table_8.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
