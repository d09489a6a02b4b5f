"""EvoNorm-S0 and its groups."""

import keras
import numpy as np
import pytest

from keras_effspine.layers.evo_norm import EvoNormS0, group_count

RANDOM = np.random.default_rng(0)


def reference(x, gamma, beta, gate, epsilon):
    """Picture by picture and group by group, in double precision."""
    found = np.empty(x.shape)
    size = x.shape[-1] // group_count(x.shape[-1])
    for row in range(len(x)):
        for start in range(0, x.shape[-1], size):
            part = (row, ..., slice(start, start + size))
            value = x[part].astype("float64")
            deviation = np.sqrt(value.var() + epsilon)
            here = slice(start, start + size)
            if gate is not None:
                value = value / (1 + np.exp(-gate[here] * value))
            found[part] = value / deviation * gamma[here] + beta[here]
    return found


@pytest.mark.parametrize("shape", [(3, 5, 4, 16), (2, 1, 1, 24), (2, 6, 7, 4), (4, 12)])
@pytest.mark.parametrize("nonlinear", [True, False])
def test_it_is_its_definition(shape, nonlinear):
    layer = EvoNormS0(nonlinear)
    x = RANDOM.normal(1.0, 3.0, shape).astype("float32")
    layer.build(shape)
    weights = [RANDOM.normal(1.0, 0.3, shape[-1]) for _ in layer.weights]
    layer.set_weights(weights)
    gamma, beta, *gate = weights
    expected = reference(x, gamma, beta, gate[0] if nonlinear else None, layer.epsilon)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-4)


def test_it_begins_as_swish_over_the_deviation():
    x = RANDOM.normal(size=(1, 8, 8, 8)).astype("float32")
    np.testing.assert_allclose(
        EvoNormS0()(x), np.asarray(keras.activations.silu(x)) / x.std(), rtol=2e-3, atol=1e-5
    )


@pytest.mark.parametrize("training", [True, False])
def test_a_batch_of_one_is_a_row_of_a_batch_of_eight(training):
    layer, x = EvoNormS0(), RANDOM.normal(size=(8, 5, 5, 16)).astype("float32")
    together = np.asarray(layer(x, training=training))
    for row in range(8):
        alone = np.asarray(layer(x[row : row + 1], training=training))
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("channels", "groups"), [(8, 1), (40, 5), (64, 8), (12, 2), (7, 1), (11, 11)]
)
def test_groups_have_eight_channels_or_what_divides_them(channels, groups):
    assert group_count(channels) == groups


def test_a_map_without_contrast_stays_finite_in_half_precision():
    x = np.full((1, 4, 4, 8), 300.0, "float32")
    for dtype in ("mixed_bfloat16", "mixed_float16"):
        assert np.isfinite(np.asarray(EvoNormS0(dtype=dtype)(x), "float32")).all()


def test_its_config_makes_the_same_layer():
    layer = EvoNormS0(nonlinear=False, epsilon=0.1, name="one")
    assert EvoNormS0.from_config(layer.get_config()).get_config() == layer.get_config()
