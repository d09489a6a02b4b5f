"""The feature pyramid network of RetinaNet (arXiv:1612.03144, arXiv:1708.02002)."""

from keras import KerasTensor, layers

from keras_effspine.layers.level_resizing import NearestUpsampling
from keras_effspine.networks.operations import Operations
from keras_effspine.topology.pyramid import LEVELS


def feature_pyramid(
    maps: dict[int, KerasTensor],
    images: KerasTensor,
    width: int,
    operations: Operations,
    separable: bool = False,
) -> dict[int, KerasTensor]:
    """Levels of one width, each summed up with those above it.

    As the public detection code (tensorflow/tpu, `fpn.py`) has it: 1x1 convolutions of the
    network's levels and the upsampled sums above; a 3x3 convolution of each sum; P6 and P7 by 3x3
    convolutions of stride 2, an activation between them; batch normalisation of every level.

    Args:
        maps: dictionary of levels 3, 4 and 5 to `(batch, height, width, channels)`.
        images: the network's input, by whose size upsampled maps are cropped.
        width: channels of all levels.
        operations: `Operations`.
        separable: whether the 3x3 convolutions are.

    Returns:
        Dictionary of the levels 3 to 7, normalised, without activation.
    """
    convolution = operations.separable if separable else operations.dense
    sums: dict[int, KerasTensor] = {}
    for level in (5, 4, 3):
        name = f"p{level}"
        x = operations.dense(width, f"{name}_lateral", kernel_size=1)(maps[level])
        if level + 1 in sums:
            above = NearestUpsampling(level + 1, level, name=f"{name}_up")(sums[level + 1], images)
            x = layers.Add(name=f"{name}_sum")([x, above])
        sums[level] = x
    found = {level: convolution(width, f"p{level}_conv")(sums[level]) for level in (3, 4, 5)}
    for level in (6, 7):
        x = found[level - 1]
        if level == LEVELS[-1]:
            x = operations.activate(x, f"p{level}_before")
        found[level] = convolution(width, f"p{level}_conv", strides=2)(x)
    return {
        level: operations.normalize(x, f"p{level}", activate=False) for level, x in found.items()
    }
