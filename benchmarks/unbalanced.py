"""What class weights and repeats do to rare classes, on a made set.

    python benchmarks/unbalanced.py --out benchmarks/results/unbalanced.json --runs runs/unbalanced

The set is drawn like `shapes`, but of the 2,000 pictures that are drawn for training 400 are taken
on which two of the six classes are not, and eight more on which they are: the rare ones are on a
fiftieth of the pictures. Each way trains the same preset with the recipe `fine_tune`, with several
seeds, and is measured on 200 pictures that are drawn like all shapes. A run that is there already
is not made again, so that the program goes on where it was stopped.
"""

import argparse
import json
import pathlib
import platform
import statistics

import keras
import tensorflow as tf

from keras_effspine.data.shapes.data_set import write_shapes
from keras_effspine.errors import RunFolderError
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.recipes import find_recipe
from keras_effspine.training.run_folder import RunFolder
from keras_effspine.training.train import train

RARE = ("ring", "hexagon")
DRAWN, MEASURED, WITHOUT, WITH = 2000, 200, 400, 8
WAYS = {
    "as it is": {},
    "class_weights=balanced": {"class_weights": "balanced"},
    "repeat_threshold=0.5": {"repeat_threshold": 0.5},
    "both": {"class_weights": "balanced", "repeat_threshold": 0.5},
}


def unbalanced(folder):
    """The training file of the made set, beside its pictures."""
    if not folder.exists():
        write_shapes(folder, {"train": DRAWN, "val": MEASURED})
    content = json.loads((folder / "train.json").read_text())
    rare = {c["id"] for c in content["categories"] if c["name"] in RARE}
    shown = {one["image_id"] for one in content["annotations"] if one["category_id"] in rare}
    images = [image for image in content["images"] if image["id"] not in shown][:WITHOUT]
    images += [image for image in content["images"] if image["id"] in shown][:WITH]
    kept = {image["id"] for image in images}
    annotations = [one for one in content["annotations"] if one["image_id"] in kept]
    file = folder / "unbalanced.json"
    file.write_text(json.dumps({**content, "images": images, "annotations": annotations}))
    counts = {
        c["name"]: sum(one["category_id"] == c["id"] for one in annotations)
        for c in content["categories"]
    }
    return file, len(images), counts


def measured(way, seed, file, arguments):
    """AP by class of one run, which is made where it is not there yet."""
    name = "".join(c if c.isalnum() else "-" for c in way)
    folder = arguments.runs / f"{name}-{seed}"
    recipe = override(
        find_recipe("fine_tune"),
        {
            "preset": arguments.preset,
            "data.data": str(file),
            "data.images": str(file.parent / "train"),
            "data.val_data": str(file.parent / "val.json"),
            "data.val_images": str(file.parent / "val"),
            "image_size": arguments.image_size,
            "steps": arguments.steps,
            "evaluations": 1,
            "seed": seed,
            **WAYS[way],
        },
    )
    try:
        done = RunFolder.open(folder).metrics
    except RunFolderError:
        done = None
    if done is None or done.step < arguments.steps:
        train(recipe, folder, verbose=2)
    result = RunFolder.open(folder).read_json("metrics.json")["result"]
    return result["stats"]["AP"], {one["name"]: one["AP"] for one in result["per_class"]}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--runs", type=pathlib.Path, required=True)
    parser.add_argument("--preset", default="m0_cifar10")
    parser.add_argument("--image-size", type=int, default=192)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    file, images, counts = unbalanced(arguments.runs / "set")
    results = {}
    for seed in arguments.seeds:
        for way in WAYS:
            ap, by_class = measured(way, seed, file, arguments)
            results.setdefault(way, []).append({"seed": seed, "AP": ap, **by_class})
            about = {
                "preset": arguments.preset,
                "image_size": arguments.image_size,
                "steps": arguments.steps,
                "pictures": images,
                "objects": counts,
                "rare": RARE,
                "machine": platform.machine(),
                "tensorflow": tf.__version__,
                "keras": keras.__version__,
            }
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            arguments.out.write_text(json.dumps({**about, "results": results}, indent=1) + "\n")
            rare = [statistics.mean(one[name] for name in RARE) for one in results[way]]
            print(f"{way}, seed {seed}: AP {ap:.3f}, rare {rare[-1]:.3f}", flush=True)


if __name__ == "__main__":
    main()
