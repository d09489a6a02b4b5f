"""The feature maps of a backbone that a detector reads."""

from collections.abc import Callable

import keras

from keras_effspine.topology.pyramid import LEVEL_NAMES


def pyramid_levels(
    backbone: keras.Model, feature_pyramid: Callable | None = None
) -> dict[str, keras.KerasTensor]:
    """Dictionary from level name to feature map, for P3 to P7.

    Args:
        backbone: model whose `pyramid_level_inputs` name the layers of its levels.
        feature_pyramid: optional layer from the dictionary of the backbone's levels to a list of
            five maps, which are then P3 to P7.

    Raises:
        ValueError: if a level is missing, or the levels differ in width.
    """
    names = backbone.pyramid_level_inputs
    if feature_pyramid is not None:
        maps = feature_pyramid(
            {level: backbone.get_layer(name).output for level, name in names.items()}
        )
        if isinstance(maps, dict) or len(maps) != len(LEVEL_NAMES):
            raise ValueError(
                "`feature_pyramid` must return a list of five maps, P3 to P7. "
                f"Received: {list(maps) if isinstance(maps, dict) else f'{len(maps)} maps'}"
            )
        pyramid = dict(zip(LEVEL_NAMES, maps, strict=True))
    else:
        missing = [level for level in LEVEL_NAMES if level not in names]
        if missing:
            raise ValueError(
                f"The backbone has no level {', '.join(missing)}. Use a backbone with P3 to P7, "
                "such as EffSpineNetBackbone, or pass `feature_pyramid`. "
                f"Received: pyramid_level_inputs={names}"
            )
        pyramid = {level: backbone.get_layer(names[level]).output for level in LEVEL_NAMES}
    widths = {level: x.shape[-1] for level, x in pyramid.items()}
    if len(set(widths.values())) != 1:
        raise ValueError(
            f"P3 to P7 must have one width, which the subnets take over. Received: {widths}"
        )
    return pyramid
