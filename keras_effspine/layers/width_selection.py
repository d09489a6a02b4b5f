"""Which of a supernet's networks is computed, and what in its graph that decides."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_effspine")
class SelectedWidths(keras.layers.Layer):
    """The channels of each block that a supernet computes with, as a weight that is not trained.

    Args:
        widths: tuple of ints, at the start.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: any tensor; it is not read.

    Call returns:
        int32 `(blocks,)`.
    """

    def __init__(self, widths: tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widths = tuple(widths)

    def build(self, input_shape: tuple) -> None:
        self.selected = self.add_weight(
            shape=(len(self.widths),),
            dtype="int32",
            initializer=lambda shape, dtype: ops.convert_to_tensor(self.widths, dtype),
            trainable=False,
            name="selected",
        )

    def call(self, inputs: Any) -> Any:
        return ops.convert_to_tensor(self.selected)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        return keras.KerasTensor((len(self.widths),), "int32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "widths": list(self.widths)}


@keras.saving.register_keras_serializable(package="keras_effspine")
class AddIfAsWide(keras.layers.Layer):
    """Adds a branch to its input, if both have equally many channels; otherwise returns the branch.

    Call arguments:
        inputs: `(batch, height, width, channels)`.
        branch: the same with any number of channels.
        added: the branch as it is to be added, such as with stochastic depth; None for the branch.
    """

    def call(self, inputs: Any, branch: Any, added: Any = None) -> Any:
        added = branch if added is None else added
        return ops.cond(_as_wide(inputs, branch), lambda: added + inputs, lambda: branch)

    def compute_output_shape(
        self, inputs_shape: tuple, branch_shape: tuple, added_shape: tuple | None = None
    ) -> tuple:
        return branch_shape


@keras.saving.register_keras_serializable(package="keras_effspine")
class TakeIfAsWide(keras.layers.Layer):
    """A map, if it has as many channels as another one, and otherwise the other.

    Call arguments:
        inputs: `(batch, height, width, channels)`.
        other: the same with any number of channels.
    """

    def call(self, inputs: Any, other: Any) -> Any:
        return ops.cond(_as_wide(inputs, other), lambda: inputs, lambda: other)

    def compute_output_shape(self, inputs_shape: tuple, other_shape: tuple) -> tuple:
        return other_shape


def _as_wide(one, other):
    return ops.equal(ops.shape(one)[-1], ops.shape(other)[-1])
