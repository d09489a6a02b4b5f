"""Makes a preset with weights from a result of `bccd.py`.

    python benchmarks/bccd_preset.py --results benchmarks/results/bccd --model m1 --data BCCD_FOLDER

Weights are stored in half precision; the numbers in the preset are measured after that.
"""

import argparse
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_effspine
from keras_effspine.data.loading import load_records
from keras_effspine.pretrained.preset_saving import round_to_half_precision
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.tasks.detection import Detection
from keras_effspine.tasks.inference import evaluate


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    result = json.loads((arguments.results / f"{arguments.model}.json").read_text())
    base = list_presets()[arguments.model]

    model = keras_effspine.load_model(arguments.results / f"{arguments.model}.keras", compile=False)
    round_to_half_precision(model)
    test = load_records(arguments.data / "test.json", arguments.data / "JPEGImages")
    measured = evaluate(Detection(), model, test, result["image_size"]).result()
    trained = {
        "task": "detection",
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
    }
    model.save_to_preset(
        base.folder.with_name(f"{arguments.model}_bccd"),
        class_names=test.class_names,
        input_size=result["image_size"],
        title=f"{base.title} RetinaNet",
        source=base.source,
        family=base.family,
        trained=trained,
        half_precision=True,
    )
    print(json.dumps(trained["measured"], indent=2))


if __name__ == "__main__":
    main()
