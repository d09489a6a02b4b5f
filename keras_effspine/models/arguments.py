"""Constructor arguments that are refused."""

import difflib
import inspect
import math
from collections.abc import Iterable, Sequence

import keras

_OF_KERAS = ("name", "trainable")

BOX_FORMATS = (
    *("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw"),
    *("rel_xyxy", "rel_yxyx", "rel_xywh"),
)
"""keras-cv's formats of boxes: in pixels, or in shares of the image's width and height."""


def refuse_unknown_arguments(cls: type[keras.Model], arguments: Iterable[str]) -> None:
    """Raises TypeError where a model's class does not take one of some arguments.

    Keras' functional models take any keyword argument and forget it, so that a misspelled
    `num_classes` would leave a model as it was.

    Args:
        cls: the class.
        arguments: names of keyword arguments.
    """
    names = [*inspect.signature(cls.__init__).parameters, *_OF_KERAS]
    known = [name for name in names if name not in ("self", "kwargs")]
    for name in arguments:
        if name not in known:
            near = difflib.get_close_matches(name, known)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known)}."
            raise TypeError(f"{cls.__name__} has no argument '{name}'; {hint}")


def require_box_format(name: str) -> None:
    """Raises ValueError if a `bounding_box_format` is none of keras-cv's, in any case."""
    if not isinstance(name, str) or name.lower() not in BOX_FORMATS:
        raise ValueError(
            f"`bounding_box_format` must be one of {', '.join(BOX_FORMATS)}. "
            f"Received: bounding_box_format={name!r}"
        )


def require_at_least(name: str, value: int, least: int = 1) -> None:
    """Raises ValueError if an argument of this name is below the least value."""
    if value < least:
        raise ValueError(f"`{name}` must be at least {least}. Received: {name}={value}")


def checked_class_weights(
    class_weights: Sequence[float] | None, num_classes: int
) -> tuple[float, ...] | None:
    """The weights of classes in a loss as floats, or None.

    Raises:
        ValueError: if there is not one for each class, finite and not negative.
    """
    if class_weights is None:
        return None
    weights = tuple(float(weight) for weight in class_weights)
    if len(weights) != num_classes or not all(0 <= weight < math.inf for weight in weights):
        raise ValueError(
            f"`class_weights` must be {num_classes} numbers from 0, one a class. "
            f"Received: class_weights={class_weights}"
        )
    return weights


def single_map(backbone: keras.Model) -> keras.KerasTensor:
    """The backbone's only output `(batch, height, width, channels)`.

    Raises:
        ValueError: if it has other outputs.
    """
    if len(backbone.outputs) != 1 or len(backbone.outputs[0].shape) != 4:
        raise ValueError(
            "The backbone must have one output (batch, height, width, channels). "
            f"Received: {[tuple(x.shape) for x in backbone.outputs]}"
        )
    return backbone.outputs[0]
