"""How many classes the published models tell apart, and the label that is no class."""

COCO_CLASSES = 91
"""COCO's 80 classes have ids up to 90; published detectors have a row for each, and for 0."""

IMAGENET_CLASSES = 1000

VOC_CLASSES = 21
"""PASCAL VOC's 20 classes and the background."""

IGNORED = 255
"""The label of pixels that are neither learnt from nor measured, in every label map."""
