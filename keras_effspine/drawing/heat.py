"""Heat drawn over a picture."""

import numpy as np
from PIL import Image

_STOPS = np.array([(0, 0, 90), (40, 40, 255), (0, 220, 220), (250, 230, 0), (230, 0, 0)], "float32")
_STRENGTH = 0.65


def draw_heat(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Tints a picture from blue to red where it is warm; where it is cold it keeps its colours.

    Args:
        image: uint8 `(height, width, 3)`.
        heat: float `(rows, columns)` from 0 to 1, in equal parts of the picture.

    Returns:
        A new uint8 `(height, width, 3)`.

    Raises:
        ValueError: if the heat has other axes, or is not from 0 to 1.
    """
    heat = np.asarray(heat, "float32")
    if heat.ndim != 2 or not (heat >= 0).all() or not (heat <= 1).all():
        raise ValueError(
            "Heat must be (rows, columns), from 0 to 1. "
            f"Received: shape {heat.shape}, from {heat.min(initial=1)} to {heat.max(initial=0)}"
        )
    height, width = image.shape[:2]
    here = np.asarray(Image.fromarray(heat).resize((width, height), Image.Resampling.BILINEAR))
    place = np.clip(here, 0, 1) * (len(_STOPS) - 1)
    low = np.minimum(place.astype(int), len(_STOPS) - 2)
    share = (place - low)[..., None]
    colour = _STOPS[low] * (1 - share) + _STOPS[low + 1] * share
    strength = (_STRENGTH * np.sqrt(np.clip(here, 0, 1)))[..., None]
    return ((1 - strength) * image + strength * colour).round().astype("uint8")
