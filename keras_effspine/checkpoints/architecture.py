"""From the shapes of a checkpoint's layers to the arguments of the models that they fit."""

from collections.abc import Iterator
from typing import Any

from keras_effspine.checkpoints.saved_detector import SavedDetector
from keras_effspine.errors import CheckpointError
from keras_effspine.networks.residual_blocks import BOTTLENECK_EXPANSION
from keras_effspine.pretrained.preset import Preset, read_json
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.topology.block_table import BlockTable
from keras_effspine.topology.pyramid import ANCHOR_RATIOS, ANCHOR_SCALES, LEVELS
from keras_effspine.topology.spinenet import SPECS

ANCHORS = len(ANCHOR_SCALES) * len(ANCHOR_RATIOS)
"""Anchors at a place."""

_ALPHAS = (0.5, 1.0)


def backbone_arguments(saved: SavedDetector) -> dict[str, Any]:
    """The arguments of `SpineNetBackbone` that give a backbone of these shapes.

    Raises:
        CheckpointError: if the layers are not those of such a backbone.
    """
    table = SPECS[saved.family].table
    convolutions = saved.outside["convolutions"]
    repeats, shortcuts = _repeats(saved, table)
    expected = 1 + len(list(_resampling(saved, table))) + len(LEVELS)
    if len(convolutions) != expected:
        raise CheckpointError(
            f"{saved.file.name}: has {len(convolutions)} convolutions outside of blocks, where a "
            f"{_title(saved.family)} has {expected}."
        )
    arguments: dict[str, Any] = {
        "family": saved.family,
        "variant": saved.variant,
        "widths": _widths(saved, table, repeats, shortcuts),
        "block_repeats": repeats,
        "stem_width": convolutions[0].filters,
        "endpoint_width": convolutions[-1].filters,
    }
    if saved.family == "spinenet":
        block = next(n for n, block in enumerate(table.blocks) if len(block.parents) > 1)
        read = arguments["widths"][table.blocks[block].parents[0] - 1]
        inner = convolutions[1].filters
        fitting = [alpha for alpha in _ALPHAS if int(read * alpha) == inner]
        if not fitting:
            raise CheckpointError(
                f"{saved.file.name}: {convolutions[1].name} resamples {read} channels in {inner}; "
                f"SpineNets resample in {' or '.join(map(str, _ALPHAS))} of them."
            )
        arguments["resample_alpha"] = fitting[0]
    return arguments


def head_arguments(saved: SavedDetector) -> dict[str, Any]:
    """The arguments of `RetinaNet` that give its subnets; `head_width` where it is another one.

    Raises:
        CheckpointError: if the subnets are not alike, or do not have nine anchors.
    """
    classes, boxes = saved.subnets["classification"], saved.subnets["box"]
    for subnet in (classes, boxes):
        widths = {layer.filters for layer in subnet.layers}
        if len(widths) != 1 or len(subnet.layers) != len(classes.layers):
            raise CheckpointError(
                f"{saved.file.name}: the layers before {subnet.prediction.name} are not alike, or "
                "not as many as in the other subnet."
            )
    if boxes.prediction.filters != 4 * ANCHORS:
        raise CheckpointError(
            f"{saved.file.name}: {boxes.prediction.name} has {boxes.prediction.filters} channels, "
            f"not the {4 * ANCHORS} of {ANCHORS} anchors; only such detectors are converted."
        )
    return {
        "head_layers": len(classes.layers),
        "head_width": classes.layers[0].filters,
        "separable_heads": "pointwise_kernel" in classes.layers[0].shapes,
    }


def class_count(saved: SavedDetector) -> int:
    """Number of classes that are predicted, the background among them.

    Raises:
        CheckpointError: if the channels are no whole number for each anchor.
    """
    prediction = saved.subnets["classification"].prediction
    count, rest = divmod(prediction.filters, ANCHORS)
    if rest:
        raise CheckpointError(
            f"{saved.file.name}: {prediction.name} has {prediction.filters} channels, which "
            f"{ANCHORS} anchors do not share; only such detectors are converted."
        )
    return count


def known_preset(arguments: dict[str, Any]) -> Preset | None:
    """The package's preset with these arguments, whatever its endpoints' width, or None.

    Endpoints are left out, because those of the published SpineNet-49S for TensorFlow 1 have 256
    channels (tensorflow/tpu#767).
    """
    for preset in list_presets("SpineNetBackbone").values():
        config = read_json(preset.folder / "config.json")["config"]
        spec = SPECS[config["family"]]
        multiplier = config.get("width_multiplier", 1.0)
        same = {
            "family": config["family"],
            "widths": spec.widths(multiplier),
            "block_repeats": config.get("block_repeats", 1),
            "stem_width": spec.stem_width_at(multiplier),
            "resample_alpha": config.get("resample_alpha", spec.resample_alpha),
        }
        if all(arguments.get(name) == value for name, value in same.items()):
            return preset
    return None


def _title(family: str) -> str:
    return "Mobile SpineNet" if family == "spinenet_mobile" else "SpineNet"


_CONVOLUTIONS = {"bottleneck": 3, "residual": 2, "mbconv": 2}
"""Number of a block's convolutions that are neither depthwise nor a shortcut's."""


def _repeats(saved: SavedDetector, table: BlockTable) -> tuple[int, int]:
    """How often each block is repeated, and how many have a convolution as their shortcut."""
    once = sum(_CONVOLUTIONS[block.kind] for block in table.blocks)
    count = len(saved.inside["convolutions"])
    # Only the first block reads a map of another width than its own, that of the stem.
    repeats, shortcuts = divmod(count, once)
    if not repeats or shortcuts > (saved.family == "spinenet"):
        raise CheckpointError(
            f"{saved.file.name}: has {count} convolutions within blocks, where a "
            f"{_title(saved.family)} has a multiple of {once}."
        )
    return repeats, shortcuts


def _resampling(saved: SavedDetector, table: BlockTable) -> Iterator[tuple[int, bool]]:
    """For each convolution of resampling, in order, its block and whether it is the last one."""
    for number, block in enumerate(table.blocks, start=1):
        if len(block.parents) == 1:
            continue
        for parent in block.parents:
            if saved.family == "spinenet":
                yield number, False
                if block.level > table.level_of(parent):
                    yield number, False
            yield number, True


def _widths(
    saved: SavedDetector, table: BlockTable, repeats: int, shortcuts: int
) -> tuple[int, ...]:
    """The width of each block: of those that fuse from resampling, of the others from the block."""
    channels = {}
    layers = iter(saved.outside["convolutions"][1:])
    for number, is_last in _resampling(saved, table):
        layer = next(layers)
        if is_last:
            channels[number] = layer.filters
    place = shortcuts
    for number, block in enumerate(table.blocks, start=1):
        if len(block.parents) > 1:
            break
        place += repeats * _CONVOLUTIONS[block.kind]
        channels[number] = saved.inside["convolutions"][place - 1].filters
    return tuple(
        channels[number] // (BOTTLENECK_EXPANSION if block.kind == "bottleneck" else 1)
        for number, block in enumerate(table.blocks, start=1)
    )
