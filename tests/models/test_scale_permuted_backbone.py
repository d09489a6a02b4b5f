"""A backbone from any specification."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from keras_effspine import RetinaNet
from keras_effspine.models.layer_roles import LayerRole
from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.network_spec import NetworkSpec

ZIGZAG = NetworkSpec(
    table=BlockTable(
        name="zigzag",
        blocks=(
            Block(2, (STEM,), "mbconv", 8),
            Block(5, (STEM, 1), "mbconv", 16),
            Block(3, (1, 2), "mbconv", 8),
            Block(4, (2, 3), "mbconv", 8),
        ),
        outputs=((3, 3), (4, 4), (5, 2)),
    ),
    stem_width=4,
    expansion=2,
    weighted_fusion=True,
    endpoint_width=8,
    p2_block=1,
)


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class Zigzag(ScalePermutedBackbone):
    """A family of networks: its specification, and the values that its constructor takes."""

    spec_arguments = ("endpoint_width", "p2_block")

    def __init__(self, *, endpoint_width=8, p2_block=1, activation="relu", **kwargs):
        spec = dataclasses.replace(ZIGZAG, endpoint_width=endpoint_width, p2_block=p2_block)
        super().__init__(spec, activation=activation, **kwargs)


@pytest.fixture(scope="module")
def backbone():
    return Zigzag(depth_multiplier=2.0, endpoint_width=16)


def images(height=64, width=64):
    return np.random.default_rng(0).uniform(0, 255, (1, height, width, 3)).astype("float32")


def test_another_table_has_its_own_levels_and_their_average(backbone):
    assert list(backbone.pyramid_level_inputs) == ["P2", "P3", "P4", "P5"]
    pyramid = backbone.pyramid(["P2", "P3", "P4", "P5"])(images(100, 75))
    for level, x in pyramid.items():
        stride = 2 ** int(level[1])
        assert tuple(x.shape[1:3]) == (-(-100 // stride), -(-75 // stride))
    assert pyramid["P5"].shape[-1] == 16
    assert backbone(images()).shape == (1, 8, 8, 16)
    assert backbone.get_layer("block04_unit2_add")  # by the depth multiplier
    assert not [layer.name for layer in backbone.layers if "_se_" in layer.name]


def test_without_a_block_for_p2_there_is_no_such_level():
    backbone = Zigzag(p2_block=None)
    assert list(backbone.pyramid_level_inputs) == ["P3", "P4", "P5"]
    with pytest.raises(ValueError, match=r"The levels are P3, P4, P5. Received: levels=\['P2'\]"):
        backbone.pyramid(["P2"])


def test_its_config_has_the_arguments_of_its_family(backbone):
    config = json.loads(json.dumps(backbone.get_config()))
    assert (config["endpoint_width"], config["p2_block"], config["activation"]) == (16, 1, "relu")
    assert "betas" not in config and "spec" not in config
    copy = Zigzag.from_config(config)
    assert copy.get_config() == backbone.get_config()
    assert [layer.name for layer in copy.layers] == [layer.name for layer in backbone.layers]


def test_saved_it_computes_the_same(backbone, tmp_path):
    backbone.save(tmp_path / "zigzag.keras")
    loaded = keras.models.load_model(tmp_path / "zigzag.keras")
    assert isinstance(loaded, Zigzag)
    np.testing.assert_array_equal(loaded(images()), backbone(images()))


def test_its_layers_tell_what_they_are_for(backbone):
    roles = backbone.layer_roles()
    assert roles["rescaling"] == roles["stem_conv"] == LayerRole("stem")
    assert roles["block02_from01_conv"] == LayerRole("resampling", 2, 5)
    assert roles["block02_fusion_relu"] == LayerRole("fusion", 2, 5)
    assert roles["block04_unit2_add"] == LayerRole("blocks", 4, 4)
    assert roles["p5_bn"] == LayerRole("endpoints", level=5)
    others = {layer.name for layer in backbone.layers} - set(roles)
    assert others == {"images", "average", "average_p4_upsample", "average_p5_upsample"}


def test_a_detector_says_which_levels_it_misses(backbone):
    with pytest.raises(ValueError, match="The backbone has no level P6, P7"):
        RetinaNet(backbone, 2, "xywh")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"block_repeats": [1] * 18}, "`block_repeats` must be a positive int, or 4 of them"),
        ({"widths": [8] * 3}, "`widths` must be a positive int, or 4 of them"),
        ({"endpoint_width": 0}, "`endpoint_width` must be a positive int"),
        ({"p2_block": 2}, "`p2_block` must be a block of level 2 of table 'zigzag'"),
        ({"width_multiplier": -1}, "width multiplier must be positive"),
    ],
)
def test_what_does_not_fit_the_table_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Zigzag(**arguments)
