"""The names of classes beside label maps, with what stands for each of them in the maps."""

import csv
import dataclasses
import pathlib
import re

from keras_effspine.data.formats.coco_file import read_coco_categories
from keras_effspine.data.formats.text_files import read_text
from keras_effspine.data.semantic_labels import ColourLabels, ValueLabels
from keras_effspine.data.semantic_map import MOST_CLASSES, Labels
from keras_effspine.errors import DataError
from keras_effspine.topology.labels import IGNORED

CLASSES_FILE = "classes.txt"
LABEL_MAP_FILE = "labelmap.txt"

IGNORED_NAMES = {"ignore", "ignored", "void", "unlabeled", "unlabelled"}
"""A label of such a name is no class: its pixels are ignored."""

_COCO_STUFF = pathlib.Path(__file__).with_name("coco_stuff.csv")
_COCO_THINGS = 80


@dataclasses.dataclass(frozen=True)
class LabelNames:
    """The classes of label maps.

    Args:
        class_names: tuple of names.
        category_ids: tuple of the label of each, as the maps hold it; for colours the index.
        labels: `ValueLabels` or `ColourLabels`.
        image_ids: dictionary from a file name's stem to the picture's id, where the ids are known.
    """

    class_names: tuple[str, ...]
    category_ids: tuple[int, ...]
    labels: Labels
    image_ids: dict[str, int | str] = dataclasses.field(default_factory=dict)


def find_label_names(*folders: pathlib.Path) -> LabelNames | None:
    """Reads the first of the files that name the classes.

    `classes.txt` names the labels 0, 1, 2, ..., one a line; `labelmap.txt` gives colours, as CVAT
    writes it (`name:red,green,blue`); a JSON file with COCO's `categories` gives ids, of which 0
    is not labelled if no category has it.

    Args:
        *folders: folders to look into, in this order.

    Returns:
        `LabelNames`, or None where there is no such file.

    Raises:
        DataError: the file cannot be read, or its labels make no sense.
    """
    for folder in folders:
        if (folder / CLASSES_FILE).is_file():
            return read_class_list(folder / CLASSES_FILE)
        if (folder / LABEL_MAP_FILE).is_file():
            return read_label_map(folder / LABEL_MAP_FILE)
        files = sorted(folder.glob("*.json"))
        if len(files) == 1:
            return read_category_names(files[0])
    return None


def read_class_list(path: pathlib.Path) -> LabelNames:
    """`LabelNames` of a file that names the label of its line's number, from 0, on each line."""
    names = [line.strip() for line in _lines(path)]
    while names and not names[-1]:
        names.pop()
    if not all(names):
        raise DataError(f"{path}: line {names.index('') + 1} is empty; name a class, or 'void'.")
    return _label_names(path, names, range(len(names)), ValueLabels)


def read_label_map(path: pathlib.Path) -> LabelNames:
    """`LabelNames` of a file with `name:red,green,blue` on each line; `#` begins a comment."""
    names, colours = [], []
    for number, line in enumerate(_lines(path), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        found = re.fullmatch(r"(.+?):\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*(:.*)?", line)
        if not found or any(int(value) > 255 for value in found.groups()[1:4]):
            raise DataError(
                f"{path}, line {number}: {line!r:.60} is no 'name:red,green,blue' with values from "
                "0 to 255."
            )
        names.append(found[1].strip())
        colours.append(tuple(int(value) for value in found.groups()[1:4]))
    return _label_names(path, names, colours, ColourLabels)


def read_category_names(path: pathlib.Path) -> LabelNames:
    """`LabelNames` of a JSON file with COCO's `categories`.

    Where they are the 80 things of COCO, the 53 classes of stuff that COCO's panoptic maps have
    besides are classes as well, under COCO's ids.
    """
    categories, image_ids = read_coco_categories(path)
    pairs = list(categories.items())
    if len(pairs) == _COCO_THINGS and {(1, "person"), (90, "toothbrush")} <= set(pairs):
        with _COCO_STUFF.open(encoding="utf-8", newline="") as file:
            pairs += [(int(row["id"]), row["name"]) for row in csv.DictReader(file)]
    unlabelled = [] if any(label == 0 for label, _ in pairs) else [(0, "unlabelled")]
    for label, name in pairs:
        if not 0 <= label < IGNORED:
            raise DataError(f"{path}: the category {label} ({name}) is not from 0 to 254.")
    labels, names = zip(*unlabelled, *pairs, strict=True)
    return dataclasses.replace(_label_names(path, names, labels, ValueLabels), image_ids=image_ids)


def _label_names(path, names, labels, kind):
    """Leaves out what is ignored, and numbers the others."""
    kept = [(n, label) for n, label in zip(names, labels, strict=True) if n not in IGNORED_NAMES]
    for what in ([name for name, _ in kept], list(labels)):
        repeated = next((one for one in what if what.count(one) > 1), None)
        if repeated is not None:
            raise DataError(f"{path}: {repeated!r} stands there twice; name each once.")
    if not kept or len(kept) > MOST_CLASSES:
        raise DataError(f"{path}: names {len(kept)} classes; there must be 1 to {MOST_CLASSES}.")
    class_of = {label: IGNORED for label in labels}
    class_of |= {label: index for index, (_, label) in enumerate(kept)}
    ids = (label if isinstance(label, int) else index for index, (_, label) in enumerate(kept))
    return LabelNames(tuple(name for name, _ in kept), tuple(ids), kind(class_of))


def _lines(path):
    try:
        return read_text(path).splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text ({error!s:.200}).") from error
