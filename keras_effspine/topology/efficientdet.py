"""EfficientDet's compound scaling (arXiv:1911.09070, 4.2)."""

import dataclasses

from keras_effspine.topology.staged_networks import EFFICIENTNETS
from keras_effspine.topology.widths import round_width

_WIDTHS = (64, 88, 112, 160, 224, 288, 384, 384)
_CELLS = (3, 4, 5, 6, 7, 7, 8, 8)
_SIZES = (512, 640, 768, 896, 1024, 1280, 1280, 1536)
_NETWORKS = (0, 1, 2, 3, 4, 5, 6, 6)
"""What Table 1 has for D0 to D7, where its values are not those of the equations."""


@dataclasses.dataclass(frozen=True)
class EfficientDetScaling:
    """What a compound coefficient makes of EfficientDet.

    Args:
        width_multiplier, depth_multiplier: those of its EfficientNet.
        width: channels of the pyramid and of the subnets.
        cells: number of BiFPN's cells.
        head_layers: layers of each subnet before its prediction.
        input_size: height and width of the input in pixels.
    """

    width_multiplier: float
    depth_multiplier: float
    width: int
    cells: int
    head_layers: int
    input_size: int

    def backbone(self) -> dict:
        """Arguments of `ScaleDecreasedBackbone`."""
        return {
            "network": "efficientnet",
            "neck": "bifpn",
            "width_multiplier": self.width_multiplier,
            "depth_multiplier": self.depth_multiplier,
            "endpoint_width": self.width,
            "neck_repeats": self.cells,
        }


def compound_scaling(phi: int) -> EfficientDetScaling:
    """EfficientDet at a compound coefficient.

    Equations 1 to 3: width `64 * 1.35**phi`, `3 + phi` cells, `3 + floor(phi / 3)` layers of the
    subnets, input `512 + 128 * phi`. The paper rounds the width of D2 to 112 and bends cells and
    inputs from D5 on: up to 7 what it built is taken, and the equations beyond, with
    EfficientNet-B7, and the width as a multiple of 8.

    Args:
        phi: coefficient, 0 for D0.

    Raises:
        ValueError: if it is no whole number from 0.
    """
    if not isinstance(phi, int) or isinstance(phi, bool) or phi < 0:
        raise ValueError(f"`phi` must be a whole number, at least 0. Received: phi={phi}")
    published = phi < len(_WIDTHS)
    width, depth = EFFICIENTNETS[_NETWORKS[phi] if published else -1]
    return EfficientDetScaling(
        width_multiplier=width,
        depth_multiplier=depth,
        width=_WIDTHS[phi] if published else round_width(64 * 1.35**phi),
        cells=_CELLS[phi] if published else 3 + phi,
        head_layers=3 + phi // 3,
        input_size=_SIZES[phi] if published else 512 + 128 * phi,
    )
