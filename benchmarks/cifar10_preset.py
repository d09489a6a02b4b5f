"""Trains the weights of the preset m0_cifar10 and makes the preset.

    python benchmarks/cifar10_preset.py --data CIFAR10 --out runs/m0_cifar10

CIFAR10 is a folder of `train.tfrecord`, `test.tfrecord` and `classes.txt`. m0's backbone as a
detector has it learns the ten classes from the averaged endpoints and a linear layer: first at 64
px, where a step costs a quarter, then at 128 px. Weights are stored in half precision; the
accuracy in the preset is measured after that. A command that was stopped goes on where it was.
"""

import argparse
import datetime
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras_effspine
from keras_effspine.data.loading import load_records
from keras_effspine.pretrained.preset_saving import round_to_half_precision
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.tasks.classification import Classification
from keras_effspine.tasks.inference import evaluate
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.recipes import find_recipe
from keras_effspine.training.train import train

# Image size in pixels, epochs, learning rate.
STAGES = ((64, 8, 0.004), (128, 3, 0.0015))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the runs")
    parser.add_argument("--preset", default="m0", help="architecture")
    arguments = parser.parse_args()
    base = list_presets()[arguments.preset]

    start, steps = arguments.preset, 0
    for image_size, epochs, learning_rate in STAGES:
        changes = {
            "preset": str(start),
            "data.data": str(arguments.data),
            "image_size": image_size,
            "epochs": epochs,
            "optimization.learning_rate": learning_rate,
            "optimization.weight_decay": 0.02,
            "evaluations": 4 if epochs > 4 else epochs,
        }
        recipe = override(find_recipe("cifar10_pretrain"), changes)
        start = (arguments.out / f"{image_size}px").absolute()
        folder, _ = train(recipe, start)
        steps += folder.read_json("metrics.json")["step"]

    model = keras_effspine.load_model(folder.path / "best.keras", compile=False)
    round_to_half_precision(model)
    test = load_records(arguments.data, split="test")
    result = evaluate(Classification(), model, test, image_size, batch_size=64).result()
    trained = {
        "task": "classification",
        "class_names": list(test.class_names),
        "data": "CIFAR-10, its training pictures",
        "measured_on": f"its test pictures at {image_size} px",
        "measured": result.metrics,
        "steps": steps,
        "command": "python benchmarks/cifar10_preset.py --data CIFAR10 --out runs/m0_cifar10",
        "date": datetime.date.today().isoformat(),
        "licence": "Apache-2.0; CIFAR-10 names no licence (Krizhevsky, 2009)",
    }
    model.backbone.save_to_preset(
        base.folder.with_name(f"{arguments.preset}_cifar10"),
        input_size=base.input_size,
        title=base.title,
        source=base.source,
        family=base.family,
        trained=trained,
        half_precision=True,
    )
    print(json.dumps(trained["measured"], indent=2))


if __name__ == "__main__":
    main()
