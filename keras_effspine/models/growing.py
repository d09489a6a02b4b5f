"""Net2Net (arXiv:1511.05641): a larger network that computes what a trained smaller one computes.

Widening: each channel of the larger network is a copy of one of the smaller network. The copies of
a channel are summed wherever they are read, so that what is read of them is shared out: the weights
of the copies add up to the one that there was. Deepening: a repeat of a block that the smaller
network has not is a residual block whose branch ends in a normalisation with gamma 0: nothing is
added, until it learns.
"""

import dataclasses
import re

import keras
import numpy as np
from keras import layers

from keras_effspine.layers.bilinear_upsampling import BilinearUpsampling
from keras_effspine.layers.dropout import Dropout
from keras_effspine.layers.level_resizing import NearestUpsampling, SpaceToDepth
from keras_effspine.layers.stochastic_depth import StochasticDepth
from keras_effspine.layers.weighted_fusion import WeightedFusion

_REPEAT = re.compile(r"(block\d+_unit(?!1_)\d+)_")
_ENDS_OF_BRANCHES = ("_project_bn", "_spatial2_bn")
"""Of MBConv and bottleneck blocks, and of residual ones."""

_UNCHANGING = (keras.activations.relu, keras.activations.relu6, keras.activations.linear)
"""Functions that leave as it is what they have made."""


@dataclasses.dataclass(frozen=True)
class Growth:
    """What `grow_weights` did.

    Args:
        widened: tuple of the names of layers whose weights are copies, shared out.
        kept: tuple of the names of layers that have the smaller network's weights as they are.
        repeats: tuple of the names of units that are new, and add nothing yet.
        lost: tuple of the names of the smaller network's sums that the larger has no place for:
            where there are any, the outputs are not those of the smaller network.
    """

    widened: tuple[str, ...]
    kept: tuple[str, ...]
    repeats: tuple[str, ...]
    lost: tuple[str, ...]

    def __str__(self) -> str:
        text = f"{len(self.widened)} layers widened, {len(self.kept)} kept"
        if self.repeats:
            text += f", {len(self.repeats)} repeats that add nothing yet"
        if self.lost:
            return (
                f"{text}; the outputs differ, since the larger network has no {self.lost[0]}: "
                "train on to mend it"
            )
        return f"{text}; the outputs are those of the smaller network"


def grow_weights(
    small: keras.Model, large: keras.Model, noise: float = 0.5, seed: int = 0
) -> Growth:
    """Gives a larger network the weights with which it computes what a smaller one does.

    Preserved, in inference and in training mode, up to rounding: each channel of the larger
    network's outputs is that of its original in the smaller one, whatever `noise`. Outputs whose
    channels mean something, classes and boxes, are the same. This holds for convolutions, depthwise
    and separable ones, normalisation and its statistics, squeeze-and-excitation, fusion weights,
    pooling, dense layers, and repeats of blocks.

    Not preserved: a residual sum that the smaller network has and the larger has not (m2's first
    block is as wide as the stem, d0's is not), which `Growth.lost` names; the random numbers of
    dropout and stochastic depth, and the optimizer's state.

    Args:
        small: functional `keras.Model` with the weights.
        large: `keras.Model` of the same graph, each layer at least as wide; repeats of blocks may
            be added. Its weights are replaced.
        noise: from 0, how unequally the weight of a channel is shared out among its copies, anew
            for each reader: the spread of the logarithm of the shares. With 0 the copies would get
            the same gradients for ever and stay copies.
        seed: of the shares.

    Returns:
        `Growth`.

    Raises:
        ValueError: if `large` is not such a model; names the layer.
    """
    if not noise >= 0:
        raise ValueError(f"`noise` must not be negative. Received: noise={noise}")
    for model in (small, large):
        if not isinstance(model, keras.Function):
            raise ValueError(
                f"`small` and `large` must be functional models. Received: {type(model).__name__}"
            )
    return _Growing(small, large, noise, seed).growth()


