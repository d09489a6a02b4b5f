"""From a checkpoint of Google's code to a preset folder."""

import dataclasses
import os
import pathlib
from typing import Any

from keras_effspine.checkpoints.architecture import (
    backbone_arguments,
    class_count,
    head_arguments,
    known_preset,
)
from keras_effspine.checkpoints.checkpoint_file import CheckpointFile
from keras_effspine.checkpoints.object_graph import KEY, read_object_graph
from keras_effspine.checkpoints.saved_detector import SavedDetector
from keras_effspine.checkpoints.settings import Settings, find_parameters, resolve_settings
from keras_effspine.checkpoints.tf1_names import read_tf1_names
from keras_effspine.checkpoints.transfer import transfer_detector
from keras_effspine.errors import CheckpointError
from keras_effspine.models.retinanet import RetinaNet
from keras_effspine.models.spinenet_backbone import SpineNetBackbone
from keras_effspine.topology.coco_classes import coco_classes
from keras_effspine.topology.labels import COCO_CLASSES
from keras_effspine.topology.pyramid import ANCHOR_SIZE_OVER_STRIDE


@dataclasses.dataclass(frozen=True)
class Conversion:
    """What was converted.

    Args:
        model: the detector.
        title: its name.
        saved: what the checkpoint holds.
        settings: what was taken beside its weights.
        parameters: the file that these were read from, or None.
    """

    model: RetinaNet
    title: str
    saved: SavedDetector
    settings: Settings
    parameters: pathlib.Path | None


def read_checkpoint(
    checkpoint: str | os.PathLike,
    config: str | os.PathLike | None = None,
    activation: str | None = None,
    epsilon: float | None = None,
    anchor_size: float | None = None,
    image_size: int | None = None,
) -> Conversion:
    """Makes the detector of a checkpoint that Google's code wrote.

    Read are RetinaNets with SpineNet or Mobile SpineNet that were trained on COCO: those of
    tf-models-official for TensorFlow 2, and those of `models/official/detection` of tensorflow/tpu
    for TensorFlow 1. Of the 91 classes the background, and the ids that COCO does not use, are left
    out. Where the checkpoint has averages of its variables, they are taken. The model computes what
    Google's does: strided convolutions pad as they do there; the channels of the head are in the
    order of the anchors here; box differences are divided by the variances that they are multiplied
    with here.

    Args:
        checkpoint: prefix of the checkpoint's files, one of them, or the folder of one.
        config: file `params.yaml` with what the weights do not say; by default the one beside them.
        activation: `"relu"`, `"swish"` or `"hard_swish"`, in place of what the file says.
        epsilon: of batch normalisation, likewise; 1e-4 for TensorFlow 1 and 1e-3 for TensorFlow 2
            where nothing says it.
        anchor_size: side of the smallest anchor over the stride, likewise; otherwise that of the
            published configurations.
        image_size: height and width of the input in pixels, likewise.

    Returns:
        `Conversion`.

    Raises:
        CheckpointError: if the checkpoint is broken, of another model, or of other classes, or
            something that must be known is not; says which file, and what to do.
    """
    file = CheckpointFile(checkpoint)
    saved = (read_object_graph if KEY in file.shapes() else read_tf1_names)(file)
    count = class_count(saved)
    if count != COCO_CLASSES:
        raise CheckpointError(
            f"{file.name}: predicts {count} classes; converted are detectors of COCO's "
            f"{COCO_CLASSES}, whose first is the background."
        )
    arguments = backbone_arguments(saved)
    preset = known_preset(arguments)
    parameters = find_parameters(file.prefix, config)
    given = {
        "activation": activation,
        "epsilon": epsilon,
        "anchor_size": anchor_size,
        "image_size": image_size,
    }
    settings = resolve_settings(file.name, saved.variant, parameters, preset, given)
    backbone = SpineNetBackbone(
        **arguments,
        activation=settings.activation,
        batch_norm_epsilon=settings.epsilon,
        batch_norm_momentum=settings.momentum,
    )
    heads: dict[str, Any] = head_arguments(saved)
    if settings.anchor_size != ANCHOR_SIZE_OVER_STRIDE:
        heads["anchor_generator"] = RetinaNet.default_anchor_generator("xyxy", settings.anchor_size)
    classes = coco_classes()
    model = RetinaNet(backbone, num_classes=len(classes), bounding_box_format="xyxy", **heads)
    transfer_detector(
        saved,
        model,
        class_rows=[number for number, _ in classes],
        aspect_ratios=settings.aspect_ratios,
        box_weights=settings.box_weights,
    )
    title = f"{preset.title if preset else 'SpineNet'} RetinaNet"
    return Conversion(model, title, saved, settings, parameters)


def convert_checkpoint(
    checkpoint: str | os.PathLike, folder: str | os.PathLike, **arguments: Any
) -> Conversion:
    """Writes a preset folder of a checkpoint; see `read_checkpoint`.

    The preset is like any other: `RetinaNet.from_preset` and all verbs take it.

    Args:
        checkpoint: as in `read_checkpoint`.
        folder: the folder to write; it appears whole.
        **arguments: further arguments of `read_checkpoint`.

    Returns:
        `Conversion`.

    Raises:
        CheckpointError: as `read_checkpoint`.
        PresetError: if the folder holds something that is no preset.
    """
    found = read_checkpoint(checkpoint, **arguments)
    classes = coco_classes()
    found.model.save_to_preset(
        folder,
        class_names=[name for _, name in classes],
        input_size=found.settings.image_size,
        title=found.title,
        source="arXiv:1912.05027",
        trained={
            "task": "detection",
            "data": "COCO, by the authors of the checkpoint",
            "converted_from": found.saved.file.prefix.name,
            "category_ids": [number for number, _ in classes],
        },
    )
    return found
