"""What the layers between the stages of a two-stage detector have in common."""

from typing import Any

import keras
from keras import ops


class RegionLayer(keras.layers.Layer):
    """A layer without weights that works on its inputs as they come, under any precision.

    Nothing is cast on the way in: boxes in half precision would be off by pixels. What such a layer
    computes depends on the images' size, which need not be known when a graph is built, so that
    each says in `compute_output_spec` what comes out.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", "autocast": False, **kwargs})


@keras.saving.register_keras_serializable(package="keras_effspine")
class JoinRegions(RegionLayer):
    """All regions as one batch: `(batch, regions, ...)` to `(batch * regions, ...)`."""

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, (-1, *inputs.shape[2:]))

    def compute_output_spec(self, inputs: Any) -> Any:
        batch, regions, *rest = inputs.shape
        shape = (None if batch is None else batch * regions, *rest)
        return keras.KerasTensor(shape, inputs.dtype)


@keras.saving.register_keras_serializable(package="keras_effspine")
class PartRegions(RegionLayer):
    """The inverse of `JoinRegions`.

    Args:
        regions: number of regions of an image.
        **kwargs: arguments of `keras.layers.Layer`.
    """

    def __init__(self, regions: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.regions = regions

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, (-1, self.regions, *inputs.shape[1:]))

    def compute_output_spec(self, inputs: Any) -> Any:
        joined, *rest = inputs.shape
        shape = (None if joined is None else joined // self.regions, self.regions, *rest)
        return keras.KerasTensor(shape, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "regions": self.regions}