class _Growing:
    """One walk through the larger network's graph with the origin of each channel.

    What runs through the graph in a tensor's place is an int array: for each channel of the larger
    network the channel of the smaller one that it is a copy of.
    """

    def __init__(self, small, large, noise, seed):
        self._small = _layers(small)
        self._large, self._noise = large, noise
        self._random = np.random.default_rng(seed)
        self._origins = {}  # by name of a layer, of what it returns
        self._widened, self._kept, self._repeats = [], [], []
        self._silent = set()  # repeats whose branch ends in zero
        missing = [layer for name, layer in self._small.items() if name not in _layers(large)]
        self._lost = tuple(la.name for la in missing if isinstance(la, layers.Add))
        with_weights = [layer.name for layer in missing if layer.weights]
        if with_weights:
            raise ValueError(
                "`large` must have all layers of `small`. Received: a model without "
                f"{', '.join(with_weights[:3])}"
            )

    def growth(self):
        channels = np.arange(self._large.inputs[0].shape[-1])
        self._large._run_through_graph(channels, operation_fn=self._at)
        return Growth(tuple(self._widened), tuple(self._kept), tuple(self._repeats), self._lost)

    def _at(self, layer):
        if isinstance(layer, keras.Function):
            return lambda inputs, **_: layer._run_through_graph(inputs, operation_fn=self._at)

        def come_through(*inputs, **_):
            origins = [x for x in keras.tree.flatten(inputs) if isinstance(x, np.ndarray)]
            if layer.name not in self._small:
                return self._new(layer, origins)
            if layer.name not in self._origins:  # a layer that levels share comes more than once
                self._origins[layer.name] = self._grown(layer, self._small[layer.name], origins)
            return self._origins[layer.name]

        return come_through

    def _new(self, layer, origins):
        """A layer that the smaller network has not: it must be of a repeat, which adds nothing."""
        match = _REPEAT.match(layer.name)
        if not match:
            raise ValueError(
                "`large` may have more repeats of blocks than `small`, and no other layer more. "
                f"Received: a model with {layer.name}"
            )
        unit = match[1]
        if layer.name.endswith(_ENDS_OF_BRANCHES):
            self._silent.add(unit)
            layer.gamma.assign(np.zeros(layer.gamma.shape))
            layer.beta.assign(np.zeros(layer.beta.shape))
        if isinstance(layer, layers.Add) and unit in self._silent:
            self._repeats.append(unit)
            return origins[-1]  # the sum of a branch that is zero and of what went past it
        is_after_the_sum = unit in self._repeats
        if isinstance(layer, layers.Add) or (
            is_after_the_sum and getattr(layer, "activation", None) not in _UNCHANGING
        ):
            raise ValueError(
                "`large` may have repeats of blocks that can add nothing. "
                f"Received: a model with {layer.name}"
            )
        return origins[0]

    def _grown(self, layer, small, origins):
        """Gives a layer its weights, and returns the origins of the channels that it returns."""
        if type(layer) is not type(small):
            raise ValueError(
                f"`large` must have the layers of `small`. Received: {layer.name}, a "
                f"{type(layer).__name__} in place of a {type(small).__name__}"
            )
        rule = next((rule for kind, rule in _RULES if isinstance(layer, kind)), None)
        if rule is None:
            raise ValueError(
                f"`large` may have layers of known kinds. Received: {layer.name}, a "
                f"{type(layer).__name__}"
            )
        values = [keras.ops.convert_to_numpy(weight) for weight in small.weights]
        values, returned = rule(self, layer, values, *origins)
        for weight, value in zip(layer.weights, values, strict=True):
            if tuple(weight.shape) != value.shape:
                raise ValueError(
                    "`large` must differ from `small` in numbers of channels alone. Received: "
                    f"{weight.path} of shape {tuple(weight.shape)}, not {value.shape}"
                )
            weight.assign(value)
        if values:
            same = all(
                w.shape == v.shape for w, v in zip(layer.weights, small.weights, strict=True)
            )
            (self._kept if same else self._widened).append(layer.name)
        return returned

    def shared(self, kernel, origins, returned):
        """A kernel `(..., channels read, channels returned)` for copies on both sides."""
        shares = np.exp(self._noise * self._random.standard_normal((len(origins), len(returned))))
        sums = np.zeros((kernel.shape[-2], len(returned)))
        np.add.at(sums, origins, shares)
        return kernel[..., origins, :][..., returned] * (shares / sums[origins]).astype("float32")


