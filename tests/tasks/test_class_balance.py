import pathlib

import numpy as np
import pytest
from small_maps import label_map, write_mask_folder

from keras_effspine.data.loading import load_records
from keras_effspine.data.record import Record, RecordSet, record_without_objects
from keras_effspine.errors import RecipeError
from keras_effspine.tasks.class_balance import (
    ClassAmounts,
    balanced_weights,
    describe_repeats,
    repeat_factors,
)
from keras_effspine.tasks.registry import TASKS, find_task
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override

NAMES = ("cat", "dog", "owl")


def objects(classes, crowds=None):
    count = len(classes)
    return Record(
        image_id=1,
        path=pathlib.Path("x.png"),
        width=9,
        height=9,
        boxes=np.tile([0.0, 0, 5, 5], (count, 1)).reshape(-1, 4),
        classes=np.array(classes, int),
        areas=np.ones(count),
        is_crowd=np.array(crowds or [False] * count, bool),
    )


def record_set(*records):
    return RecordSet(tuple(records), NAMES, (1, 2, 3), "pets.json")


@pytest.fixture
def pets():
    """Ten pictures: a cat on eight, a dog on one, both and a crowd of owls on another."""
    return record_set(*[objects([0, 0])] * 8, objects([1]), objects([0, 1, 2], [0, 0, 1]))


def test_the_repeats_are_those_of_lvis(pets):
    # Cats are on 9 of 10 pictures, dogs on 2; owls are a crowd, which is no object.
    factors = repeat_factors(ClassAmounts.of_objects(pets), 10, 3, threshold=0.5)
    np.testing.assert_allclose(factors, [1.0] * 8 + [np.sqrt(0.5 / 0.2)] * 2)
    assert "2 of 10 pictures" in describe_repeats(factors)
    assert "up to 1.6 times" in describe_repeats(factors)
    everything = repeat_factors(ClassAmounts.of_objects(pets), 10, 3, threshold=1.0)
    np.testing.assert_allclose(everything, [np.sqrt(1 / 0.9)] * 8 + [np.sqrt(1 / 0.2)] * 2)
    alike = repeat_factors(ClassAmounts.of_objects(pets), 10, 3, threshold=0.2)
    assert (alike == 1).all()
    assert "no repeats" in describe_repeats(alike)


def test_pictures_without_objects_and_empty_sets_are_not_repeated():
    empty = record_set(objects([]), objects([2]))
    factors = repeat_factors(ClassAmounts.of_objects(empty), 2, 3, 1.0)
    np.testing.assert_allclose(factors, [1.0, np.sqrt(2)])
    assert repeat_factors(ClassAmounts.of_objects(record_set()), 0, 3, 1.0).shape == (0,)


def test_balanced_weights_let_all_classes_count_alike(pets):
    amounts = ClassAmounts.of_objects(pets)
    weights = balanced_weights(amounts, 3)
    counts = np.array([17, 2, 0])
    np.testing.assert_allclose(weights, [19 / (2 * 17), 19 / (2 * 2), 1.0])
    assert (weights * counts)[:2].tolist() == [9.5, 9.5]
    assert (weights * counts).sum() == pytest.approx(counts.sum())


@pytest.mark.parametrize("name", [name for name in TASKS if name != "counting"])
def test_every_task_has_the_options_and_puts_the_weights_in_the_order_of_the_classes(name, pets):
    task, recipe = find_task(name), Recipe(task=name)
    labelled = record_set(
        *(
            record_without_objects(
                image_id=i, path=pathlib.Path("x.png"), width=4, height=4, image_label=i % 2
            )
            for i in range(4)
        )
    )
    records = labelled if name == "classification" else pets
    assert task.pick_options(recipe, records) == ({}, [])
    assert task.repeats(recipe, records) is None
    some = override(recipe, {"class_weights": {"owl": 2, "cat": 0.5}, "repeat_threshold": 0.1})
    picked, said = task.pick_options(some, records)
    assert list(picked["class_weights"].items()) == [("cat", 0.5), ("dog", 1.0), ("owl", 2.0)]
    assert said == []
    resolved = override(some, picked)
    assert task.pick_options(resolved, records)[0] == picked  # a run that goes on
    assert task.repeats(some, records).shape == (len(records.records),)


def test_balanced_weights_are_said_and_kept_as_numbers(pets):
    task, recipe = find_task("detection"), Recipe()
    picked, said = task.pick_options(override(recipe, {"class_weights": "balanced"}), pets)
    assert picked == {"class_weights": {"cat": 0.5588, "dog": 4.75, "owl": 1.0}}
    assert said == ["class weights: cat 0.5588, dog 4.75, owl 1; each class counts alike."]


def test_classification_counts_pictures_and_segmentation_pixels(tmp_path):
    pictures = record_set(
        *(
            record_without_objects(
                image_id=i, path=pathlib.Path("x.png"), width=4, height=4, image_label=label
            )
            for i, label in enumerate((0, 0, 0, 2, None))
        )
    )
    weights = balanced_weights(find_task("classification").class_amounts(pictures), 3)
    np.testing.assert_allclose(weights, [4 / (2 * 3), 1.0, 4 / (2 * 1)])
    maps = load_records(write_mask_folder(tmp_path / "maps", 3), labels=("semantic",))
    amounts = find_task("semantic_segmentation").class_amounts(maps)
    pixels = np.bincount(np.concatenate([label_map(i).ravel() for i in range(3)]), minlength=256)
    assert np.bincount(amounts.classes, amounts.amounts).tolist() == pixels[:3].tolist()
    assert sorted(set(amounts.images.tolist())) == [0, 1, 2]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"class_weights": {"fox": 2.0}}, r"pets.json has no class 'fox'; it has cat, dog, owl"),
        ({"class_weights": {"cat": 0}}, r"class_weights.*greater than 0"),
        ({"class_weights": {"cat": float("nan")}}, r"class_weights"),
        ({"class_weights": "even"}, r"class_weights"),
        ({"repeat_threshold": 0}, r"repeat_threshold"),
        ({"repeat_threshold": 1.5}, r"repeat_threshold"),
    ],
)
def test_values_that_make_no_sense_are_refused(pets, value, message):
    with pytest.raises(RecipeError, match=message):
        find_task("detection").pick_options(override(Recipe(), value), pets)
