"""The values of a checkpoint's variables, brought to the layers of a detector."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from keras_effspine.checkpoints.architecture import ANCHORS
from keras_effspine.checkpoints.google_order import google_order
from keras_effspine.checkpoints.saved_detector import NORM_PARTS, SavedDetector, SavedLayer
from keras_effspine.errors import CheckpointError
from keras_effspine.layers.boxes import VARIANCES
from keras_effspine.models.retinanet import RetinaNet
from keras_effspine.topology.pyramid import ANCHOR_RATIOS, ANCHOR_SCALES, LEVELS

_ORDER = {
    "Conv2D": ("kernel", "bias"),
    "DepthwiseConv2D": ("depthwise_kernel",),
    "SeparableConv2D": ("depthwise_kernel", "pointwise_kernel", "bias"),
    "BatchNormalization": NORM_PARTS,
}
"""The variables of a layer here, in its order, by Google's names."""

_HARD_SIGMOID = 6 * 0.16667
"""Google's hard sigmoid for TensorFlow 2 over Keras': its factor is written 0.16667, not 1/6. The
convolution behind the gate makes up for it."""


def transfer_detector(
    saved: SavedDetector,
    model: RetinaNet,
    class_rows: Sequence[int],
    aspect_ratios: Sequence[float],
    box_weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
) -> None:
    """Gives a detector the weights of a checkpoint.

    Args:
        saved: the checkpoint.
        model: a detector of the shapes that `architecture` tells, with SpineNet's own anchors.
        class_rows: for each of its classes, which of the checkpoint's it is.
        aspect_ratios: of the checkpoint's anchors, width over height, in its order.
        box_weights: factors of the checkpoint's box differences in y, x, height, width.

    Raises:
        CheckpointError: if a layer's shapes differ, or its values cannot be read.
    """
    _transfer_backbone(saved, model)
    ratios = [list(aspect_ratios).index(ratio) for ratio in ANCHOR_RATIOS]
    anchors = np.arange(ANCHORS).reshape(len(ANCHOR_SCALES), -1)[:, ratios].reshape(-1)
    scales = np.tile(1 / (np.array(box_weights) * VARIANCES), ANCHORS).astype("float32")
    for name, values, factors in (
        ("classification", np.array(class_rows), None),
        ("box", np.arange(4), scales),
    ):
        subnet = saved.subnets[name]
        for number, layer in enumerate(subnet.layers, start=1):
            of_model = model.get_layer(f"{name}_head_layer{number}_conv")
            _assign(saved, of_model, layer)
            for level, norms in zip(LEVELS, subnet.norms, strict=True):
                of_model = model.get_layer(f"{name}_head_layer{number}_p{level}_bn")
                _assign(saved, of_model, norms[number - 1])
        read = subnet.prediction.filters // ANCHORS
        channels = (anchors[:, None] * read + values).reshape(-1)
        _assign(
            saved,
            model.get_layer(f"{name}_head_prediction"),
            subnet.prediction,
            lambda part, value, channels=channels, factors=factors: (
                value if part == "depthwise_kernel" else _chosen(value, channels, factors)
            ),
        )


def _chosen(value: np.ndarray, channels: np.ndarray, factors: np.ndarray | None) -> np.ndarray:
    value = value[..., channels]
    return value if factors is None else value * factors


def _transfer_backbone(saved: SavedDetector, model: RetinaNet) -> None:
    backbone = model.backbone
    left = {
        is_inside: {kind: iter(layers) for kind, layers in of_part.items()}
        for is_inside, of_part in ((False, saved.outside), (True, saved.inside))
    }
    after_gate = saved.variant is None and backbone.spec.squeeze_excitation_ratio is not None
    for is_inside, kind, layer in google_order(backbone):
        found = next(left[is_inside][kind], None)
        if found is None:
            raise CheckpointError(
                f"{saved.file.name}: has too few layers ({kind}) for the backbone that its other "
                f"layers tell of; {layer.name} has none."
            )
        scaled = after_gate and layer.name.endswith("_project_conv")
        _assign(
            saved,
            layer,
            found,
            lambda _, value, scaled=scaled: value * np.float32(_HARD_SIGMOID) if scaled else value,
        )
    rest = [layer.name for kinds in left.values() for layers in kinds.values() for layer in layers]
    if rest:
        raise CheckpointError(
            f"{saved.file.name}: has layers that the backbone which its other layers tell of does "
            f"not have: {', '.join(rest[:3])}."
        )


def _assign(saved: SavedDetector, layer: keras.layers.Layer, found: SavedLayer, change=None):
    values: Mapping[str, np.ndarray] = found.read(saved.file)
    order = next(
        parts for cls in type(layer).__mro__ if (parts := _ORDER.get(cls.__name__)) is not None
    )
    for part, variable in zip(order, layer.weights, strict=False):
        value = values.get(part)
        if value is not None and change is not None:
            value = change(part, value)
        if value is None or value.shape != tuple(variable.shape):
            there = "nothing" if value is None else str(value.shape)
            raise CheckpointError(
                f"{saved.file.name}: {found.name} has {there} as its {part}, where {layer.name} "
                f"has {tuple(variable.shape)}; only SpineNet and Mobile SpineNet are converted."
            )
        variable.assign(value)
