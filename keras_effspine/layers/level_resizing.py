"""Moving feature maps between levels, for picture sizes of any kind.

A map of level `l` of a picture of `n` pixels has `ceil(n / 2**l)` rows or columns.
"""

from typing import Any

import keras
from keras import ops


def level_size(size: Any, level: int) -> Any:
    """Rows or columns of a map of `level`: `ceil(size / 2**level)`; None stays None."""
    return None if size is None else -(-size // 2**level)


@keras.saving.register_keras_serializable(package="keras_effspine")
class NearestUpsampling(keras.layers.Layer):
    """Nearest-neighbour upsampling from one level to a lower one.

    Where the picture's size is no multiple of the strides the result is cropped at the bottom and
    the right, so that it meets maps that were computed at the lower level.

    Args:
        from_level: level of the input.
        to_level: level of the output, below `from_level`.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)` at `from_level`.
        images: the network's input `(batch, height, width, 3)`, read for its size alone.

    Raises:
        ValueError: if `to_level` does not lie below `from_level`.
    """

    def __init__(self, from_level: int, to_level: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if to_level >= from_level:
            raise ValueError(
                "`to_level` must lie below `from_level`. "
                f"Received: from_level={from_level}, to_level={to_level}"
            )
        self.from_level = from_level
        self.to_level = to_level

    def call(self, inputs: Any, images: Any) -> Any:
        factor = 2 ** (self.from_level - self.to_level)
        x = ops.repeat(ops.repeat(inputs, factor, axis=1), factor, axis=2)
        height, width = (level_size(n, self.to_level) for n in ops.shape(images)[1:3])
        if tuple(x.shape[1:3]) == (height, width):
            return x
        return x[:, :height, :width]

    def compute_output_shape(self, inputs_shape: tuple, images_shape: tuple) -> tuple:
        height, width = (level_size(n, self.to_level) for n in images_shape[1:3])
        return (inputs_shape[0], height, width, inputs_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "from_level": self.from_level,
            "to_level": self.to_level,
        }


@keras.saving.register_keras_serializable(package="keras_effspine")
class SpaceToDepth(keras.layers.Layer):
    """Moves each 2x2 square into the channels: `(h, w, c)` to `(ceil(h/2), ceil(w/2), 4c)`.

    Odd sizes are padded with zeros at the bottom and the right, as a strided convolution pads them.
    """

    def call(self, inputs: Any) -> Any:
        x = inputs
        for axis in (1, 2):
            odd = ops.shape(x)[axis] % 2
            if isinstance(odd, int) and odd == 0:
                continue
            shape = list(ops.shape(x))
            shape[axis] = odd
            x = ops.concatenate([x, ops.zeros(shape, dtype=x.dtype)], axis=axis)
        return ops.space_to_depth(x, 2)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, height, width, channels = input_shape
        return (batch, level_size(height, 1), level_size(width, 1), 4 * channels)


@keras.saving.register_keras_serializable(package="keras_effspine")
class Spread(keras.layers.Layer):
    """A map of one place, `(batch, 1, 1, channels)`, at each place of another map.

    Call arguments:
        inputs: the map of one place.
        like: `(batch, height, width, any)`, read for its size alone.
    """

    def call(self, inputs: Any, like: Any) -> Any:
        batch, height, width = ops.shape(like)[:3]
        return ops.broadcast_to(inputs, (batch, height, width, inputs.shape[-1]))

    def compute_output_shape(self, inputs_shape: tuple, like_shape: tuple) -> tuple:
        return (*like_shape[:3], inputs_shape[-1])
