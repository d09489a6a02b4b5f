"""From the maps of a level to the pixels of the picture."""

from typing import Any

import keras
from keras import ops

from keras_effspine.layers.level_resizing import level_size


@keras.saving.register_keras_serializable(package="keras_effspine")
class BilinearUpsampling(keras.layers.Layer):
    """Bilinear upsampling from a level to a lower one, or to the picture's own pixels.

    A value of the map stands in the middle of its square of `2**from_level` pixels. Where the
    picture's size is no multiple of that, the result is cropped at the bottom and the right, as the
    level was rounded up there.

    Args:
        from_level: level of the input.
        to_level: level of the result; 0 is that of the picture.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)` at `from_level`.
        images: the network's input `(batch, height, width, 3)`, read for its size alone.
    """

    def __init__(self, from_level: int, to_level: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.from_level = from_level
        self.to_level = to_level

    def call(self, inputs: Any, images: Any) -> Any:
        factor = 2 ** (self.from_level - self.to_level)
        rows, columns = (n * factor for n in ops.shape(inputs)[1:3])
        x = ops.image.resize(
            inputs, (rows, columns), interpolation="bilinear", data_format="channels_last"
        )
        height, width = (level_size(n, self.to_level) for n in ops.shape(images)[1:3])
        if tuple(x.shape[1:3]) == (height, width):
            return x
        return x[:, :height, :width]

    def compute_output_shape(self, inputs_shape: tuple, images_shape: tuple) -> tuple:
        sizes = (level_size(n, self.to_level) for n in images_shape[1:3])
        return (inputs_shape[0], *sizes, inputs_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_level": self.from_level, "to_level": self.to_level}
