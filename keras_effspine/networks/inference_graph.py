"""A model's graph as it is needed to predict, and no more."""

import collections
from typing import Any

import keras
from keras import KerasTensor, layers, ops, tree

from keras_effspine.layers.dropout import Dropout
from keras_effspine.layers.level_resizing import NearestUpsampling
from keras_effspine.layers.stochastic_depth import StochasticDepth
from keras_effspine.layers.weighted_fusion import WeightedFusion
from keras_effspine.networks.pending_convolution import (
    PendingConvolution,
    can_be_folded,
    scale_and_shift,
)

_OF_TRAINING = (
    Dropout,
    StochasticDepth,
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.GaussianDropout,
    layers.GaussianNoise,
)


def inference_graph(model: keras.Model, images: KerasTensor | list[KerasTensor]) -> Any:
    """The outputs of a functional model, computed by fewer operations.

    Batch normalisations become part of the convolutions before them, and so do the weights of
    fusions, which are constants by then. A convolution that several normalisations follow, as
    those of heads that levels share, becomes one of its own for each. Layers that act in training
    alone are left out, and models within the model dissolved into their layers. Everything is
    found by what layers compute and by who reads them, not by names.

    Args:
        model: functional model. It stays as it is; its weights are copied.
        images: the input of the new graph, of any size that the model takes; of a model with
            several inputs a list of them.

    Returns:
        Keras tensors in the structure of the model's outputs: the same numbers but for rounding.
    """
    return _Rewriting().run(model, images if isinstance(images, list) else [images])


class _Rewriting:
    def __init__(self) -> None:
        self._made: dict[Any, keras.layers.Layer] = {}
        self._names: collections.Counter[str] = collections.Counter()

    def run(self, model: keras.Function, inputs: list[KerasTensor]) -> Any:
        """The model's outputs on `inputs`, in their structure."""
        readers = collections.Counter(id(x) for x in model.outputs)
        nodes = [
            node
            for depth in sorted(model._nodes_by_depth, reverse=True)
            for node in model._nodes_by_depth[depth]
            if not node.is_input
        ]
        for node in nodes:
            readers.update(id(x) for x in node.input_tensors)
        values: dict[int, Any] = {id(x): y for x, y in zip(model.inputs, inputs, strict=True)}
        for node in nodes:
            outputs = self._rewritten(node, values)
            for x, y in zip(node.outputs, tree.flatten(outputs), strict=True):
                if isinstance(y, PendingConvolution) and readers[id(x)] != 1:
                    y = self._made_of(y)
                values[id(x)] = y
        found = [self._made_of(values[id(x)]) for x in model.outputs]
        return tree.pack_sequence_as(model.output, found)

    def _rewritten(self, node, values):
        """The outputs of one call of a layer in the new graph."""
        layer = node.operation
        inputs = [values[id(x)] for x in node.input_tensors]
        first = inputs[0] if inputs else None
        if isinstance(layer, _OF_TRAINING):
            return first
        if isinstance(first, PendingConvolution):
            if isinstance(layer, layers.BatchNormalization) and _is_over_channels(layer, node):
                if first.upsampling is None:
                    return first.scaled(*scale_and_shift(layer))
            if isinstance(layer, NearestUpsampling) and first.upsampling is None:
                images = self._made_of(inputs[1])
                upsampling = (layer, images)
                return PendingConvolution(
                    first.layer, first.x, first.scale, first.shift, upsampling
                )
        if isinstance(layer, WeightedFusion):
            return self._fused(layer, inputs)
        made = {id(x): self._made_of(y) for x, y in zip(node.input_tensors, inputs, strict=True)}
        if isinstance(layer, keras.Function):
            return self.run(layer, [made[id(x)] for x in node.input_tensors])
        if can_be_folded(layer):
            return PendingConvolution(layer, made[id(node.input_tensors[0])])
        args, kwargs = node.arguments.fill_in(made)
        return self._copy_of(layer)(*args, **kwargs)

    def _fused(self, layer, inputs):
        """A fusion as an addition; its weights go into the convolutions before it."""
        weights = ops.convert_to_numpy(ops.relu(layer.fusion_weights)).astype("float64")
        weights = weights / (weights.sum() + layer.epsilon)
        scaled = []
        for number, (x, weight) in enumerate(zip(inputs, weights.tolist(), strict=True), start=1):
            if isinstance(x, PendingConvolution):
                scaled.append(self._made_of(x.scaled(weight)))
            else:
                name = self._name(f"{layer.name}_scale{number}")
                scaled.append(layers.Rescaling(weight, dtype=layer.dtype_policy, name=name)(x))
        return layers.Add(dtype=layer.dtype_policy, name=self._name(layer.name))(scaled)

    def _made_of(self, value):
        """The Keras tensor of a value."""
        if not isinstance(value, PendingConvolution):
            return value
        layer, x = value.layer, value.x
        config, weights = value.folded()
        if isinstance(layer, layers.SeparableConv2D):
            # The first half is the same for all levels that share the layer.
            x = self._depthwise_half(layer)(x)
            config = {
                **{name: config[name] for name in ("filters", "use_bias", "dtype", "name")},
                "kernel_size": 1,
            }
        kind = layers.Conv2D if isinstance(layer, layers.SeparableConv2D) else type(layer)
        if value.scale is None:  # what levels share without normalisation they go on sharing
            made = self._layer((id(layer), "folded"), kind, config)
        else:
            made = self._layer(object(), kind, config)
        x = made(x)
        made.set_weights(weights)
        if value.upsampling is None:
            return x
        upsampling, images = value.upsampling
        return self._copy_of(upsampling)(x, images)

    def _depthwise_half(self, layer):
        config = {
            **{
                name: value
                for name, value in layer.get_config().items()
                if name in ("kernel_size", "strides", "padding", "dilation_rate", "dtype")
                or name == "depth_multiplier"
            },
            "use_bias": False,
            "name": f"{layer.name}_depthwise",
        }
        half = self._layer((id(layer), "depthwise"), layers.DepthwiseConv2D, config)
        if not half.built:
            kernel = ops.convert_to_numpy(layer.depthwise_kernel)
            half.build((None, None, None, kernel.shape[2]))
            half.set_weights([kernel])
        return half

    def _copy_of(self, layer):
        """A layer with the same config and weights, the same for all calls; an operation itself."""
        if not isinstance(layer, keras.layers.Layer):
            return layer
        # Keras' own activation: ours has a gradient of its own, which exporters stumble over.
        kind = layers.Activation if isinstance(layer, layers.Activation) else type(layer)
        copy = self._layer(id(layer), kind, layer.get_config())
        if layer.weights and not copy.built:
            copy.build_from_config(layer.get_build_config())
            copy.set_weights(layer.get_weights())
        return copy

    def _layer(self, key, kind, config):
        if key not in self._made:
            config = {**config, "name": self._name(config["name"])}
            self._made[key] = kind.from_config(config)
        return self._made[key]

    def _name(self, name):
        self._names[name] += 1
        count = self._names[name]
        return name if count == 1 else f"{name}_{count}"


def _is_over_channels(layer, node):
    rank = len(node.input_tensors[0].shape)
    return layer.axis in (-1, rank - 1)
