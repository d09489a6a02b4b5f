"""YOLO data sets in Ultralytics' layout: `load_yolo` and `save_yolo`."""

import concurrent.futures
import os
import pathlib

import numpy as np
import yaml
from PIL import Image

from keras_effspine.data.formats.boxes import ALLOWED_OVERHANG
from keras_effspine.data.formats.drawn_shapes import box_around
from keras_effspine.data.formats.object_records import object_record
from keras_effspine.data.formats.yolo_description import read_description
from keras_effspine.data.formats.yolo_images import list_images
from keras_effspine.data.formats.yolo_labels import label_path, read_labels, read_object
from keras_effspine.data.images.image_bytes import open_image
from keras_effspine.data.images.orientation import shown_points
from keras_effspine.data.record import Problem, Record, RecordSet


def yolo_splits(data_file: str | os.PathLike) -> tuple[str, ...]:
    """Names of the splits that are described; see `yolo_description.read_description`."""
    return tuple(read_description(pathlib.Path(data_file)).places)


def load_yolo(data_file: str | os.PathLike, split: str) -> RecordSet:
    """Reads one split of a YOLO data set.

    The header of each picture is read, for its size. A picture whose label file is missing or empty
    has no objects, as everywhere with YOLO. A polygon becomes a mask, its bounds the box and its
    area the area. Labels count on what a viewer shows of the picture, as with Ultralytics.

    Args:
        data_file: path of `data.yaml`, with `names` as a list or dictionary, `path`, and for each
            split a folder, a text list, or several; or another that `read_description` takes.
        split: `"train"`, `"val"`, `"test"`, or another that is described.

    Returns:
        `RecordSet`. Image ids are the pictures' paths in the innermost folder that holds all of the
        split; category ids are the class ids of `names`; annotation ids are numbered from 1.
        Broken lines are dropped, pictures that cannot be read skipped; `problems` lists both.

    Raises:
        DataError: `data.yaml` or a list cannot be used, or names a file outside of the data set.
    """
    description = read_description(pathlib.Path(data_file))
    found = list_images(description, split)
    class_of = {number: index for index, number in enumerate(description.names)}
    common = os.path.commonpath({path.parent for path in found.paths})
    Image.preinit()  # once, before the threads ask for it at the same time
    with concurrent.futures.ThreadPoolExecutor() as pool:
        contents = list(pool.map(read_labels, found.paths))
    records, problems, first_id = [], list(found.problems), 1
    for path, (size, lines, labels, problem) in zip(found.paths, contents, strict=True):
        image_id = path.relative_to(common).as_posix()
        if problem:
            file = labels if problem.startswith("label") else path
            problems.append(Problem(problem, f"{file}, image {image_id}", "skipped"))
            continue
        objects = (
            read_object(line, size, class_of, f"{labels.name}, line {number}")
            for number, line in lines
        )
        records.append(object_record(image_id, path, size, objects, first_id, problems))
        first_id += len(records[-1].boxes)
    return RecordSet(
        records=tuple(records),
        class_names=tuple(description.names.values()),
        category_ids=tuple(description.names),
        source=str(data_file),
        problems=tuple(problems),
        format="YOLO data set",
        split=split,
    )


def save_yolo(
    record_sets: dict[str, RecordSet], folder: str | os.PathLike, names: dict[str, list[str]]
) -> None:
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
            with open_image(record) as image:
                path.write_text(label_lines(record, image), encoding="ascii")
    first = next(iter(record_sets.values()))
    places = {split: f"images/{split}" for split in record_sets}
    if "val" not in places and "validation" in places:
        places["val"] = places.pop("validation")
    # Ultralytics insists on the keys train and val; a part that is not there is empty.
    content = {"train": None, "val": None, **places, "names": dict(enumerate(first.class_names))}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (folder / "data.yaml").write_text(text, encoding="utf-8")


def polygons(record: Record) -> list[np.ndarray] | None:
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
        if np.abs(box_around(polygon.reshape(-1, 2)) - box).max() > ALLOWED_OVERHANG:
            return None
        found.append(polygon)
    return found


def label_lines(record: Record, image: Image.Image | None = None) -> str:
    """The label file of a picture.

    Args:
        record: `Record`.
        image: the picture, opened, by whose header the record's points are turned as a viewer
            shows them; None where they count on that already.
    """
    size = np.array([record.width, record.height])
    # A record that is of the size that a viewer shows has been turned before.
    is_stored = image is not None and image.size == tuple(size)
    shapes, kept, lines = polygons(record), ~record.is_crowd, []
    if shapes is None:
        shapes = record.boxes[kept][:, [0, 1, 0, 1]]
        shapes[:, 2:] += record.boxes[kept][:, 2:]
    for index, shape in zip(record.classes[kept], shapes, strict=True):
        points = shape.reshape(-1, 2) / size
        points = shown_points(points, image) if is_stored and image is not None else points
        if len(points) == 2:
            low, high = points.min(axis=0), points.max(axis=0)
            points = np.stack([(low + high) / 2, high - low])
        # At 10 digits the rounding is below a millionth of a pixel.
        lines.append(" ".join([str(index), *(f"{value:.10g}" for value in points.reshape(-1))]))
    return "".join(f"{line}\n" for line in lines)
