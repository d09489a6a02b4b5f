"""Anchors that fit the boxes of a data set."""

import keras
import numpy as np
import pytest
from model_cases import TinyBackbone

from keras_effspine.data.record import Record, RecordSet
from keras_effspine.errors import RecipeError
from keras_effspine.layers.boxes import overlap_of_pairs
from keras_effspine.models.retinanet import RetinaNet
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.tasks.data_anchors import Anchors, fit_anchors
from keras_effspine.tasks.detection import Detection
from keras_effspine.topology.pyramid import ANCHOR_RATIOS, ANCHOR_SIZE_OVER_STRIDE
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override

SIZE = 256


def record_set(sizes, image=(512, 256), crowds=None):
    """One picture, twice as large as the input, with boxes of these widths and heights."""
    boxes = np.array([(0, 0, *size) for size in sizes], "float64").reshape(-1, 4)
    record = Record(
        image_id=1,
        path=None,
        width=image[0],
        height=image[1],
        boxes=boxes,
        classes=np.zeros(len(boxes), "int64"),
        areas=boxes[:, 2] * boxes[:, 3],
        is_crowd=np.zeros(len(boxes), bool) if crowds is None else np.array(crowds),
        annotation_ids=tuple(range(len(boxes))),
    )
    return RecordSet((record,), ("a",), (1,), "made up")


def overlap_by_hand(sizes, anchors):
    """Mean over boxes of the best IoU with keras-cv's own anchors, a quarter of a stride away."""
    generator = RetinaNet.default_anchor_generator("xyxy", anchors.size, anchors.ratios)
    by_level = generator(image_shape=(128, 128, 3)).values()
    best = np.zeros(len(sizes))
    for stride, found in zip((8, 16, 32, 64, 128), by_level, strict=True):
        center, half = (found[:, :2] + found[:, 2:]) / 2 + stride / 4, np.array(sizes) / 4
        boxes = np.concatenate([center - half[:, None], center + half[:, None]], -1)
        for box in range(len(sizes)):
            overlap, _ = overlap_of_pairs(boxes[box].astype("float32"), found)
            best[box] = max(best[box], np.asarray(overlap).max())
    return best.mean()


def test_slender_boxes_get_slender_anchors_and_the_overlap_is_that_of_keras_cvs():
    random = np.random.default_rng(0)
    heights = random.uniform(30, 200, 12)
    sizes = [(h * ratio, h) for h, ratio in zip(heights, (0.15, 0.2, 0.25) * 4, strict=True)]
    anchors, fit, published = fit_anchors(record_set(sizes), SIZE)
    assert anchors.ratios == (0.15, 0.2, 0.25)
    assert fit > published + 0.1
    assert fit == pytest.approx(overlap_by_hand(sizes, anchors), abs=1e-4)
    assert published == pytest.approx(overlap_by_hand(sizes, Anchors()), abs=1e-4)


def test_crowds_do_not_count_and_few_boxes_keep_the_published_ratios():
    anchors, _, _ = fit_anchors(record_set([(100, 100), (400, 10)], crowds=[False, True]), SIZE)
    assert anchors.ratios == ANCHOR_RATIOS


def test_the_default_anchors_are_the_published_ones():
    assert (Anchors().size, Anchors().ratios) == (ANCHOR_SIZE_OVER_STRIDE, ANCHOR_RATIOS)


def test_a_recipe_that_asks_for_them_gets_numbers():
    recipe = Recipe(options={"anchors": "data"}, image_size=SIZE)
    changes, (line,) = Detection().pick_options(recipe, record_set([(40, 80)] * 9))
    picked = override(recipe, changes).options.anchors
    assert isinstance(picked, Anchors) and "width over height 0.5, 0.5, 0.5" in line
    assert Detection().pick_options(override(recipe, changes), record_set([])) == ({}, [])


def test_a_detector_is_built_with_the_anchors_of_its_recipe():
    start = Pretrained("tiny", keras.saving.serialize_keras_object(TinyBackbone()))
    recipe = Recipe(options={"anchors": {"size": 2.0, "ratios": [0.2, 1, 3]}}, image_size=SIZE)
    model = Detection().build_model(recipe, ("a", "b"), start)
    generators = model.anchor_generator.anchor_generators
    assert [one.sizes for one in generators.values()] == [16.0, 32.0, 64.0, 128.0, 256.0]
    assert {tuple(one.aspect_ratios) for one in generators.values()} == {(0.2, 1.0, 3.0)}
    read = RetinaNet.from_config(model.get_config())
    assert list(next(iter(read.anchor_generator.anchor_generators.values())).aspect_ratios)[2] == 3


@pytest.mark.parametrize("value", ["mine", {"size": 0}, {"ratios": []}, {"ratios": [1, -1]}])
def test_anchors_that_make_no_sense_are_refused(value):
    with pytest.raises(RecipeError, match="anchors"):
        override(Recipe(), {"anchors": value})
