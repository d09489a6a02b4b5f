"""SpineNet and SpineNet-MBConv, which Eff-SpineNet stands on (arXiv:1912.05027).

The blocks, their connections and widths are those of the public code: of the modules `spinenet` and
`spinenet_mobile` of the package tf-models-official (`official.vision.modeling.backbones`), and of
`spinenet` and `spinenet_mbconv` in `models/official/detection` of the repository tensorflow/tpu.
The level 2 output of their table is left out: detectors do not read it. A bottleneck's width is
that of its inside; its output has four times as many channels.
"""

import dataclasses

from keras_effspine.topology import eff_spinenet
from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.network_spec import NetworkSpec

_WIDTHS = {2: 64, 3: 128, 4: 256, 5: 256, 6: 256, 7: 256}

# level, parents, kind
_ROWS = (
    (2, (STEM,), "bottleneck"),
    (2, (1,), "bottleneck"),
    (2, (1, 2), "bottleneck"),
    (4, (1, 2), "residual"),
    (3, (3, 4), "bottleneck"),
    (4, (3, 5), "bottleneck"),
    (6, (4, 6), "residual"),
    (4, (4, 6), "bottleneck"),
    (5, (7, 8), "residual"),
    (7, (7, 9), "residual"),
    (5, (9, 10), "bottleneck"),
    (5, (9, 11), "bottleneck"),
    (4, (6, 11), "bottleneck"),
    (3, (5, 11), "bottleneck"),
    (5, (8, 13), "bottleneck"),
    (7, (6, 15), "bottleneck"),
    (6, (13, 15), "bottleneck"),
)

_SPINENET = NetworkSpec(
    table=BlockTable(
        name="spinenet",
        blocks=tuple(Block(level, parents, kind, _WIDTHS[level]) for level, parents, kind in _ROWS),
        outputs=((3, 14), (4, 13), (5, 15), (6, 17), (7, 16)),
        stem_level=2,
    ),
    stem_width=64,
    stem_kernel_size=7,
    resample_alpha=0.5,
    endpoint_width=256,
    p2_block=3,
    rounded=int,
)

_MOBILE_WIDTHS = {1: 16, 2: 24, 3: 40, 4: 80, 5: 112, 6: 112, 7: 112}

# Eff-SpineNet has the connections of SpineNet-MBConv.
_MOBILE = NetworkSpec(
    table=dataclasses.replace(
        eff_spinenet.SPEC.table,
        name="spinenet_mobile",
        blocks=tuple(
            dataclasses.replace(block, width=_MOBILE_WIDTHS[block.level])
            for block in eff_spinenet.SPEC.table.blocks
        ),
    ),
    stem_width=8,
    scaled_stem=True,
    expansion=6,
    squeeze_excitation_ratio=0.2,
    squeeze_excitation_rounded=int,
    squeeze_excitation_activation="relu",
    squeeze_excitation_gate="hard_sigmoid",
    endpoint_width=48,
    p2_block=4,
    rounded=int,
)

SPECS = {"spinenet": _SPINENET, "spinenet_mobile": _MOBILE}
"""SpineNet-49 and Mobile SpineNet-49; the other models are their widths and repeats scaled."""

ACTIVATIONS = {"spinenet": "relu", "spinenet_mobile": "swish"}
"""The activation that each family was published with. The longest schedules of SpineNet have swish;
some of Mobile SpineNet's weights hard-swish."""

TF1: dict[str, dict[str, bool | str]] = {
    "spinenet": {"symmetric_padding": True, "one_step_down": True},
    "spinenet_mobile": {
        "symmetric_padding": True,
        "squeeze_excitation_activation": "swish",
        "squeeze_excitation_gate": "sigmoid",
    },
}
"""What the code for TensorFlow 1 (tensorflow/tpu) computes otherwise than that for TensorFlow 2."""
