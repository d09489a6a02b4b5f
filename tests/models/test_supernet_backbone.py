"""A supernet computes each of its networks, bit for bit as the network that stands alone."""

import dataclasses

import keras
import numpy as np
import pytest
from beta_ladder import SPEC, BetaLadder

from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.models.slicing import slice_weights
from keras_effspine.models.supernet_backbone import SupernetBackbone

BETAS = (1, 4, 10)
NETWORKS = ((1, 10, 4, 4, 10, 1), (10, 1, 1, 1, 1, 1), (4, 10, 10, 1, 4, 10))
ARGUMENTS = {"block_repeats": [1, 2, 1, 1, 1, 2]}


@pytest.fixture(scope="module")
def supernet():
    """With weights that are all different, statistics and biases too."""
    keras.utils.set_random_seed(0)
    model, random = SupernetBackbone(BetaLadder(**ARGUMENTS), BETAS), np.random.default_rng(0)
    for weight in model.weights:
        if len(weight.shape) == 1 and weight.dtype == "float32":
            weight.assign(random.uniform(0.5, 2.0, weight.shape))
    return model


@pytest.fixture(scope="module")
def images():
    # No multiple of the strides: maps are cropped and padded.
    return np.random.default_rng(1).uniform(0, 255, (2, 72, 40, 3)).astype("float32")


def alone_with(betas):
    return BetaLadder(betas=betas, **ARGUMENTS)


@pytest.mark.parametrize("betas", NETWORKS)
def test_a_slice_equals_the_network_that_stands_alone_bit_for_bit(supernet, images, betas):
    alone = alone_with(betas)
    slice_weights(supernet, alone)
    supernet.select(alone.block_widths)
    np.testing.assert_array_equal(supernet(images), alone(images))
    np.testing.assert_array_equal(supernet(images, training=True), alone(images, training=True))


def test_these_networks_differ_in_what_widths_decide():
    one, other = (alone_with(betas).block_widths for betas in NETWORKS[:2])
    assert one[0] == SPEC.stem_width != other[0], "with and without a residual sum"
    assert one[4] != one[5] and other[4] == other[5], "absorbed with and without a convolution"


@pytest.mark.integration
def test_one_trace_computes_every_network(supernet, images):
    import tensorflow as tf

    traces = []

    @tf.function
    def call(x):
        traces.append(x)
        return supernet(x)

    for betas in NETWORKS:
        alone = alone_with(betas)
        slice_weights(supernet, alone)
        supernet.select(alone.block_widths)
        np.testing.assert_allclose(call(images), alone(images), rtol=1e-5, atol=1e-5)
    assert len(traces) == 1


def test_it_is_as_wide_as_any_of_its_networks_and_no_wider(supernet):
    random = np.random.default_rng(0)
    drawn = [
        dataclasses.replace(SPEC, betas=tuple(random.choice(BETAS, 6).tolist())).widths()
        for _ in range(2000)
    ]
    assert tuple(np.max(drawn, axis=0)) == supernet.block_widths
    assert tuple(np.min(drawn, axis=0)) == supernet.least_widths


@pytest.mark.parametrize("widths", [(8,) * 5, (8,) * 5 + (0,), (8,) * 5 + (800,), 8])
def test_widths_of_no_slice_are_refused(supernet, widths):
    with pytest.raises(ValueError, match=r"`widths` must be 6 ints .* Received: widths="):
        supernet.select(widths)


def test_networks_that_are_no_slice_are_refused_by_the_layer(supernet):
    with pytest.raises(ValueError, match=r"no wider than the supernet. Received: .* of shape"):
        slice_weights(supernet, BetaLadder(width_multiplier=3.0, **ARGUMENTS))
    with pytest.raises(ValueError, match="block01_unit2"):
        slice_weights(supernet, BetaLadder(block_repeats=2))


def test_it_is_saved_with_what_is_selected(supernet, images, tmp_path):
    supernet.select(alone_with((10, 1, 1, 1, 1, 1)).block_widths)
    supernet.save(tmp_path / "supernet.keras")
    loaded = keras.saving.load_model(tmp_path / "supernet.keras")
    assert loaded.betas == BETAS and loaded.least_widths == supernet.least_widths
    np.testing.assert_array_equal(loaded(images), supernet(images))


def test_other_kinds_of_blocks_are_refused():
    blocks = tuple(dataclasses.replace(block, kind="residual") for block in SPEC.table.blocks)
    table = dataclasses.replace(SPEC.table, blocks=blocks)
    backbone = ScalePermutedBackbone(dataclasses.replace(SPEC, table=table))
    with pytest.raises(ValueError, match=r"MBConv blocks .* Received: .*'residual'"):
        SupernetBackbone(backbone, BETAS)


def test_normalisation_of_single_pictures_is_refused():
    with pytest.raises(ValueError, match=r"Received: normalization='group_norm'"):
        SupernetBackbone(BetaLadder(normalization="group_norm"), BETAS)
