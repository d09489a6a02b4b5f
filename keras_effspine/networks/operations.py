"""The operations that every graph of the package is made of, with what they have in common."""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras import KerasTensor, initializers, layers

from keras_effspine.layers.activation import Activation
from keras_effspine.layers.batch_normalization import BatchNormalization
from keras_effspine.layers.evo_norm import EvoNormS0, group_count
from keras_effspine.layers.stochastic_depth import StochasticDepth

NORMALIZATIONS = ("batch_norm", "group_norm", "evonorm_s0")


@dataclasses.dataclass(frozen=True)
class Operations:
    """Convolutions with their normalisation and activation, under stable layer names.

    Each method applies layers to a tensor `(batch, height, width, channels)` and returns a tensor;
    `name` begins the names of the layers that it makes. Kernels start from He's normal
    distribution over the fan-out, which suits depthwise kernels too.

    Args:
        activation: name of the activation function.
        batch_norm_momentum: momentum of all batch normalisations.
        batch_norm_epsilon: epsilon of all batch normalisations.
        symmetric_padding: whether strided convolutions pad both sides alike; see `NetworkSpec`.
        normalization: one of `NORMALIZATIONS`. `"group_norm"` and `"evonorm_s0"` normalise each
            picture by itself, for batches of one to four; the latter takes the place of the
            activation behind it as well.
    """

    activation: str = "swish"
    batch_norm_momentum: float = 0.99
    batch_norm_epsilon: float = 1e-3
    symmetric_padding: bool = False
    normalization: str = "batch_norm"

    @property
    def kernel_initializer(self) -> initializers.Initializer:
        return initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")

    def activate(self, x: KerasTensor, name: str) -> KerasTensor:
        return Activation(self.activation, name=f"{name}_{self.activation}")(x)

    def normalize(self, x: KerasTensor, name: str, activate: bool) -> KerasTensor:
        if self.normalization == "evonorm_s0":
            layer = EvoNormS0(activate, self.batch_norm_epsilon, name=f"{name}_evonorm")
            return layer(x)
        if self.normalization == "group_norm":
            x = layers.GroupNormalization(
                group_count(x.shape[-1]), epsilon=self.batch_norm_epsilon, name=f"{name}_gn"
            )(x)
        else:
            x = self._normalized(x, f"{name}_bn")
        return self.activate(x, name) if activate else x

    def convolution(
        self,
        x: KerasTensor,
        filters: int,
        name: str,
        kernel_size: int = 1,
        strides: int = 1,
        activate: bool = True,
        dilation_rate: int = 1,
    ) -> KerasTensor:
        """Convolution without bias, batch normalisation and, unless told otherwise, activation."""
        x, padding = self._padded(x, name, kernel_size, strides)
        x = self._convolved(
            x,
            filters,
            f"{name}_conv",
            kernel_size,
            strides=strides,
            padding=padding,
            dilation_rate=dilation_rate,
            use_bias=False,
        )
        return self.normalize(x, name, activate)

    def _convolved(
        self, x: KerasTensor, filters: int, name: str, kernel_size: int, **arguments: Any
    ) -> KerasTensor:
        return layers.Conv2D(
            filters,
            kernel_size,
            kernel_initializer=self.kernel_initializer,
            name=name,
            **arguments,
        )(x)

    def _depthwise_convolved(self, x: KerasTensor, name: str, **arguments: Any) -> KerasTensor:
        return layers.DepthwiseConv2D(
            use_bias=False, depthwise_initializer=self.kernel_initializer, name=name, **arguments
        )(x)

    def _normalized(self, x: KerasTensor, name: str) -> KerasTensor:
        return BatchNormalization(self.batch_norm_momentum, self.batch_norm_epsilon, name=name)(x)

    def _padded(
        self, x: KerasTensor, name: str, kernel_size: int, strides: int
    ) -> tuple[KerasTensor, str]:
        """The input of a convolution, and the padding that is left to it."""
        margin = (kernel_size - 1) // 2
        if not self.symmetric_padding or strides == 1 or not margin:
            return x, "same"
        return layers.ZeroPadding2D(margin, name=f"{name}_pad")(x), "valid"

    def depthwise(
        self,
        x: KerasTensor,
        name: str,
        strides: int = 1,
        kernel_size: int = 3,
        dilation_rate: int = 1,
    ) -> KerasTensor:
        """Depthwise convolution without bias, batch normalisation, activation."""
        x, padding = self._padded(x, name, kernel_size, strides)
        x = self._depthwise_convolved(
            x,
            f"{name}_depthwise",
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            dilation_rate=dilation_rate,
        )
        return self.normalize(x, name, activate=True)

    def dense(
        self,
        filters: int,
        name: str,
        kernel_size: int = 3,
        is_prediction: bool = False,
        bias: float = 0.0,
        strides: int = 1,
    ) -> layers.Layer:
        """A convolution with bias as a layer; see `separable`."""
        return layers.Conv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same",
            kernel_initializer=self._start(is_prediction),
            bias_initializer=initializers.Constant(bias),
            name=name,
        )

    def _start(self, is_prediction: bool) -> initializers.Initializer:
        return initializers.RandomNormal(stddev=0.01) if is_prediction else self.kernel_initializer

    def separable(
        self,
        filters: int,
        name: str,
        kernel_size: int = 3,
        is_prediction: bool = False,
        bias: float = 0.0,
        strides: int = 1,
    ) -> layers.Layer:
        """A separable convolution with bias as a layer, to be called on one map or several.

        A prediction starts small, so that scores begin at their prior and boxes at their anchors.
        """
        return layers.SeparableConv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same",
            depthwise_initializer=self.kernel_initializer,
            pointwise_initializer=self._start(is_prediction),
            bias_initializer=initializers.Constant(bias),
            name=name,
        )

    def squeeze_excitation(
        self,
        x: KerasTensor,
        reduced: int,
        name: str,
        activation: str | None = None,
        gate: str = "sigmoid",
    ) -> KerasTensor:
        """Squeeze-and-excitation (arXiv:1709.01507): a gate for each channel of the whole map.

        `activation` is that of the reduced width, and None stands for the one of all operations;
        `gate` names the function that makes gates.
        """
        width = x.shape[-1]
        gates = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(x)
        for filters, function, part in (
            (reduced, activation or self.activation, "reduce"),
            (width, gate, "expand"),
        ):
            gates = self._convolved(gates, filters, f"{name}_{part}", 1)
            gates = Activation(function, name=f"{name}_{part}_{function}")(gates)
        return layers.Multiply(name=f"{name}_scale")([x, gates])

    def residual(
        self, x: KerasTensor, branch: KerasTensor, drop_rate: float, name: str
    ) -> KerasTensor:
        """Adds a branch to `x`, dropping the branch at random in training (stochastic depth)."""
        if drop_rate:
            branch = StochasticDepth(drop_rate, name=f"{name}_stochastic_depth")(branch)
        return layers.Add(name=f"{name}_add")([branch, x])

    def can_add(self, read: int, returned: int) -> bool:
        """Whether a branch that reads and returns so many channels can be added to its input."""
        return read == returned

    def unless_as_wide(
        self, x: KerasTensor, filters: int, name: str, resampled: Callable[[], KerasTensor]
    ) -> KerasTensor:
        """`x`, if it has so many channels, otherwise what the function makes of it."""
        return x if x.shape[-1] == filters else resampled()
