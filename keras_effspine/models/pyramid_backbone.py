"""What all backbones of the package have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import keras
from keras_cv.models import Backbone

from keras_effspine.models.dtype_policies import dtype_config, dtype_policy_scope
from keras_effspine.models.layer_roles import LayerRole
from keras_effspine.networks.operations import NORMALIZATIONS
from keras_effspine.pretrained.preset_saving import PresetSaving
from keras_effspine.topology.pyramid import LEVEL_NAMES, LEVELS

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


class PyramidBackbone(PresetSaving, Backbone):
    """A backbone on RGB pictures in [0, 255] of any height and width, with feature maps by level.

    A map of level `l` has stride `2**l`. A class over this one makes its input with `image_input`,
    normalises it with `normalized`, calls Keras' constructor, and then `name_levels` and
    `keep_arguments`.
    """

    pyramid_level_inputs: dict[str, str]

    output_level = LEVELS[0]
    """Level of the backbone's output."""

    def keep_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Makes the constructor's arguments attributes, and parts of the config.

        Args:
            arguments: values by name, but for those of the input, which is known already.
        """
        for name, value in arguments.items():
            setattr(self, name, value)
        self._config_arguments = tuple(arguments)

    def name_levels(self, levels: Mapping[str, keras.KerasTensor]) -> None:
        """Says which layers the levels are made by.

        Args:
            levels: dictionary from `"P2"`, ... to `(batch, height, width, channels)`, by rising
                level.
        """
        self.pyramid_level_inputs = {
            level: x._keras_history.operation.name for level, x in levels.items()
        }
        # keras-cv's SegFormer names its layers after these, and so wants them to differ.
        self.embedding_dims = tuple(levels)

    def layer_roles(self) -> dict[str, LayerRole]:
        """The role of each layer by name, but for those that only a head needs."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **{name: _plain(getattr(self, name)) for name in self._config_arguments},
            "input_shape": list(self.input_shape[1:]),
            **dtype_config(self),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        config = dict(config)
        with dtype_policy_scope(config.pop("dtype", None)):
            return super().from_config(config)

    def pyramid(self, levels: Sequence[str] = LEVEL_NAMES) -> keras.Model:
        """The backbone with its levels as outputs, on the same layers and weights.

        Args:
            levels: names out of `pyramid_level_inputs`, such as `"P2"` to `"P7"`.

        Returns:
            `keras.Model` from pictures to a dictionary of maps `(batch, height, width, channels)`;
            that of level `l` has stride `2**l`.

        Raises:
            ValueError: if there is no such level.
        """
        unknown = [level for level in levels if level not in self.pyramid_level_inputs]
        if unknown or not levels:
            raise ValueError(
                f"The levels are {', '.join(self.pyramid_level_inputs)}. Received: levels={levels}"
            )
        outputs = {
            level: self.get_layer(self.pyramid_level_inputs[level]).output for level in levels
        }
        return keras.Model(self.inputs, outputs, name=f"{self.name}_pyramid")


def image_input(
    input_shape: Sequence[int | None],
    input_tensor: keras.KerasTensor | None,
    include_rescaling: bool = True,
) -> keras.KerasTensor:
    """The input of a backbone: a given one, or a new one of a shape.

    Args:
        input_shape: `(height, width, channels)`; None stands for any height or width.
        input_tensor: Keras tensor to use in its place, or None.
        include_rescaling: whether it is to be normalised, which takes RGB.

    Raises:
        ValueError: if it is no batch of pictures, or they cannot be normalised.
    """
    if input_tensor is None:
        inputs = keras.layers.Input(shape=tuple(input_shape), name="images")
    elif keras.backend.is_keras_tensor(input_tensor):
        inputs = input_tensor
    else:
        raise ValueError(
            f"`input_tensor` must be a Keras tensor. Received: {type(input_tensor).__name__}"
        )
    if len(inputs.shape) != 4:
        raise ValueError(
            "`input_shape` must be (height, width, channels). "
            f"Received: input_shape={tuple(inputs.shape[1:])}"
        )
    if include_rescaling and inputs.shape[-1] != 3:
        raise ValueError(
            "Rescaling knows RGB only: pass `include_rescaling=False` for inputs that do not "
            f"have 3 channels. Received: input_shape={tuple(inputs.shape[1:])}"
        )
    return inputs


def normalized(
    images: keras.KerasTensor,
    mean: Sequence[float] = _IMAGENET_MEAN,
    std: Sequence[float] = _IMAGENET_STD,
) -> keras.KerasTensor:
    """Pictures in [0, 255] with a mean taken off and divided by a standard deviation.

    Args:
        images: `(batch, height, width, 3)`.
        mean, std: of red, green and blue, in [0, 1]; by default those of ImageNet.
    """
    return keras.layers.Rescaling(
        scale=[1 / (255 * one) for one in std],
        offset=[-m / s for m, s in zip(mean, std, strict=True)],
        name="rescaling",
    )(images)


def require_share(name: str, value: float) -> None:
    """Raises ValueError if an argument of this name does not lie in [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"`{name}` must lie in [0, 1). Received: {name}={value}")


def require_normalization(name: str) -> None:
    """Raises ValueError if there is no such normalisation."""
    if name not in NORMALIZATIONS:
        raise ValueError(
            f"`normalization` must be one of {', '.join(NORMALIZATIONS)}. "
            f"Received: normalization={name!r}"
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value
