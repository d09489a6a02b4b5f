"""Trains a detector's backbone to tell the 200 classes of Tiny-ImageNet, and makes a preset of it.

    python benchmarks/pretraining/tiny_imagenet.py --data TINY --out runs/tiny --preset m0

TINY is a folder of `train.tfrecord`, `val.tfrecord`, `test.tfrecord` and `classes.txt`, or an empty
one that `--mosaics` fills; see `tiny_imagenet_data.py`. The backbone, as a detector has it, learns
from the averages of its endpoints and one linear layer, first from small pictures, on which a step
costs little, then from larger ones. Each stage is an ordinary run that starts from the best model
of the one before. Val alone chooses: which measurement of a stage is taken, and which values are
tried. Test is measured once, when all stages are through, on the weights as they ship.

A command that was stopped or killed goes on where it was. `--until 64` ends after that stage, and
makes a preset of what there is; `--since 64` begins with that stage, from a `--start` that has been
through those before. `--start` names other weights than random ones, such as those that
`effspine presets grow` made of a smaller network's run; `--teacher` distils from a larger one's.
"""

import argparse
import datetime
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from tiny_imagenet_data import LICENCE, prepare  # isort: skip

import keras_effspine
from keras_effspine.data.loading import load_records
from keras_effspine.errors import EffSpineError
from keras_effspine.pretrained.preset_saving import round_to_half_precision
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.tasks.classification import Classification
from keras_effspine.tasks.inference import evaluate
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.recipes import find_recipe
from keras_effspine.training.train import train

STAGES = (
    {
        "image_size": 48,
        "epochs": 5,
        "optimization.learning_rate": 0.01,
        "augmentation.scale_jitter": (0.7, 1.4),
    },
    {
        "image_size": 64,
        "epochs": 4,
        "optimization.learning_rate": 0.006,
        "augmentation.scale_jitter": (0.7, 1.4),
        "rand_augment": (1, 3),
        "optimization.ema": 0.998,
    },
    {
        "image_size": 96,
        "epochs": 3,
        "optimization.learning_rate": 0.003,
        "augmentation.scale_jitter": (0.7, 1.4),
        "rand_augment": (1, 5),
        "optimization.ema": 0.998,
    },
)
"""What differs from the recipe, by stage: pictures and their changes grow together."""

COMMON = {
    "data.val_split": "val",
    "batch_size": 128,
    "pooling": "pyramid",
    "optimization.weight_decay": 0.02,
    "augmentation.photometric": 0.2,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--mosaics", type=pathlib.Path, help="what --data is made from, once")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the runs")
    parser.add_argument("--preset", default="m0", help="architecture")
    parser.add_argument("--start", help="weights to start from, such as a grown preset")
    parser.add_argument("--teacher", help="run or preset whose answers are half of the labels")
    parser.add_argument("--until", type=int, help="image size of the last stage")
    parser.add_argument("--since", type=int, help="image size of the first stage")
    arguments = parser.parse_args()
    sizes = [stage["image_size"] for stage in STAGES]
    for option in ("since", "until"):
        if getattr(arguments, option) not in (None, *sizes):
            parser.error(f"--{option} is one of the stages: {', '.join(map(str, sizes))}")
    if arguments.mosaics:
        prepare(arguments.mosaics, arguments.data)

    start, steps = arguments.start or arguments.preset, 0
    for stage in STAGES[sizes.index(arguments.since or sizes[0]) :]:
        changes = {"preset": str(start), "data.data": str(arguments.data), **COMMON, **stage}
        changes |= {"evaluations": stage["epochs"], "teacher": arguments.teacher}
        recipe = override(find_recipe("cifar10_pretrain"), changes)
        start = (arguments.out / f"{stage['image_size']}px").absolute()
        try:
            folder, _ = train(recipe, start)
        except EffSpineError as error:  # such as that it was stopped
            raise SystemExit(str(error)) from None
        steps += folder.read_json("metrics.json")["step"]
        if stage["image_size"] == arguments.until:
            break
    make_preset(arguments, folder, steps)


def make_preset(arguments, run, steps):
    """Measures the best model of a run, rounded as it ships, on test, and writes the preset."""
    base = list_presets()[arguments.preset]
    size = run.read_json("run.json")["recipe"]["image_size"]
    model = keras_effspine.load_model(run.path / "best.keras", compile=False)
    round_to_half_precision(model)
    test = load_records(arguments.data, split="test")
    result = evaluate(Classification(), model, test, size, batch_size=128).result()
    trained = {
        "task": "classification",
        "class_names": list(test.class_names),
        "data": "Tiny-ImageNet, 95,000 of its training pictures",
        "measured_on": f"its 10,000 validation pictures at {size} px, which chose nothing",
        "measured": result.metrics,
        "steps": steps,
        "command": _command(arguments),
        "date": datetime.date.today().isoformat(),
        "licence": LICENCE,
    }
    model.backbone.save_to_preset(
        arguments.out / f"{arguments.preset}_tiny_imagenet",
        input_size=base.input_size,
        title=base.title,
        source=base.source,
        family=base.family,
        trained=trained,
        half_precision=True,
    )
    print(json.dumps(trained["measured"], indent=2))


def _command(arguments):
    """What was run, without the folders of this machine."""
    named = ((name, getattr(arguments, name)) for name in ("start", "since", "until", "teacher"))
    words = [f"--{name} {value}" for name, value in named if value is not None]
    command = "python benchmarks/pretraining/tiny_imagenet.py --data TINY --out runs/tiny"
    return " ".join([command, f"--preset {arguments.preset}", *words])


if __name__ == "__main__":
    main()
