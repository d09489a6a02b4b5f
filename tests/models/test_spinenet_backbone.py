"""SpineNet and Mobile SpineNet as keras-cv backbones."""

import json

import numpy as np
import pytest

from keras_effspine import RetinaNet, SpineNetBackbone
from keras_effspine.pretrained.shipped import list_presets

pytestmark = pytest.mark.integration

NARROW = {"width_multiplier": 0.05, "endpoint_width": 8}


@pytest.fixture(scope="module")
def backbones():
    return {
        "spinenet": SpineNetBackbone(**NARROW),
        "spinenet_mobile": SpineNetBackbone(
            family="spinenet_mobile", width_multiplier=0.2, endpoint_width=8
        ),
    }


def images(height=64, width=64):
    return np.random.default_rng(0).uniform(0, 255, (1, height, width, 3)).astype("float32")


def test_its_presets_are_those_of_the_package():
    assert set(SpineNetBackbone.presets) == set(list_presets("SpineNetBackbone"))
    assert set(SpineNetBackbone.presets) <= set(RetinaNet.presets)


@pytest.mark.parametrize("family", ["spinenet", "spinenet_mobile"])
def test_levels_have_their_strides_at_any_size(backbones, family):
    backbone = backbones[family]
    levels = ["P2", "P3", "P4", "P5", "P6", "P7"]
    assert list(backbone.pyramid_level_inputs) == levels
    for level, x in backbone.pyramid(levels)(images(100, 75)).items():
        stride = 2 ** int(level[1])
        assert tuple(x.shape[1:3]) == (-(-100 // stride), -(-75 // stride))
    assert backbone(images()).shape == (1, 8, 8, 8)


def test_its_config_makes_the_same_backbone_and_is_plain_json(backbones):
    for backbone in backbones.values():
        config = json.loads(json.dumps(backbone.get_config()))
        copy = SpineNetBackbone.from_config(config)
        assert copy.get_config() == backbone.get_config()
        assert [w.shape for w in copy.weights] == [w.shape for w in backbone.weights]


def test_its_families_have_the_activations_of_their_papers(backbones):
    assert backbones["spinenet"].get_layer("stem_relu")
    mobile = backbones["spinenet_mobile"]
    assert mobile.get_layer("stem_swish")
    assert mobile.get_layer("block05_unit1_se_reduce_relu")
    assert mobile.get_layer("block05_unit1_se_expand_hard_sigmoid")


def test_the_variant_for_tensorflow_1_pads_and_pools_as_that_code_does():
    names = {layer.name for layer in SpineNetBackbone(variant="tf1", **NARROW).layers}
    assert {"stem_pad", "block16_from06_down1_pad", "block16_from06_down2_pool"} <= names
    assert "block16_from06_down3_pool" not in names
    mobile = SpineNetBackbone(
        family="spinenet_mobile", variant="tf1", width_multiplier=0.2, endpoint_width=8
    )
    assert mobile.get_layer("block05_unit1_se_reduce_swish")
    assert mobile.get_layer("block05_unit1_se_expand_sigmoid")
    assert mobile.get_layer("block17_from07_down3_pad")


def test_its_layers_tell_what_they_are_for(backbones):
    roles = backbones["spinenet"].layer_roles()
    assert roles["stem_pool"].part == "stem"
    assert roles["block06_from05_inner_conv"].part == "resampling"
    assert (roles["block06_unit1_spatial_conv"].part, roles["p3_bn"].part) == (
        "blocks",
        "endpoints",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "resnet"}, "`family` must be one of spinenet, spinenet_mobile"),
        ({"variant": "tf3"}, "`variant` must be 'tf1' or None"),
        ({"family": "spinenet_mobile", "resample_alpha": 0.5}, "without `resample_alpha`"),
        ({"resample_alpha": -1}, "`resample_alpha` must be positive, or None"),
        ({"block_repeats": [1] * 18}, "`block_repeats` must be a positive int, or 17 of them"),
        ({"endpoint_width": 0}, "`endpoint_width` must be a positive int"),
    ],
)
def test_what_does_not_fit_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SpineNetBackbone(**arguments)


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="did you mean endpoint_width"):
        SpineNetBackbone(endpoints_width=8)
