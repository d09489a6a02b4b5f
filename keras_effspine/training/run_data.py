"""The pictures of a run: those that it trains on, and those that it is measured on."""

from collections.abc import Callable

from keras_effspine.data.checks import describe_problems
from keras_effspine.data.class_alignment import align_classes
from keras_effspine.data.loading import describe_records, load_records, read_validation_records
from keras_effspine.data.record import RecordSet
from keras_effspine.data.reserved_records import reserve_records
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.recipe import Recipe


def load_data(recipe: Recipe, report: Callable[[str], None]) -> tuple[RecordSet, RecordSet, str]:
    """The training pictures, and those that the model is measured on.

    Returns:
        Tuple of two `RecordSet`s with the same classes and what the second one is:
        `"validation"`; `"reserved"`, of the training pictures; or `"training"` where the recipe
        names no validation data.
    """
    data = recipe.data
    labels = find_task(recipe.task).labels
    records = load_records(data.data, data.images, data.split, labels)
    _report_records(records, report)
    if data.reserve is not None:
        report(f"{data.reserve} of them are reserved to measure on.")
        return *reserve_records(records, data.reserve), "reserved"
    measured = load_validation_data(recipe, report)
    if measured is None:
        report("No validation data named: the model is measured on the pictures it trains on.")
        return records, records, "training"
    return records, align_classes(measured, records.class_names), "validation"


def load_validation_data(recipe: Recipe, report: Callable[[str], None]) -> RecordSet | None:
    """The `RecordSet` of a recipe's validation data; None where it names none."""
    data = recipe.data
    if data.reserve is not None:
        return load_data(recipe, report)[1]
    measured = read_validation_records(
        data.data,
        data.images,
        data.split,
        data.val_data,
        data.val_images,
        data.val_split,
        labels=find_task(recipe.task).labels,
    )
    if measured is not None:
        _report_records(measured, report)
    return measured


def _report_records(record_set, report):
    report(describe_records(record_set))
    for line in describe_problems(record_set):
        report(line)
