"""Writing Label Studio's tasks: `save_label_studio`."""

import json
import os
import pathlib
import urllib.parse
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

import numpy as np

from keras_effspine.data.record import Record, RecordSet

SERVED = "/data/local-files/?d="
"""Address under which Label Studio serves the files of a folder of its own machine."""


def save_label_studio(
    record_set: RecordSet,
    folder: str | os.PathLike,
    paths: Sequence[str],
    predicted: bool = False,
) -> None:
    """Writes `tasks.json` and `label_config.xml`, the interface that the tasks are made for.

    Boxes are rectangles, masks of one polygon polygons. Crowds and other masks have no place.

    Args:
        record_set: the `RecordSet` to write.
        folder: folder of the files.
        paths: list of the pictures' paths below Label Studio's document root, with forward slashes.
        predicted: whether a model has said it, and not a person: Label Studio keeps these apart.
    """
    folder = pathlib.Path(folder)
    tasks = []
    for number, (record, path) in enumerate(zip(record_set.records, paths, strict=True), start=1):
        results = list(_results(record, record_set.class_names))
        said: dict = {"result": results}
        if predicted:
            said["model_version"] = "keras_effspine"
            scores = [one["score"] for one in results if "score" in one]
            if scores:
                said["score"] = min(scores)
        key = "predictions" if predicted else "annotations"
        data = {"image": SERVED + urllib.parse.quote(path)}
        tasks.append({"id": number, "data": data, key: [said]})
    text = json.dumps(tasks, indent=1, ensure_ascii=False)
    (folder / "tasks.json").write_text(text + "\n", encoding="utf-8")
    labels = "".join(f"    <Label value={quoteattr(name)}/>\n" for name in record_set.class_names)
    kinds = (("RectangleLabels", "box"), ("PolygonLabels", "outline"))
    controls = "".join(
        f'  <{tag} name="{name}" toName="image">\n{labels}  </{tag}>\n' for tag, name in kinds
    )
    config = f'<View>\n  <Image name="image" value="$image"/>\n{controls}</View>\n'
    (folder / "label_config.xml").write_text(config, encoding="utf-8")


def is_polygon(mask: list | dict | None) -> bool:
    """Whether a mask is one polygon, which can be drawn."""
    return isinstance(mask, list) and len(mask) == 1


def _results(record: Record, class_names):
    attributes = record.attributes or ({},) * len(record.boxes)
    percent = 100 / np.array([record.width, record.height])
    for index, (box, mask, said) in enumerate(
        zip(record.boxes, record.masks, attributes, strict=True)
    ):
        if record.is_crowd[index]:
            continue
        name = class_names[record.classes[index]]
        if mask is not None and is_polygon(mask):
            points = (np.reshape(mask[0], (-1, 2)) * percent).tolist()
            kind, value = "polygonlabels", {"points": points, "polygonlabels": [name]}
        else:
            places = np.concatenate([box[:2] * percent, box[2:] * percent]).tolist()
            value = dict(zip(("x", "y", "width", "height"), places, strict=True))
            kind, value = "rectanglelabels", {**value, "rotation": 0, "rectanglelabels": [name]}
        result = {
            "id": f"object-{record.annotation_ids[index]}",
            "type": kind,
            "from_name": "outline" if kind == "polygonlabels" else "box",
            "to_name": "image",
            "original_width": record.width,
            "original_height": record.height,
            "image_rotation": 0,
            "value": value,
        }
        yield result | ({"score": said["score"]} if "score" in said else {})
