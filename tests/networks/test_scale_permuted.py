"""The graph that a block table becomes."""

import dataclasses
import hashlib

import keras
import numpy as np
import pytest

from keras_effspine.networks.operations import Operations
from keras_effspine.networks.scale_permuted import average_at_lowest_level, build_scale_permuted
from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.eff_spinenet import SPEC
from keras_effspine.topology.network_spec import NetworkSpec

WIDTHS = (8,) * 18
REPEATS = (1, 2, *[1] * 16)

# Layer names are part of the weight format: released weights find their layers by these names.
# The digest may change only before the first weights ship, or with a converter for older files.
LAYER_NAMES_SHA256 = "290f25bdab2ea0c7ebe188f9c3610f54745c33c8b573d6c131c72d0092bf586e"


def build(spec=SPEC, widths=WIDTHS, repeats=REPEATS, size=(None, None), **arguments):
    operations = arguments.pop("operations", Operations())
    rate = arguments.pop("stochastic_depth_rate", 0.0)
    spec = dataclasses.replace(spec, endpoint_width=8, **arguments)
    images = keras.Input((*size, 3), name="images")
    tensors = build_scale_permuted(images, images, spec, widths, repeats, operations, rate)
    return keras.Model(images, tensors)


@pytest.fixture(scope="module")
def network():
    return build(stochastic_depth_rate=0.2)


def layer_names(model):
    return [layer.name for layer in model.layers]


def test_layer_names_are_those_of_released_weights(network):
    names = sorted(layer_names(network))
    assert len(set(names)) == len(names)
    assert hashlib.sha256("\n".join(names).encode()).hexdigest() == LAYER_NAMES_SHA256
    assert set(names) >= {
        "stem_conv",
        "stem_bn",
        "stem_swish",
        "block01_unit1_expand_conv",
        "block02_unit2_spatial_depthwise",
        "block05_from03_space_to_depth",
        "block05_from03_down1_depthwise",
        "block05_fusion",
        "block05_fusion_swish",
        "block05_unit1_se_reduce",
        "block05_unit1_project_bn",
        "block05_unit1_stochastic_depth",
        "block05_unit1_add",
        "block15_from12_upsample",
        "p3_conv",
        "p7_swish",
    }


def test_names_do_not_depend_on_what_was_built_before(network):
    assert layer_names(build(stochastic_depth_rate=0.2)) == layer_names(network)


