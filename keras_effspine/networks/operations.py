"""The operations that every graph of the package is made of, with what they have in common."""

import dataclasses

from keras import KerasTensor, initializers, layers

from keras_effspine.layers.activation import Activation
from keras_effspine.layers.batch_normalization import BatchNormalization
from keras_effspine.layers.stochastic_depth import StochasticDepth


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
    """

    activation: str = "swish"
    batch_norm_momentum: float = 0.99
    batch_norm_epsilon: float = 1e-3

    @property
    def kernel_initializer(self) -> initializers.Initializer:
        return initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")

    def activate(self, x: KerasTensor, name: str) -> KerasTensor:
        return Activation(self.activation, name=f"{name}_{self.activation}")(x)

    def normalize(self, x: KerasTensor, name: str, activate: bool) -> KerasTensor:
        x = BatchNormalization(
            self.batch_norm_momentum, self.batch_norm_epsilon, name=f"{name}_bn"
        )(x)
        return self.activate(x, name) if activate else x

    def convolution(
        self,
        x: KerasTensor,
        filters: int,
        name: str,
        kernel_size: int = 1,
        strides: int = 1,
        activate: bool = True,
    ) -> KerasTensor:
        """Convolution without bias, batch normalisation and, unless told otherwise, activation."""
        x = layers.Conv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same",
            use_bias=False,
            kernel_initializer=self.kernel_initializer,
            name=f"{name}_conv",
        )(x)
        return self.normalize(x, name, activate)

    def depthwise(self, x: KerasTensor, name: str, strides: int = 1) -> KerasTensor:
        """Depthwise 3x3 convolution without bias, batch normalisation, activation."""
        x = layers.DepthwiseConv2D(
            3,
            strides=strides,
            padding="same",
            use_bias=False,
            depthwise_initializer=self.kernel_initializer,
            name=f"{name}_depthwise",
        )(x)
        return self.normalize(x, name, activate=True)

    def separable(
        self,
        filters: int,
        name: str,
        kernel_size: int = 3,
        is_prediction: bool = False,
        bias: float = 0.0,
    ) -> layers.Layer:
        """A separable convolution with bias as a layer, to be called on one map or several.

        A prediction starts small, so that scores begin at their prior and boxes at their anchors.
        """
        small = initializers.RandomNormal(stddev=0.01)
        return layers.SeparableConv2D(
            filters,
            kernel_size,
            padding="same",
            depthwise_initializer=self.kernel_initializer,
            pointwise_initializer=small if is_prediction else self.kernel_initializer,
            bias_initializer=initializers.Constant(bias),
            name=name,
        )

    def squeeze_excitation(self, x: KerasTensor, reduced: int, name: str) -> KerasTensor:
        """Squeeze-and-excitation (arXiv:1709.01507): a gate for each channel of the whole map."""
        width = x.shape[-1]
        gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(x)
        for filters, activation, part in (
            (reduced, self.activation, "reduce"),
            (width, "sigmoid", "expand"),
        ):
            gate = layers.Conv2D(
                filters,
                1,
                kernel_initializer=self.kernel_initializer,
                name=f"{name}_{part}",
            )(gate)
            gate = Activation(activation, name=f"{name}_{part}_{activation}")(gate)
        return layers.Multiply(name=f"{name}_scale")([x, gate])

    def residual(
        self, x: KerasTensor, branch: KerasTensor, drop_rate: float, name: str
    ) -> KerasTensor:
        """Adds a branch to `x`, dropping the branch at random in training (stochastic depth)."""
        if drop_rate:
            branch = StochasticDepth(drop_rate, name=f"{name}_stochastic_depth")(branch)
        return layers.Add(name=f"{name}_add")([branch, x])
