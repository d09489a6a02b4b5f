"""A detector on pictures much larger than its input, as a whole and in tiles.

    python benchmarks/large_pictures.py --data BCCD --out benchmarks/results/large_pictures.json

BCCD is the folder of `bccd.py`. Pictures of the test split (640 x 480 px) are put together, six to
one of 1920 x 960 px; tiles then cut cells wherever they fall. `m1_bccd`, which was trained on whole
pictures of the split's size at 384 px, is measured on the pictures as they were, on the large ones
as a whole, and on the large ones in tiles. COCO's protocol counts the 100 surest detections of a
class in a picture, where a large one has nearly as many cells; the AP of up to 1,000 is there, too.
"""

import argparse
import contextlib
import io
import json
import pathlib
import platform
import tempfile

import keras
import numpy as np
import tensorflow as tf
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from keras_effspine.data.loading import load_records
from keras_effspine.data.tiles import Tiles
from keras_effspine.pretrained.find_trained import find_trained
from keras_effspine.tasks.inference import evaluate
from keras_effspine.tasks.registry import find_task

COLUMNS, ROWS = 3, 2
WAYS = {
    "whole": None,
    "tiles 640:0.2": Tiles(size=640, overlap=0.2, whole=False),
    "tiles 640:0.2, and whole": Tiles(size=640, overlap=0.2),
    "tiles 640:0": Tiles(size=640, overlap=0.0, whole=False),
    "tiles 480:0.3": Tiles(size=480, overlap=0.3, whole=False),
}


def put_together(data, folder):
    """Large pictures of the test split and their COCO JSON file."""
    content = json.loads((data / "test.json").read_text())
    by_image = {}
    for annotation in content["annotations"]:
        by_image.setdefault(annotation["image_id"], []).append(annotation)
    images, annotations = [], []
    count = COLUMNS * ROWS
    for number in range(len(content["images"]) // count):
        paper = Image.new("RGB", (COLUMNS * 640, ROWS * 480))
        for cell, image in enumerate(content["images"][number * count : (number + 1) * count]):
            left, top = cell % COLUMNS * 640, cell // COLUMNS * 480
            paper.paste(Image.open(data / "JPEGImages" / image["file_name"]), (left, top))
            for annotation in by_image.get(image["id"], []):
                x, y, width, height = annotation["bbox"]
                annotations.append(
                    {
                        **annotation,
                        "id": len(annotations) + 1,
                        "image_id": number + 1,
                        "bbox": [x + left, y + top, width, height],
                    }
                )
        name = f"{number + 1}.png"
        paper.save(folder / name)
        images.append(
            {"id": number + 1, "file_name": name, "width": paper.width, "height": paper.height}
        )
    file = folder / "large.json"
    file.write_text(
        json.dumps({**content, "images": images, "annotations": annotations}), encoding="utf-8"
    )
    return file


def uncapped(file, evaluator):
    """AP where up to 1,000 detections of a class in a picture count."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(file))
        measured = COCOeval(truth, truth.loadRes(evaluator.predictions()), "bbox")
        measured.params.maxDets = [1, 10, 1000]
        measured.evaluate()
        measured.accumulate()
    precision = measured.eval["precision"][:, :, :, 0, -1]
    return float(precision[precision >= 0].mean())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--preset", default="m1_bccd")
    arguments = parser.parse_args()
    trained = find_trained(arguments.preset)
    task, model = find_task(trained.task), trained.read_for_inference()

    def measured(records, file, tiles=None):
        evaluator = evaluate(task, model, records, trained.image_size, 8, tiles=tiles)
        metrics = {**evaluator.result().metrics, "AP_of_1000": uncapped(file, evaluator)}
        return {name: round(value, 4) for name, value in metrics.items()}

    results = {}
    with tempfile.TemporaryDirectory() as folder:
        file = put_together(arguments.data, pathlib.Path(folder))
        large = load_records(file, folder)
        small = load_records(arguments.data / "test.json", arguments.data / "JPEGImages")
        results["the pictures as they were"] = measured(small, arguments.data / "test.json")
        for name, tiles in WAYS.items():
            results[name] = measured(large, file, tiles)
            print(f"{name}: {results[name]}", flush=True)
        pictures = {"pictures": len(large.records), "size": [COLUMNS * 640, ROWS * 480]}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__}
    about = {"preset": arguments.preset, **pictures, "machine": platform.machine(), **versions}
    arguments.out.write_text(json.dumps({**about, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
