"""YOLO data sets in Ultralytics' layout: `load_yolo` and `save_yolo`."""

import concurrent.futures
import os
import pathlib

import numpy as np
import yaml
from PIL import Image

from keras_effspine.data.formats.boxes import ALLOWED_OVERHANG, fit_box
from keras_effspine.data.formats.yolo_file import (
    label_path,
    list_images,
    read_description,
    read_label_line,
)
from keras_effspine.data.record import Problem, Record, RecordSet


def yolo_splits(data_file):
    """Names of the splits that a `data.yaml` describes, as a tuple."""
    return tuple(read_description(pathlib.Path(data_file)).places)


def load_yolo(data_file, split):
    """Reads one split of a YOLO data set.

    The header of each picture is read, for its size. A picture whose label file is missing or empty
    has no objects, as everywhere with YOLO. A polygon becomes a mask, its bounds the box and its
    area the area.

    Args:
        data_file: path of `data.yaml`, with `names` as a list or dictionary, `path`, and for each
            split a folder, a text list, or several.
        split: `"train"`, `"val"` or `"test"`.

    Returns:
        `RecordSet`. Image ids are the pictures' paths in the innermost folder that holds all of the
        split; category ids are the class ids of `names`; annotation ids are numbered from 1.
        Broken lines are dropped, pictures that cannot be read skipped; `problems` lists both.

    Raises:
        DataError: `data.yaml` or a list cannot be used, or names a file outside of the data set.
    """
    description = read_description(pathlib.Path(data_file))
    paths = list_images(description, split)
    class_of = {number: index for index, number in enumerate(description.names)}
    common = os.path.commonpath([path.parent for path in paths])
    Image.preinit()  # once, before the threads ask for it at the same time
    with concurrent.futures.ThreadPoolExecutor() as pool:
        contents = list(pool.map(_read, paths))
    records, problems, first_id = [], [], 1
    for path, (size, lines, problem) in zip(paths, contents, strict=True):
        image_id = path.relative_to(common).as_posix()
        if problem:
            problems.append(Problem(problem, f"{path}, image {image_id}", "skipped"))
            continue
        record = _record(path, image_id, size, lines, class_of, first_id, problems)
        records.append(record)
        first_id += len(record.boxes)
    return RecordSet(
        records=tuple(records),
        class_names=tuple(description.names.values()),
        category_ids=tuple(description.names),
        source=str(data_file),
        problems=tuple(problems),
        format="YOLO data set",
        split=split,
    )


def save_yolo(record_sets, folder, names):
    """Writes `data.yaml` and the label files; the pictures are not touched.

    A label file holds polygons where all objects of the picture have one whose bounds are the box,
    otherwise boxes: readers take a file of both for polygons throughout. Crowds, other masks and
    attributes have no place in the format.

    Args:
        record_sets: dictionary from split to `RecordSet`; all have the same classes.
        folder: path of the folder.
        names: dictionary from split to the list of the pictures' file names in `images/<split>`.
    """
    folder = pathlib.Path(folder)
    for split, record_set in record_sets.items():
        for record, name in zip(record_set.records, names[split], strict=True):
            path = label_path(folder / "images" / split / name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in _lines(record)), encoding="ascii")
    first = next(iter(record_sets.values()))
    places = {split: f"images/{split}" for split in record_sets}
    # Ultralytics insists on the names train and val; they may lead to the same pictures.
    if "val" not in places:
        places["val"] = places.pop("validation", next(iter(places.values())))
    places.setdefault("train", places["val"])
    content = {**places, "names": dict(enumerate(first.class_names))}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (folder / "data.yaml").write_text(text, encoding="utf-8")


def polygons(record):
    """The polygons by which a record's objects are written, crowds left out.

    Returns:
        List of float arrays `(n,)`, `[x0, y0, x1, y1, ...]` in pixels; None where one object has no
        mask of one polygon with the bounds of its box, so that boxes are written.
    """
    found = []
    for box, crowd, mask in zip(record.boxes, record.is_crowd, record.masks, strict=True):
        if crowd:
            continue
        if not isinstance(mask, list) or len(mask) != 1 or len(mask[0]) < 6:
            return None
        polygon = np.asarray(mask[0], "float64")
        bounds = _bounds(polygon)
        if np.abs(bounds - box).max() > ALLOWED_OVERHANG:
            return None
        found.append(polygon)
    return found


def _lines(record):
    size = np.array([record.width, record.height])
    shapes = polygons(record)
    if shapes is None:
        boxes = record.boxes[~record.is_crowd]
        shapes = np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)
    for index, shape in zip(record.classes[~record.is_crowd], shapes, strict=True):
        # At 10 digits the rounding is below a millionth of a pixel.
        values = (shape.reshape(-1, 2) / size).reshape(-1)
        yield " ".join([str(index), *(f"{value:.10g}" for value in values)])


def _read(path):
    """Size, lines, and what makes the picture unusable, or None."""
    try:
        with Image.open(path) as image:
            size = image.size
    except FileNotFoundError:
        return None, [], "image file missing"
    except (OSError, ValueError, Image.DecompressionBombError):
        return None, [], "image header unreadable"
    try:
        lines = label_path(path).read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        lines = []
    except (OSError, ValueError):
        return None, [], "label file is no text"
    return size, lines, None


def _record(path, image_id, size, lines, class_of, first_id, problems):
    kept = []
    for position, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        number, values = read_label_line(line)
        if number is None:
            kind, action = values, "dropped"
        elif number not in class_of:
            kind, action = "class id beyond the names", "dropped"
        else:
            box, mask, area = _shape(values, *size)
            fitted, kind, action = fit_box(box, *size)
            if fitted is not None:
                area = area if fitted is box else fitted[2] * fitted[3]
                kept.append((fitted, class_of[number], mask, area))
        if kind:
            where = f"{label_path(path).name}, line {position}"
            problems.append(Problem(kind, where, action))
    return Record(
        image_id=image_id,
        path=path,
        width=size[0],
        height=size[1],
        boxes=np.array([box for box, _, _, _ in kept], "float64").reshape(-1, 4),
        classes=np.array([index for _, index, _, _ in kept], "int64"),
        areas=np.array([area for _, _, _, area in kept], "float64"),
        is_crowd=np.zeros(len(kept), bool),
        annotation_ids=tuple(range(first_id, first_id + len(kept))),
        masks=tuple(mask for _, _, mask, _ in kept),
    )


def _shape(values, width, height):
    """Box, mask and area, in pixels, of the numbers of one line."""
    pixels = np.array(values).reshape(-1, 2) * (width, height)
    if len(pixels) == 2:
        (x, y), (box_width, box_height) = pixels.tolist()
        box = [x - box_width / 2, y - box_height / 2, box_width, box_height]
        return box, None, box_width * box_height
    x, y = pixels.T
    area = abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
    return _bounds(pixels.reshape(-1)).tolist(), [pixels.reshape(-1).tolist()], area


def _bounds(polygon):
    points = polygon.reshape(-1, 2)
    low = points.min(axis=0)
    return np.concatenate([low, points.max(axis=0) - low])
