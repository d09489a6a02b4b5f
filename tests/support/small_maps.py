"""Small data sets with label maps."""

import numpy as np
from PIL import Image

COLOURS = np.array([(30, 60, 90), (220, 40, 40), (40, 220, 60)], "uint8")
"""What a pixel of each class looks like."""


def label_map(index, height=48, width=64, classes=3):
    """A map of blocks of 16 pixels, of all classes, with some of it ignored; another each time."""
    random = np.random.default_rng(index)
    blocks = random.integers(0, classes, (height // 16, width // 16)).astype("uint8")
    blocks[0, : classes + 1] = [*range(classes), 255]
    return blocks.repeat(16, axis=0).repeat(16, axis=1)


def image_of(labels):
    """The picture that shows a map: its pixels tell their class, ignored ones too."""
    return COLOURS[np.where(labels == 255, 0, labels)]


def write_mask_folder(folder, count=4, names="road\ncar\ntree\n"):
    """A folder with `images`, `masks` and `classes.txt`; returns it."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for index in range(count):
        labels = label_map(index)
        Image.fromarray(image_of(labels)).save(folder / f"images/{index}.png")
        Image.fromarray(labels).save(folder / f"masks/{index}.png")
    if names:
        (folder / "classes.txt").write_text(names)
    return folder
