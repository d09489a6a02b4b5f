"""What one call of a layer costs, by the type of the layer.

The element-wise costs are those of TensorFlow's profiler as the public detection code counts its
models, halved, since two operations are a multiply-add. For each element a multiplication, a bias,
an addition or a mean costs 0.5, and so does each that a pooling window reads; a batch
normalisation, scale and offset, 1.0; a swish 0.5, the one product in it. Functions that the
profiler does not know (sigmoid, ReLU) cost nothing, nor do moves of data, nor what happens to
regions between the stages of a two-stage detector: proposals, crops and detections.
"""

import math

from keras import layers

from keras_effspine.errors import ProfilingError
from keras_effspine.layers.bilinear_upsampling import BilinearUpsampling
from keras_effspine.layers.class_selection import ClassSelection
from keras_effspine.layers.dropout import Dropout
from keras_effspine.layers.evo_norm import EvoNormS0
from keras_effspine.layers.level_resizing import NearestUpsampling, SpaceToDepth, Spread
from keras_effspine.layers.region_detections import RegionDetections
from keras_effspine.layers.region_layer import JoinRegions, PartRegions
from keras_effspine.layers.region_proposals import RegionProposals
from keras_effspine.layers.roi_align import RoiAlign
from keras_effspine.layers.stochastic_depth import StochasticDepth
from keras_effspine.layers.weighted_fusion import WeightedFusion

_MULTIPLYING_ACTIVATIONS = ("swish", "silu", "hard_silu")

# Moves of data, and the normalisation of the picture, which the paper leaves out.
_FREE = (
    layers.InputLayer,
    layers.ZeroPadding2D,
    layers.Flatten,
    layers.Reshape,
    layers.Concatenate,
    layers.Rescaling,
    layers.Dropout,
    BilinearUpsampling,
    ClassSelection,
    Dropout,
    JoinRegions,
    NearestUpsampling,
    PartRegions,
    RegionDetections,
    RegionProposals,
    RoiAlign,
    SpaceToDepth,
    Spread,
    StochasticDepth,
)


def layer_cost(layer: layers.Layer, inputs: list[tuple], output: tuple) -> tuple[int, float]:
    """Multiply-adds of one call of a layer on one picture, or on one region of it.

    Args:
        layer: Keras layer.
        inputs: list of the shapes of its inputs, `(batch, ...)`.
        output: shape of its output, `(batch, ...)`.

    Returns:
        Pair of the multiply-adds of convolutions and dense layers alone, an integer, and the
        element-wise operations as multiply-adds, a float.

    Raises:
        ProfilingError: if it is not known what such a layer costs.
    """
    for known, cost in _COSTS:
        if isinstance(layer, known):
            return cost(layer, inputs, output)
    if isinstance(layer, _FREE):
        return 0, 0.0
    raise ProfilingError(
        f"Layer '{layer.name}': it is not known what a {type(layer).__name__} costs; known "
        "are the layers of profiling/layer_costs.py."
    )


def _elements(shape):
    return math.prod(shape[1:])


def _bias(layer, output):
    return 0.5 * _elements(output) if layer.use_bias else 0.0


def _convolution(layer, inputs, output):
    kernel = math.prod(layer.kernel_size) * inputs[0][-1] // layer.groups
    return kernel * _elements(output), _bias(layer, output)


def _transposed(layer, inputs, output):
    # Each input place meets the whole kernel.
    products = math.prod(layer.kernel_size) * inputs[0][-1] * _elements(output)
    return products // math.prod(layer.strides), _bias(layer, output)


def _depthwise(layer, inputs, output):
    return math.prod(layer.kernel_size) * _elements(output), _bias(layer, output)


def _separable(layer, inputs, output):
    channels = inputs[0][-1] * layer.depth_multiplier
    places = _elements(output) // output[-1]
    return (math.prod(layer.kernel_size) + output[-1]) * channels * places, _bias(layer, output)


def _dense(layer, inputs, output):
    return inputs[0][-1] * _elements(output), _bias(layer, output)


def _activation(layer, inputs, output):
    multiplies = layer.activation.__name__ in _MULTIPLYING_ACTIVATIONS
    return 0, 0.5 * _elements(output) if multiplies else 0.0


def _evo_norm(layer, inputs, output):
    return 0, 0.5 * (7 if layer.nonlinear else 5) * _elements(output)


def _pooling(layer, inputs, output):
    return 0, 0.5 * math.prod(layer.pool_size) * _elements(output)


def _for_each(operations, of_inputs=False):
    """Cost of a layer with so many operations an element, given the number of its inputs."""

    def cost(layer, inputs, output):
        return 0, 0.5 * operations(len(inputs)) * _elements(inputs[0] if of_inputs else output)

    return cost


_COSTS = (
    (layers.DepthwiseConv2D, _depthwise),
    (layers.SeparableConv2D, _separable),
    (layers.Conv2D, _convolution),
    (layers.Conv2DTranspose, _transposed),
    (layers.Dense, _dense),
    (layers.Activation, _activation),
    (layers.BatchNormalization, _for_each(lambda inputs: 2)),
    # Sum, square and sum again, and what follows of both; a gate of two more products.
    (layers.GroupNormalization, _for_each(lambda inputs: 6)),
    (EvoNormS0, _evo_norm),
    (layers.MaxPooling2D, _pooling),
    (layers.AveragePooling2D, _pooling),
    (layers.GlobalAveragePooling2D, _for_each(lambda inputs: 1, of_inputs=True)),
    (layers.Add, _for_each(lambda inputs: inputs - 1)),
    (layers.Multiply, _for_each(lambda inputs: inputs - 1)),
    (layers.Average, _for_each(lambda inputs: inputs)),
    # Each input times its weight over their sum, and the additions between.
    (WeightedFusion, _for_each(lambda inputs: 3 * inputs - 1)),
)
