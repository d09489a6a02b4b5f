"""Growing: the larger network computes what the smaller one computes, until it learns."""

import keras
import numpy as np
import pytest

from keras_effspine import EffSpineNetBackbone, ImageClassifier
from keras_effspine.models.growing import grow_weights
from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.network_spec import NetworkSpec

WIDE = {"width_multiplier": 0.2, "endpoint_width": 16}


def shaken(model, seed=0):
    """A model with statistics, fusion weights and biases as training leaves them: all unequal."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
    return model


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(1)
    backbone = EffSpineNetBackbone(width_multiplier=0.1, endpoint_width=8)
    return shaken(ImageClassifier(backbone, num_classes=5))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, (3, 64, 96, 3)).astype("float32")


def larger(**changes):
    arguments = {"width_multiplier": 0.1, "endpoint_width": 8, **changes}
    return ImageClassifier(EffSpineNetBackbone(**arguments), num_classes=5)


def values(model, images, **options):
    return keras.ops.convert_to_numpy(model(images, **options))


@pytest.mark.integration
@pytest.mark.parametrize(
    "changes",
    [WIDE, {"block_repeats": 2}, {**WIDE, "block_repeats": [2, 1] * 9}],
    ids=["wider", "deeper", "wider and deeper"],
)
def test_a_grown_classifier_says_what_the_smaller_one_says(small, images, changes):
    large = larger(**changes)
    growth = grow_weights(small, large)
    assert not growth.lost
    assert large.count_params() > 1.5 * small.count_params()
    np.testing.assert_allclose(values(large, images), values(small, images), rtol=1e-4)
    in_training = [values(model, images, training=True) for model in (large, small)]
    np.testing.assert_allclose(*in_training, rtol=1e-3)


@pytest.mark.integration
def test_a_grown_detector_finds_what_the_smaller_one_finds(tiny_detector, tiny_backbone, images):
    small = shaken(tiny_detector())
    large = tiny_detector(backbone=tiny_backbone(width=20))
    grow_weights(small, large)
    for name, expected in small(images).items():
        np.testing.assert_allclose(large(images)[name], expected, rtol=1e-4, atol=1e-4)


def residual_network(width, repeats, activation):
    """Three of ResNet's blocks at the levels 2 to 4."""
    blocks = (
        Block(2, (STEM,), "residual", width),
        Block(3, (1,), "bottleneck", width),
        Block(4, (1, 2), "residual", width),
    )
    spec = NetworkSpec(BlockTable("three", blocks, ((3, 2), (4, 3))), stem_width=4)
    keras.utils.set_random_seed(width)
    return ScalePermutedBackbone(spec, widths=width, block_repeats=repeats, activation=activation)


def test_blocks_of_resnet_grow_where_their_repeats_can_add_nothing(images):
    small = shaken(residual_network(4, 1, "relu"))
    large = residual_network(6, 3, "relu")
    growth = grow_weights(small, large)
    assert len(growth.repeats) == 6 and not growth.lost
    expected = values(small, images)
    np.testing.assert_allclose(values(large, images), expected, rtol=1e-4, atol=1e-3)
    with pytest.raises(ValueError, match="can add nothing. Received: .* block01_unit2_swish"):
        grow_weights(residual_network(4, 1, "swish"), residual_network(4, 2, "swish"))


def two_convolutions(width, name="second", doubled=False, first=None):
    inputs = keras.Input((8, 8, 3))
    x = (first or keras.layers.Conv2D(width, 3, name="first"))(inputs)
    x = keras.layers.Activation("relu", name="relu")(x)
    x = x + x if doubled else x
    return keras.Model(inputs, keras.layers.Conv2D(2, 1, name=name)(x))


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_copies_of_a_channel_learn_apart_where_they_share_its_weight_unequally(noise):
    small, large = two_convolutions(4), two_convolutions(8)
    grow_weights(small, large, noise)
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(large(images), small(images), rtol=1e-5, atol=1e-6)
    large.compile("sgd", "mse")
    large.fit(images, np.ones((2, 6, 6, 2)), verbose=0)
    kernel = keras.ops.convert_to_numpy(large.get_layer("first").kernel)
    assert np.allclose(kernel[..., :4], kernel[..., 4:], atol=1e-7) == (noise == 0)


def test_a_seed_gives_the_same_shares_again():
    small = two_convolutions(4)
    first, again, other = (two_convolutions(6) for _ in range(3))
    for model, seed in ((first, 3), (again, 3), (other, 4)):
        grow_weights(small, model, seed=seed)
    kernels = [
        keras.ops.convert_to_numpy(m.get_layer("second").kernel) for m in (first, again, other)
    ]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert (kernels[0] != kernels[2]).any()


@pytest.mark.integration
def test_a_residual_sum_that_the_larger_network_lacks_is_named():
    sizes = {"endpoint_width": 8, "squeeze_excitation_ratio": None}
    small = EffSpineNetBackbone(widths=8, **sizes)  # the first block is as wide as the stem
    large = EffSpineNetBackbone(widths=[16] + [8] * 17, **sizes)
    growth = grow_weights(small, large)
    assert growth.lost == ("block01_unit1_add",)
    assert "the outputs differ" in str(growth)


@pytest.mark.parametrize(
    ("large", "message"),
    [
        (lambda: two_convolutions(3), "first of 3 channels in place of 4"),
        (lambda: two_convolutions(6, name="other"), "a model without second"),
        (
            lambda: two_convolutions(6, doubled=True),
            "no other layer more. Received: a model with add",
        ),
        (
            lambda: two_convolutions(8, first=keras.layers.Dense(8, name="first")),
            "first, a Dense in place of a Conv2D",
        ),
    ],
    ids=["narrower", "a layer missing", "a layer more", "another kind of layer"],
)
def test_a_model_that_cannot_have_grown_is_refused_by_the_name_of_a_layer(large, message):
    with pytest.raises(ValueError, match=message):
        grow_weights(two_convolutions(4), large())


def test_a_model_without_a_graph_is_refused():
    with pytest.raises(ValueError, match="functional models. Received: Sequential"):
        grow_weights(two_convolutions(4), keras.Sequential())


def test_noise_below_zero_is_refused():
    with pytest.raises(ValueError, match="Received: noise=-1"):
        grow_weights(two_convolutions(4), two_convolutions(4), noise=-1)
