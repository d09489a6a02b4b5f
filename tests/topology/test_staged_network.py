"""Networks of stages as values, and EfficientDet's compound scaling."""

import dataclasses

import pytest

from keras_effspine.topology.efficientdet import compound_scaling
from keras_effspine.topology.staged_networks import EFFICIENTNETS, NETWORKS


def test_efficientnet_b2_is_b0_scaled():
    """Widths and repeats of the public code (tensorflow/tpu, efficientnet_builder.py)."""
    b2 = NETWORKS["efficientnet"].scaled(*EFFICIENTNETS[2])
    assert [stage.width for stage in b2.stages] == [16, 24, 48, 88, 120, 208, 352]
    assert [stage.repeats for stage in b2.stages] == [2, 3, 3, 4, 4, 5, 2]
    assert (b2.stem_width, b2.top_width) == (32, 1408)
    assert [one.repeats for one in NETWORKS["efficientnet"].scaled(1.0, 1.1).stages] == [
        *(2, 3, 3, 4, 4, 5, 2)
    ]


def test_a_multiplier_acts_where_a_network_lets_it():
    narrow = {name: network.scaled(0.5) for name, network in NETWORKS.items()}
    assert narrow["mobilenet_v2"].top_width == 1280  # not below 1
    assert NETWORKS["mobilenet_v2"].scaled(1.4).top_width == 1792
    assert narrow["mobilenet_v3_large"].stem_width == 16
    assert narrow["mobilenet_v2"].stem_width == 16


def test_the_detectors_mobilenet_v3_has_half_the_channels_behind_stride_16():
    whole, half = (NETWORKS[f"mobilenet_v3_large{end}"] for end in ("", "_half_tail"))
    assert (half.stages[-1].width, half.top_width) == (80, 480)
    assert dataclasses.replace(whole, stages=half.stages, top_width=480) == half


def test_squeeze_excitation_is_as_wide_as_its_network_says():
    network = NETWORKS["efficientnet"]
    assert network.squeeze_excitation_width(network.stages[1], 16) == 4
    network = NETWORKS["mobilenet_v3_large"]
    assert network.squeeze_excitation_width(network.stages[3], 24) == 24  # 72 / 4 in eights
    assert network.squeeze_excitation_width(network.stages[1], 16) is None


@pytest.mark.parametrize("arguments", [{"width": 0}, {"depth": -1}, {"width": float("inf")}])
def test_a_multiplier_that_makes_no_network_is_refused(arguments):
    with pytest.raises(ValueError, match="_multiplier` must be positive. Received"):
        NETWORKS["efficientnet"].scaled(**arguments)


@pytest.mark.parametrize(
    ("phi", "expected"),
    [
        (0, (64, 3, 3, 512)),
        (1, (88, 4, 3, 640)),
        (2, (112, 5, 3, 768)),
        (5, (288, 7, 4, 1280)),
        (7, (384, 8, 5, 1536)),
        (8, (704, 11, 5, 1536)),  # by the equations
    ],
)
def test_efficientdet_scales_width_cells_subnets_and_input_together(phi, expected):
    scaling = compound_scaling(phi)
    found = (scaling.width, scaling.cells, scaling.head_layers, scaling.input_size)
    assert found == expected
    assert scaling.backbone()["width_multiplier"] == EFFICIENTNETS[min(phi, 6 + (phi > 7))][0]


@pytest.mark.parametrize("phi", [-1, 0.5, True, "d0"])
def test_a_coefficient_is_a_whole_number(phi):
    with pytest.raises(ValueError, match="`phi` must be a whole number, at least 0. Received"):
        compound_scaling(phi)