def _layers(model):
    """The layers of a model and of those within it, by name."""
    found = model._flatten_layers(include_self=False)
    return {layer.name: layer for layer in found if not isinstance(layer, keras.Function)}


def _copies(layer, count, wanted):
    """For each of a layer's channels its origin: first all there are, then they once more."""
    if wanted < count:
        raise ValueError(
            "Each layer of `large` must be at least as wide as that of `small`. Received: "
            f"{layer.name} of {wanted} channels in place of {count}"
        )
    return np.arange(wanted) % count


def _convolution(growing, layer, values, origins):
    kernel, *bias = values
    returned = _copies(layer, kernel.shape[-1], layer.filters)
    return [growing.shared(kernel, origins, returned), *(b[returned] for b in bias)], returned


def _dense(growing, layer, values, origins):
    kernel, *bias = values
    returned = _copies(layer, kernel.shape[-1], layer.units)
    return [growing.shared(kernel, origins, returned), *(b[returned] for b in bias)], returned


def _separable(growing, layer, values, origins):
    depthwise, *others = values
    others, returned = _convolution(growing, layer, others, origins)
    return [depthwise[:, :, origins], *others], returned


def _depthwise(growing, layer, values, origins):
    kernel, *bias = values
    return [kernel[:, :, origins], *(b[origins] for b in bias)], origins


def _by_channel(growing, layer, values, origins):
    return [value[origins] for value in values], origins


def _one_map(growing, layer, values, origins, *size_of):
    return values, origins


def _joined(growing, layer, values, origins, *others):
    if any(not np.array_equal(origins, other) for other in others):
        raise ValueError(
            f"`large` must join maps that grew alike. Received: {layer.name}, which does not"
        )
    return values, origins


def _concatenated(growing, layer, values, *origins):
    if layer.axis != -1:  # places, not channels
        return _joined(growing, layer, values, *origins)
    firsts = np.cumsum([0, *(one.max() + 1 for one in origins)])
    return values, np.concatenate([o + first for o, first in zip(origins, firsts, strict=False)])


def _space_to_depth(growing, layer, values, origins):
    return values, np.concatenate([i * (origins.max() + 1) + origins for i in range(4)])


def _reshape(growing, layer, values, origins):
    if not np.array_equal(origins, np.arange(len(origins))):
        raise ValueError(f"Channels that grew cannot be reshaped. Received: {layer.name}")
    return values, np.arange(layer.target_shape[-1])


_RULES = (
    (layers.SeparableConv2D, _separable),
    (layers.DepthwiseConv2D, _depthwise),
    (layers.Conv2D, _convolution),
    (layers.Dense, _dense),
    (layers.BatchNormalization, _by_channel),
    (SpaceToDepth, _space_to_depth),
    (layers.Reshape, _reshape),
    (layers.Concatenate, _concatenated),
    ((WeightedFusion, layers.Add, layers.Average, layers.Multiply), _joined),
    (
        (
            BilinearUpsampling,
            Dropout,
            NearestUpsampling,
            StochasticDepth,
            layers.Activation,
            layers.GlobalAveragePooling2D,
            layers.GlobalMaxPooling2D,
            layers.MaxPooling2D,
            layers.Rescaling,
            layers.ZeroPadding2D,
        ),
        _one_map,
    ),
)
"""What becomes of the weights of a layer, by its class, the more particular ones first."""
