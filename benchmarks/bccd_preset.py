"""Makes a preset with weights from a result of `bccd.py`.

    python benchmarks/bccd_preset.py --results benchmarks/results/bccd --model m1 --data BCCD_FOLDER

Weights are stored in half precision; the numbers in the preset are measured after that.
"""

import argparse
import json
import os
import pathlib
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras

import keras_effspine
from keras_effspine.data.sources import load_records
from keras_effspine.presets.registry import list_presets
from keras_effspine.tasks.detection import Detection
from keras_effspine.tasks.inference import evaluate

WEIGHTS = "model.weights.h5"


def write_half_precision(model, file):
    """Writes a model's weights as float16; without optimizer and metrics."""
    full = file.with_name("full.weights.h5")
    model.save_weights(full)
    with h5py.File(full) as source, h5py.File(file, "w", libver="latest") as target:

        def copy(name, item):
            if isinstance(item, h5py.Group):
                group = target.require_group(name)
                group.attrs.update(item.attrs)
            else:
                half = item[()].astype("float16") if item.dtype == "float32" else item[()]
                target.create_dataset(name, data=half)

        target.attrs.update(source.attrs)
        source.visititems(copy)
    full.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    result = json.loads((arguments.results / f"{arguments.model}.json").read_text())
    base = list_presets()[arguments.model]
    folder = base.folder.with_name(f"{arguments.model}_bccd")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()

    model = keras_effspine.load_model(arguments.results / f"{arguments.model}.keras", compile=False)
    write_half_precision(model, folder / WEIGHTS)
    config = keras.saving.serialize_keras_object(model)
    config.pop("build_config", None)
    config.pop("compile_config", None)
    (folder / "config.json").write_text(json.dumps({**config, "weights": WEIGHTS}, indent=2) + "\n")

    test = load_records(arguments.data / "test.json", arguments.data / "JPEGImages")
    model.load_weights(folder / WEIGHTS)
    measured = evaluate(Detection(), model, test, result["image_size"]).result().detection
    metadata = {
        "title": f"{base.title} RetinaNet",
        "input_size": result["image_size"],
        "source": base.source,
        "trained": {
            "task": "detection",
            "class_names": list(test.class_names),
            "data": "BCCD, train and val",
            "measured_on": "its test split",
            "measured": {
                "AP": measured.stats["AP"],
                "AP50": measured.stats["AP50"],
                **{f"AP of {one.name}": one.AP for one in measured.per_class},
            },
            "steps": result["steps"],
            "command": f"{result['command']}, then benchmarks/bccd_preset.py",
            "date": result["date"],
            "licence": "Apache-2.0; BCCD is MIT",
        },
    }
    (folder / "metadata.json").write_text(json.dumps(metadata, indent=2) + "\n")
    print(json.dumps(metadata["trained"]["measured"], indent=2))


if __name__ == "__main__":
    main()
