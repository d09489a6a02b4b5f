"""Checkpoints of TensorFlow 1, as `models/official/detection` of tensorflow/tpu wrote them.

A variable has nothing but its name, such as these:

- `spinenet/conv2d/kernel` of the stem, the first blocks and the endpoints;
- `spinenet/sub_policy4/resample_with_alpha_resample_4_1/conv2d_1/kernel` and
  `spinenet/sub_policy4/scale_permuted_block_6/batch_normalization/gamma` of a block that fuses;
- `retinanet/class_net/class-0/kernel` and `retinanet/class_net/class-0-3/gamma` of a subnet's layer
  and of its normalisation at P3.

Layers are numbered within their scope as they are made. An optimizer's variables have one part more
(`/Momentum`), and so have averages (`/ExponentialMovingAverage`).
"""

import collections
import re
from collections.abc import Mapping

from keras_effspine.checkpoints.checkpoint_file import CheckpointFile
from keras_effspine.checkpoints.saved_detector import (
    NORM_PARTS,
    SavedDetector,
    SavedLayer,
    SavedSubnet,
    by_kind,
)
from keras_effspine.errors import CheckpointError
from keras_effspine.topology.pyramid import LEVELS
from keras_effspine.topology.spinenet import SPECS

_SCOPES = {"spinenet": "spinenet", "spinenet_mbconv": "spinenet_mobile"}
"""The scope of a backbone's variables, and its family."""

_PARTS = "|".join(("kernel", "bias", "depthwise_kernel", "pointwise_kernel", *NORM_PARTS))
_OF_BACKBONE = re.compile(
    rf"({'|'.join(_SCOPES)})/"
    r"(?:sub_policy(?P<policy>\d+)/"
    r"(?:resample_with_\w+_resample_\d+_(?P<parent>\d)|scale_permuted_block_\d+)/)?"
    r"(?P<class>depthwise_conv2d|conv2d|batch_normalization)(?:_(?P<number>\d+))?/"
    rf"(?P<part>{_PARTS})"
)
_OF_SUBNET = re.compile(
    r"(?:.*/)?(?P<subnet>class|box)_net/(?:class|box)-"
    rf"(?P<layer>predict|\d+)(?:-(?P<level>\d+))?/(?P<part>{_PARTS})"
)
_AVERAGE = "/ExponentialMovingAverage"
_ENDPOINTS = len(LEVELS)
_BLOCKS_OF_THE_STEM = 2
_BLOCK = 2
"""Where a block's own layers stand, after the resampling of its two parents, 0 and 1."""


def read_tf1_names(file: CheckpointFile) -> SavedDetector:
    """Finds the layers of a RetinaNet by the names of its variables.

    Where the checkpoint has averages of variables, they are taken.

    Raises:
        CheckpointError: if it holds something else.
    """
    shapes = file.shapes()
    backbone: dict[tuple, SavedLayer] = {}
    subnets: dict[str, dict[tuple, SavedLayer]] = collections.defaultdict(dict)
    family, averaged = None, 0
    for name in shapes:
        found = _OF_BACKBONE.fullmatch(name)
        if found:
            family = _SCOPES[found[1]]
            place: tuple = _place(found)
            layers = backbone
        else:
            found = _OF_SUBNET.fullmatch(name)
            if not found:
                continue
            place = (found["layer"], found["level"])
            layers = subnets[found["subnet"]]
        layer = layers.setdefault(place, SavedLayer(name.rpartition("/")[0], {}, {}))
        key = name + _AVERAGE if name + _AVERAGE in shapes else name
        averaged += key != name
        layer.keys[found["part"]], layer.shapes[found["part"]] = key, shapes[key]
    scopes = ", ".join(sorted({name.split("/")[0] for name in shapes})[:8])
    if family is None:
        raise CheckpointError(
            f"{file.name}: holds neither a SpineNet nor a Mobile SpineNet of tensorflow/tpu or "
            f"tf-models-official; its variables begin with {scopes or 'nothing'}."
        )
    if set(subnets) != {"class", "box"}:
        raise CheckpointError(
            f"{file.name}: holds a SpineNet without RetinaNet's head; only RetinaNets are "
            f"converted, no classifiers and no Mask R-CNNs. Its variables begin with {scopes}."
        )
    return SavedDetector(
        file=file,
        family=family,
        variant="tf1",
        **_outside_and_inside(file, backbone, family),
        subnets={
            "classification": _subnet(file, subnets["class"], "class_net"),
            "box": _subnet(file, subnets["box"], "box_net"),
        },
        averaged=averaged,
    )


def _place(found: re.Match) -> tuple[int, int, int, str]:
    """Where a layer of the backbone stands: block, resampling before block, number, class."""
    policy = -1 if found["policy"] is None else int(found["policy"])
    part = _BLOCK if found["parent"] is None else int(found["parent"])
    return policy, part, int(found["number"] or 0), found["class"]


def _outside_and_inside(
    file: CheckpointFile, backbone: Mapping[tuple, SavedLayer], family: str
) -> dict[str, dict[str, tuple[SavedLayer, ...]]]:
    """The layers of the backbone's parts as `SavedDetector` has them, as they are made.

    In the root scope stand the stem, the first two blocks and, numbered on, the endpoints. The
    network's block of level 2, which no detector reads, is left out.
    """
    policies = len(SPECS[family].table.blocks) - _BLOCKS_OF_THE_STEM
    root: dict[tuple[str, ...], list[SavedLayer]] = collections.defaultdict(list)
    outside: list[SavedLayer] = []
    inside: list[SavedLayer] = []
    for place in sorted(backbone):
        policy, part, *_ = place
        layer = backbone[place]
        if policy < 0:
            root[tuple(sorted(layer.shapes))].append(layer)
        elif policy < policies:
            (inside if part == _BLOCK else outside).append(layer)
    stem, blocks, endpoints = list[SavedLayer](), list[SavedLayer](), list[SavedLayer]()
    for parts, layers in root.items():
        if parts in (("kernel",), tuple(sorted(NORM_PARTS))):
            stem += layers[:1]
            blocks += layers[1:-_ENDPOINTS]
            endpoints += layers[-_ENDPOINTS:]
        else:  # depthwise, or squeeze-and-excitation
            blocks += layers
    return {
        "outside": by_kind(file, [*stem, *outside, *endpoints]),
        "inside": by_kind(file, [*blocks, *inside]),
    }


def _subnet(file: CheckpointFile, layers: Mapping[tuple, SavedLayer], scope: str) -> SavedSubnet:
    count = sum(name.isdigit() and level is None for name, level in layers)
    wanted: list[tuple[str, str | None]] = [("predict", None)]
    wanted += [(str(i), None) for i in range(count)]
    wanted += [(str(i), str(level)) for level in LEVELS for i in range(count)]
    missing = [place for place in wanted if place not in layers]
    if missing:
        layer = "-".join(part for part in missing[0] if part)
        raise CheckpointError(f"{file.name}: {scope} has no layer {layer}, which a RetinaNet has.")
    return SavedSubnet(
        layers=tuple(layers[str(i), None] for i in range(count)),
        norms=tuple(tuple(layers[str(i), str(level)] for i in range(count)) for level in LEVELS),
        prediction=layers["predict", None],
    )
