"""COCO's 80 classes of objects and the ids that they have in its files, from 1 to 90."""

import csv
import functools
import pathlib

_FILE = pathlib.Path(__file__).with_name("coco_classes.csv")


@functools.cache
def coco_classes() -> tuple[tuple[int, str], ...]:
    """Pairs of id and name by rising id."""
    with _FILE.open(newline="", encoding="utf-8") as file:
        return tuple((int(row["id"]), row["name"]) for row in csv.DictReader(file))