def test_every_block_and_endpoint_is_named_and_lies_at_its_level():
    network = build(size=(100, 75))
    expected = {f"block{n:02d}": block.level for n, block in enumerate(SPEC.table.blocks, 1)}
    expected |= {f"P{level}": level for level in range(3, 8)}
    assert {name: tensor.shape[1:] for name, tensor in network.output.items()} == {
        name: (-(-100 // 2**level), -(-75 // 2**level), 8) for name, level in expected.items()
    }


def test_stochastic_depth_grows_linearly_with_the_block(network):
    rates = {layer.name: layer.rate for layer in network.layers if "stochastic_depth" in layer.name}
    assert rates["block18_unit1_stochastic_depth"] == pytest.approx(0.2)
    assert rates["block09_unit1_stochastic_depth"] == pytest.approx(0.1)
    assert rates["block02_unit2_stochastic_depth"] == pytest.approx(0.2 * 2 / 18)


def test_an_idle_block_of_the_same_width_is_added_without_a_convolution(network):
    assert "block16_from13_conv" not in layer_names(network)
    assert network.get_layer("block16_fusion").fusion_weights.shape == (3,)


def test_an_idle_block_of_another_width_joins_through_a_convolution():
    wider = build(widths=(*(8,) * 12, 16, *(8,) * 5))
    assert "block16_from13_conv" in layer_names(wider)
    assert wider.get_layer("block16_fusion").fusion_weights.shape == (3,)


def test_the_plain_sum_has_no_fusion_weights():
    plain = build(weighted_fusion=False)
    assert isinstance(plain.get_layer("block05_fusion"), keras.layers.Add)
    assert not [v for v in plain.variables if v.name == "fusion_weights"]


def test_squeeze_and_excitation_may_be_left_out():
    assert not [n for n in layer_names(build(squeeze_excitation_ratio=None)) if "_se_" in n]


def test_the_activation_is_used_everywhere():
    relu = build(operations=Operations(activation="relu"))
    activations = {
        layer.activation.__name__
        for layer in relu.layers
        if isinstance(layer, keras.layers.Activation)
    }
    assert activations == {"relu", "sigmoid"}


def test_momentum_and_epsilon_reach_every_normalisation():
    network = build(operations=Operations("swish", 0.9, 1e-5))
    found = {
        (layer.momentum, layer.epsilon)
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert found == {(0.9, 1e-5)}


def test_another_table_builds_another_network():
    table = BlockTable(
        "two", (Block(2, (STEM,), "mbconv", 8), Block(3, (STEM, 1), "mbconv", 8)), ((3, 2),)
    )
    network = build(NetworkSpec(table, stem_width=4), (8, 16), (1, 1))
    assert network.get_layer("stem_conv").filters == 4
    outputs = network(np.zeros((1, 64, 64, 3)))
    assert {name: tuple(x.shape) for name, x in outputs.items()} == {
        "block01": (1, 16, 16, 8),
        "block02": (1, 8, 8, 16),
        "P3": (1, 8, 8, 8),
    }


def test_the_stem_is_as_wide_and_its_kernel_as_large_as_the_specification_says():
    stem = build(stem_width=12, stem_kernel_size=7).get_layer("stem_conv")
    assert (stem.filters, stem.kernel_size) == (12, (7, 7))


def test_an_unknown_kind_of_block_is_named():
    table = BlockTable("odd", (Block(3, (STEM,), "fancy", 8),), ((3, 1),))
    with pytest.raises(
        ValueError, match=r"'odd' may have blocks of .*mbconv, .*bottleneck\. Received: fancy"
    ):
        build(NetworkSpec(table, stem_width=8), (8,), (1,))


def test_a_stem_of_level_2_ends_in_a_max_pooling():
    table = BlockTable("pooled", (Block(3, (STEM,), "residual", 8),), ((3, 1),), stem_level=2)
    network = build(NetworkSpec(table, stem_width=4, stem_kernel_size=7), (8,), (1,), (128, 96))
    assert network.get_layer("stem_pool").output.shape == (None, 32, 24, 4)
    assert network.output["block01"].shape == (None, 16, 12, 8)


def test_a_bottleneck_gives_four_times_its_width_and_is_resampled_in_a_part_of_it():
    table = BlockTable(
        "narrow",
        (
            Block(2, (STEM,), "bottleneck", 6),
            Block(3, (1,), "residual", 5),
            Block(3, (1, 2), "bottleneck", 4),
        ),
        ((3, 3),),
    )
    network = build(NetworkSpec(table, stem_width=4, resample_alpha=0.5), (6, 5, 4), (1, 1, 1))
    channels = {name: x.shape[-1] for name, x in network.output.items()}
    assert channels == {"block01": 24, "block02": 5, "block03": 16, "P3": 8}
    assert network.get_layer("block03_from01_inner_conv").filters == 3
    assert network.get_layer("block03_from02_inner_conv").filters == 2
    assert network.get_layer("block03_from01_conv").filters == 16


def test_padding_at_both_sides_keeps_the_sizes_of_maps():
    plain, symmetric = (
        build(size=(100, 75), operations=Operations(symmetric_padding=padded))
        for padded in (False, True)
    )
    assert symmetric.output_shape == plain.output_shape
    assert {
        n.removesuffix("_pad") for n in set(layer_names(symmetric)) - set(layer_names(plain))
    } >= {
        "stem",
        "block02_unit1_spatial",
        "block08_from05_down1",
    }


def test_the_average_upsamples_all_levels_to_the_lowest():
    images = keras.Input((100, 75, 3))
    endpoints = {5: keras.Input((4, 3, 2)), 3: keras.Input((13, 10, 2))}
    model = keras.Model([images, endpoints], average_at_lowest_level(endpoints, images))
    random = np.random.default_rng(0)
    p5, p3 = (random.normal(size=(1, *s, 2)).astype("float32") for s in ((4, 3), (13, 10)))
    expected = (p3 + p5.repeat(4, 1).repeat(4, 2)[:, :13, :10]) / 2
    outputs = model([np.zeros((1, 100, 75, 3)), {5: p5, 3: p3}])
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
