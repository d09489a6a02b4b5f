"""From the maps of a level to the pixels of the picture."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_effspine")
class BilinearUpsampling(keras.layers.Layer):
    """Bilinear upsampling from a level to the picture's own pixels.

    A value of the map stands in the middle of its square of `2**from_level` pixels. Where the
    picture's size is no multiple of that, the result is cropped at the bottom and the right, as the
    level was rounded up there.

    Args:
        from_level: level of the input.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)` at `from_level`.
        images: the network's input `(batch, height, width, 3)`, read for its size alone.
    """

    def __init__(self, from_level: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.from_level = from_level

    def call(self, inputs: Any, images: Any) -> Any:
        rows, columns = (n * 2**self.from_level for n in ops.shape(inputs)[1:3])
        x = ops.image.resize(
            inputs, (rows, columns), interpolation="bilinear", data_format="channels_last"
        )
        height, width = ops.shape(images)[1:3]
        if tuple(x.shape[1:3]) == (height, width):
            return x
        return x[:, :height, :width]

    def compute_output_shape(self, inputs_shape: tuple, images_shape: tuple) -> tuple:
        return (inputs_shape[0], *images_shape[1:3], inputs_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_level": self.from_level}
