"""The order in which Google's code makes the layers of a backbone, told of the layers here."""

import re

import keras

from keras_effspine.models.spinenet_backbone import SpineNetBackbone

_PLACE = re.compile(r"stem_|block(\d+)_from(\d+)_|block(\d+)_unit(\d+)_|p(\d+)_")

# What a resampling or a block consists of; what ends a resampling has no name of its own.
_PARTS = (
    *("shortcut", "expand", "reduce", "inner"),
    *("down1", "down2", "down3", "down4", "down5"),
    *("spatial", "spatial1", "spatial2", "se_reduce", "se_expand", "project", ""),
)


def google_order(backbone: SpineNetBackbone) -> list[tuple[bool, str, keras.layers.Layer]]:
    """The backbone's layers with weights: stem, then each block behind its resampling, endpoints.

    Returns:
        List of triples: whether the layer belongs to a block, its kind as `SavedDetector` names it,
        and the layer.
    """
    placed = []
    for layer in backbone.layers:
        if layer.weights:
            is_inside, place = _place(layer.name, backbone)
            placed.append((place, (is_inside, _kind(layer), layer)))
    return [entry for _, entry in sorted(placed, key=lambda pair: pair[0])]


def _place(name: str, backbone: SpineNetBackbone) -> tuple[bool, tuple[int, ...]]:
    found = _PLACE.match(name)
    assert found is not None, name
    part = _PARTS.index(re.sub(r"_?(conv|depthwise|bn)$", "", name[found.end() :]))
    fused, parent, block, unit, level = (int(number or 0) for number in found.groups())
    if fused:
        parents = backbone.spec.table.blocks[fused - 1].parents
        return False, (1, fused, 0, parents.index(parent), part)
    if block:
        return True, (1, block, 1, unit, part)
    return False, (2 if level else 0, level, 0, 0, part)


def _kind(layer: keras.layers.Layer) -> str:
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return "depthwise"
    if isinstance(layer, keras.layers.BatchNormalization):
        return "norms"
    return "excitations" if layer.use_bias else "convolutions"
