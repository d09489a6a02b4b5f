"""BiFPN, the neck of EfficientDet (arXiv:1911.09070, 3)."""

from keras import KerasTensor, layers

from keras_effspine.layers.level_resizing import NearestUpsampling
from keras_effspine.layers.weighted_fusion import WeightedFusion
from keras_effspine.networks.operations import Operations
from keras_effspine.topology.pyramid import LEVELS

FUSION_EPSILON = 1e-4
"""Of fast normalised fusion (3.3)."""


def bi_fpn(
    maps: dict[int, KerasTensor],
    images: KerasTensor,
    width: int,
    cells: int,
    operations: Operations,
) -> dict[int, KerasTensor]:
    """Cells that fuse levels downwards and upwards again, with learned weights.

    As the public code (google/automl) has it: an input of another width goes through a 1x1
    convolution and batch normalisation at each of its readers; P6 and P7 are P5 pooled; a node is a
    fusion, an activation, a separable 3x3 convolution and batch normalisation.

    Args:
        maps: dictionary of levels 3, 4 and 5 to `(batch, height, width, channels)`.
        images: the network's input, by whose size upsampled maps are cropped.
        width: channels of all levels.
        cells: number of cells.
        operations: `Operations`.

    Returns:
        Dictionary of the levels 3 to 7, normalised, without activation.
    """
    lowest, highest = LEVELS[0], LEVELS[-1]
    maps = {level: maps[level] for level in (3, 4, 5)}
    maps[6] = _pooled(_as_wide(maps[5], width, operations, "p6_from5"), "p6")
    maps[7] = _pooled(maps[6], "p7")
    for cell in range(1, cells + 1):
        middle, found = dict(maps), {}
        for level in range(highest - 1, lowest - 1, -1):
            kind = "out" if level == lowest else "middle"
            name = f"cell{cell}_p{level}_{kind}"
            above = NearestUpsampling(level + 1, level, name=f"{name}_from{level + 1}_up")(
                middle[level + 1], images
            )
            own = _as_wide(maps[level], width, operations, f"{name}_from{level}")
            middle[level] = _node([own, above], width, operations, name)
        found[lowest] = middle[lowest]
        for level in range(lowest + 1, highest + 1):
            name = f"cell{cell}_p{level}_out"
            inputs = [_as_wide(maps[level], width, operations, f"{name}_from{level}")]
            if level < highest:
                inputs.append(middle[level])
            inputs.append(_pooled(found[level - 1], f"{name}_from{level - 1}_down"))
            found[level] = _node(inputs, width, operations, name)
        maps = found
    return maps


def _as_wide(x, width, operations, name):
    if x.shape[-1] == width:
        return x
    x = layers.Conv2D(
        width, 1, kernel_initializer=operations.kernel_initializer, name=f"{name}_conv"
    )(x)
    return operations.normalize(x, name, activate=False)


def _pooled(x, name):
    return layers.MaxPooling2D(3, 2, "same", name=f"{name}_pool")(x)


def _node(inputs, width, operations, name):
    x = WeightedFusion(FUSION_EPSILON, name=f"{name}_fusion")(inputs)
    x = operations.activate(x, f"{name}_fusion")
    x = operations.separable(width, f"{name}_conv")(x)
    return operations.normalize(x, name, activate=False)
