"""BiFPN beside a slow reference in NumPy."""

import keras
import numpy as np

from keras_effspine.networks.bi_fpn import FUSION_EPSILON, bi_fpn
from keras_effspine.networks.operations import Operations

WIDTH, SIZE = 4, 72
CHANNELS = {3: 3, 4: WIDTH, 5: 6}


def reference(weights, maps, cells):
    """Levels 3 to 7 after some cells, by the definitions of 3.2 and 3.3 of arXiv:1911.09070."""

    def normalized(x, name):
        gamma, beta, mean, variance = weights[f"{name}_bn"]
        return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    def as_wide(x, name):
        if x.shape[-1] == WIDTH:
            return x
        kernel, bias = weights[f"{name}_conv"]
        return normalized(x @ kernel[0, 0] + bias, name)

    def pooled(x):
        """3x3 of stride 2, padded as TensorFlow's "same" does."""
        padding = []
        for n in x.shape[1:3]:
            missing = max((-(-n // 2) - 1) * 2 + 3 - n, 0)
            padding.append((missing // 2, missing - missing // 2))
        x = np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=-np.inf)
        rows, columns = ((n - 3) // 2 + 1 for n in x.shape[1:3])
        windows = [
            x[:, i : i + 2 * rows - 1 : 2, j : j + 2 * columns - 1 : 2]
            for i in range(3)
            for j in range(3)
        ]
        return np.max(windows, axis=0)

    def upsampled(x, like):
        return x.repeat(2, axis=1).repeat(2, axis=2)[:, : like.shape[1], : like.shape[2]]

    def node(inputs, name):
        (raw,) = weights[f"{name}_fusion"]
        raw = np.maximum(raw, 0)
        x = sum(w * one for w, one in zip(raw, inputs, strict=True)) / (raw.sum() + FUSION_EPSILON)
        x = x / (1 + np.exp(-x))
        depthwise, pointwise, bias = weights[f"{name}_conv"]
        around = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        height, width = x.shape[1:3]
        x = sum(
            around[:, i : i + height, j : j + width] * depthwise[i, j, :, 0]
            for i in range(3)
            for j in range(3)
        )
        return normalized(x @ pointwise[0, 0] + bias, name)

    maps = dict(maps)
    maps[6] = pooled(as_wide(maps[5], "p6_from5"))
    maps[7] = pooled(maps[6])
    for cell in range(1, cells + 1):
        middle, out = {7: maps[7]}, {}
        for level in (6, 5, 4, 3):
            name = f"cell{cell}_p{level}_{'out' if level == 3 else 'middle'}"
            own = as_wide(maps[level], f"{name}_from{level}")
            middle[level] = node([own, upsampled(middle[level + 1], own)], name)
        out[3] = middle[3]
        for level in (4, 5, 6, 7):
            name = f"cell{cell}_p{level}_out"
            inputs = [as_wide(maps[level], f"{name}_from{level}")]
            inputs += [middle[level]] if level < 7 else []
            out[level] = node([*inputs, pooled(out[level - 1])], name)
        maps = out
    return maps


def test_it_is_what_the_paper_defines_at_sizes_that_halve_unevenly():
    random = np.random.default_rng(0)
    images = keras.Input((SIZE, SIZE, 3))
    inputs = {
        level: keras.Input((-(-SIZE // 2**level),) * 2 + (channels,))
        for level, channels in CHANNELS.items()
    }
    outputs = bi_fpn(inputs, images, WIDTH, 2, Operations())
    assert list(outputs) == [3, 4, 5, 6, 7]
    model = keras.Model([images, *inputs.values()], [outputs[level] for level in outputs])
    for variable in model.weights:
        low = 0.5 if variable.name in ("gamma", "moving_variance") else -1.0
        variable.assign(random.uniform(low, 1.5, variable.shape))
    weights = {
        layer.name: [w.astype("float64") for w in layer.get_weights()]
        for layer in model.layers
        if layer.weights
    }
    maps = {
        level: random.normal(size=(2, *x.shape[1:])).astype("float32")
        for level, x in inputs.items()
    }
    found = model([np.zeros((2, SIZE, SIZE, 3), "float32"), *maps.values()])
    expected = reference(weights, {k: v.astype("float64") for k, v in maps.items()}, cells=2)
    assert [tuple(x.shape[1:3]) for x in found] == [(9, 9), (5, 5), (3, 3), (2, 2), (1, 1)]
    for level, x in zip(outputs, found, strict=True):
        np.testing.assert_allclose(x, expected[level], rtol=2e-4, atol=2e-4, err_msg=str(level))
