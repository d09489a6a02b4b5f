"""Trainable parameters of the published models.

The numbers follow from the rules fitted to Table 1, Table 2 and Table 4 of arXiv:2010.11426 and
round to the paper's own, except where the paper gives one digit (D0 3.6 and SP-EfficientNet-B0
4.4 M). They may change only if better evidence on the architecture comes.
"""

import inspect
import json

import pytest

from keras_effspine import EffSpineNetBackbone, RetinaNet
from keras_effspine.presets.registry import list_presets

COUNTS = {
    "m0": 670_808,
    "m1": 987_094,
    "m2": 2_357_073,
    "d0": 3_737_011,
    "d1": 5_197_762,
    "d2": 6_210_932,
    "sp_efficientnet_b0": 4_575_243,
}


def detector_count(backbone):
    model = RetinaNet(backbone=backbone, num_classes=91, bounding_box_format="xywh")
    return sum(variable.shape.num_elements() for variable in model.trainable_variables)


@pytest.mark.parametrize("preset", COUNTS)
def test_a_detector_has_the_published_number_of_parameters(preset):
    assert detector_count(EffSpineNetBackbone.from_preset(preset)) == COUNTS[preset]


@pytest.mark.parametrize(
    ("ablation", "count"),
    [
        ({"use_space_to_depth": False}, 3_311_379),
        ({"use_space_to_depth": False, "weighted_fusion": False}, 3_311_346),
    ],
)
def test_the_ablations_of_d0_have_the_published_number_of_parameters(ablation, count):
    assert detector_count(EffSpineNetBackbone.from_preset("d0", **ablation)) == count


def test_every_preset_is_counted():
    assert set(COUNTS) == set(list_presets("EffSpineNetBackbone"))


def test_presets_hold_no_argument_that_the_backbone_does_not_know():
    known = set(inspect.signature(EffSpineNetBackbone).parameters)
    for preset in list_presets("EffSpineNetBackbone").values():
        config = json.loads((preset.folder / "config.json").read_text())
        assert set(config["config"]) <= known, preset.name
