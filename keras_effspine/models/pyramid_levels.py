"""The feature maps of a backbone that a detector reads."""

from collections.abc import Callable, Sequence

import keras

from keras_effspine.topology.pyramid import LEVEL_NAMES


def pyramid_levels(
    backbone: keras.Model,
    feature_pyramid: Callable | None = None,
    levels: Sequence[str] = LEVEL_NAMES,
    one_width: bool = True,
) -> dict[str, keras.KerasTensor]:
    """Dictionary from level name to feature map.

    Args:
        backbone: model whose `pyramid_level_inputs` name the layers of its levels.
        feature_pyramid: optional layer from the dictionary of the backbone's levels to a list of
            maps, which are then the levels.
        levels: names of the levels.
        one_width: whether all levels must have one width, which subnets take over.

    Raises:
        ValueError: if a level is missing, or the levels differ in width.
    """
    said = f"{levels[0]} to {levels[-1]}"
    names = backbone.pyramid_level_inputs
    if feature_pyramid is not None:
        maps = feature_pyramid(
            {level: backbone.get_layer(name).output for level, name in names.items()}
        )
        if isinstance(maps, dict) or len(maps) != len(levels):
            raise ValueError(
                f"`feature_pyramid` must return a list of {len(levels)} maps, {said}. "
                f"Received: {list(maps) if isinstance(maps, dict) else f'{len(maps)} maps'}"
            )
        pyramid = dict(zip(levels, maps, strict=True))
    else:
        missing = [level for level in levels if level not in names]
        if missing:
            raise ValueError(
                f"The backbone has no level {', '.join(missing)}. Use a backbone with {said}, "
                "such as EffSpineNetBackbone for P3 to P7, or pass `feature_pyramid`. "
                f"Received: pyramid_level_inputs={names}"
            )
        pyramid = {level: backbone.get_layer(names[level]).output for level in levels}
    widths = {level: x.shape[-1] for level, x in pyramid.items()}
    if one_width and len(set(widths.values())) != 1:
        raise ValueError(
            f"{said} must have one width, which the subnets take over. Received: {widths}"
        )
    return pyramid
