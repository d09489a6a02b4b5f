"""Masks of boxes, as a network predicts them, in the pixels of their picture."""

import numpy as np

from keras_effspine.data.run_lengths import crop_run_lengths


def paste_mask(mask: np.ndarray, box: np.ndarray, width: int, height: int) -> dict:
    """Interpolates a mask bilinearly at the middle of each pixel of its box.

    Args:
        mask: float `(rows, columns)`, probabilities of the object in equal parts of its box.
        box: float `(4,)`, xyxy in pixels of the picture; it may reach out of it.
        width, height: of the picture in pixels.

    Returns:
        Run lengths of the pixels that are the object with at least one half, see
        `data.run_lengths`; those of a box without area, or beside the picture, are empty.
    """
    left, top = np.clip(np.floor(box[:2]), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(box[2:]), 0, (width, height)).astype(int)
    if right <= left or bottom <= top or (box[2:] <= box[:2]).any():
        return crop_run_lengths(np.zeros((0, 0), bool), 0, 0, width, height)
    down = _weights(top, bottom, box[1], box[3], mask.shape[0])
    across = _weights(left, right, box[0], box[2], mask.shape[1])
    crop = down @ mask.astype("float64") @ across.T >= 0.5
    return crop_run_lengths(crop, int(left), int(top), width, height)


def _weights(first: int, end: int, low: float, high: float, parts: int) -> np.ndarray:
    """What each part counts at each pixel, `(pixels, parts)`; pixels beside the box count none."""
    middles = np.arange(first, end) + 0.5
    at = np.clip((middles - low) / (high - low) * parts - 0.5, 0, parts - 1)
    weights = np.maximum(1 - np.abs(at[:, None] - np.arange(parts)), 0)
    return weights * ((middles >= low) & (middles <= high))[:, None]
