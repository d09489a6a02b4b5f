"""What a checkpoint does not say of its model: activation, epsilon, anchors and input size."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from keras_effspine.errors import CheckpointError
from keras_effspine.pretrained.preset import Preset
from keras_effspine.topology.pyramid import ANCHOR_RATIOS, ANCHOR_SIZE_OVER_STRIDE

PARAMETERS = "params.yaml"
"""The file that Google's programs write beside their checkpoints."""

ACTIVATIONS = ("relu", "swish", "hard_swish")

_ANCHOR_SIZES = {"spinenet_143": 4.0, "spinenet_190": 4.0}
"""Of the published configurations, where it is not 3."""

_EPSILONS = {"tf1": 1e-4, None: 1e-3}
_RATIOS = {"tf1": (1.0, 2.0, 0.5), None: ANCHOR_RATIOS}

# Where the files of each code have a value.
_PLACES = {
    None: {
        "activation": "task.model.norm_activation.activation",
        "epsilon": "task.model.norm_activation.norm_epsilon",
        "momentum": "task.model.norm_activation.norm_momentum",
        "anchor_size": "task.model.anchor.anchor_size",
        "aspect_ratios": "task.model.anchor.aspect_ratios",
        "scales": "task.model.anchor.num_scales",
        "input_size": "task.model.input_size",
        "box_weights": "task.model.detection_generator.box_coder_weights",
    },
    "tf1": {
        "activation": "batch_norm_activation.activation",
        "epsilon": "batch_norm_activation.batch_norm_epsilon",
        "momentum": "batch_norm_activation.batch_norm_momentum",
        "anchor_size": "anchor.anchor_size",
        "aspect_ratios": "anchor.aspect_ratios",
        "scales": "anchor.num_scales",
        "input_size": "retinanet_parser.output_size",
    },
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What converts a checkpoint beside its weights.

    Args:
        activation: one of `ACTIVATIONS`.
        epsilon: of batch normalisation.
        momentum: of batch normalisation.
        anchor_size: side of a level's smallest anchor over the level's stride.
        aspect_ratios: of the anchors, width over height, in the order of the head's channels.
        image_size: height and width of the input in pixels.
        box_weights: factors of box differences in y, x, height, width.
    """

    activation: str
    epsilon: float
    momentum: float
    anchor_size: float
    aspect_ratios: tuple[float, ...]
    image_size: int
    box_weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)


def find_parameters(prefix: pathlib.Path, config: str | os.PathLike | None) -> pathlib.Path | None:
    """The file of parameters: the one that is named, or that which lies beside a checkpoint.

    Raises:
        CheckpointError: if the one that is named is not there.
    """
    file = prefix.with_name(PARAMETERS) if config is None else pathlib.Path(config)
    if file.is_file():
        return file
    if config is not None:
        raise CheckpointError(f"{config}: no such file of parameters.")
    return None


def resolve_settings(
    name: str,
    variant: str | None,
    parameters: pathlib.Path | None,
    preset: Preset | None,
    given: Mapping[str, Any],
) -> Settings:
    """What is given goes before the file of parameters, and that before what was published.

    Args:
        name: the checkpoint, for messages.
        variant: as in `SpineNetBackbone`.
        parameters: file of parameters, or None.
        preset: the package's preset of this architecture, or None.
        given: values of `activation`, `epsilon`, `anchor_size`, `image_size`; None is not given.

    Raises:
        CheckpointError: if the file is broken, a value is none that is converted, or the activation
            or input size is not known.
    """
    said = _read(parameters, _PLACES[variant]) if parameters else {}
    where = parameters if parameters else name

    def value(field: str, otherwise: Any, named: str | None = None) -> Any:
        chosen = given.get(named or field)
        if chosen is None:
            chosen = said.get(field)
        return otherwise if chosen is None else chosen

    activation = value("activation", None)
    if activation is None:
        raise CheckpointError(
            f"{name}: does not say its activation, and wrong ones detect nothing; name it "
            f"(--activation {', '.join(ACTIVATIONS)}), or the file {PARAMETERS} that was written "
            "with it (--config). tensorflow/tpu's checkpoints for 350 epochs have relu, those for "
            "longer schedules (named -best) swish."
        )
    if activation not in ACTIVATIONS:
        raise CheckpointError(
            f"{where}: the activation is {activation!r}; converted are {', '.join(ACTIVATIONS)}."
        )
    size = value("input_size", preset.input_size if preset else None, "image_size")
    size = size[:2] if isinstance(size, list) else [size, size]
    if size[0] != size[1] or not isinstance(size[0], int) or size[0] < 1:
        raise CheckpointError(
            f"{where}: the input size is {size}; name height and width, one number of pixels "
            "(--image-size)."
        )
    published = _ANCHOR_SIZES.get(preset.name if preset else "", ANCHOR_SIZE_OVER_STRIDE)
    settings = Settings(
        activation=activation,
        epsilon=_number(where, "epsilon", value("epsilon", _EPSILONS[variant])),
        momentum=_number(where, "momentum", value("momentum", 0.99)),
        anchor_size=_number(where, "anchor_size", value("anchor_size", published)),
        aspect_ratios=_numbers(where, "aspect_ratios", value("aspect_ratios", _RATIOS[variant])),
        image_size=size[0],
        box_weights=_numbers(where, "box_weights", value("box_weights", [1.0] * 4)),
    )
    if sorted(settings.aspect_ratios) != sorted(ANCHOR_RATIOS) or said.get("scales", 3) != 3:
        raise CheckpointError(
            f"{where}: its anchors have the ratios {list(settings.aspect_ratios)} and "
            f"{said.get('scales', 3)} scales; converted are 0.5, 1 and 2 in any order, and 3."
        )
    if len(settings.box_weights) != 4:
        raise CheckpointError(f"{where}: box_coder_weights must be four numbers.")
    return settings


def _read(file: pathlib.Path, places: Mapping[str, str]) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{file}: cannot be read as parameters ({reason}).") from error
    return dict(_found(content, places))


def _found(content: Any, places: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for field, place in places.items():
        value = content
        for name in place.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            yield field, value


def _number(where: Any, field: str, value: Any, cast: Callable[[Any], float] = float) -> float:
    try:
        number = cast(value)
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < float("inf"):
        raise CheckpointError(f"{where}: {field} is {value!r}, which is no positive number.")
    return number


def _numbers(where: Any, field: str, values: Any) -> tuple[float, ...]:
    if not isinstance(values, (list, tuple)):
        raise CheckpointError(f"{where}: {field} is {values!r}, which is no list of numbers.")
    return tuple(_number(where, field, value) for value in values)
