"""What a model's class scores are made of: the maps of its pyramid, and a logit for each score."""

import dataclasses
from typing import Any

import keras
from keras import ops

from keras_effspine.layers.boxes import clip_boxes, convert_boxes, decode_boxes
from keras_effspine.models.image_classifier import ImageClassifier
from keras_effspine.models.mask_rcnn import MaskRCNN
from keras_effspine.models.retinanet import RetinaNet
from keras_effspine.topology.pyramid import LEVEL_NAMES


@dataclasses.dataclass(frozen=True, eq=False)
class ClassEvidence:
    """The tensors of one batch.

    Args:
        levels: dictionary from a level's name to its map `(batch, rows, columns, channels)`.
        logits: `(batch, candidates, classes)`: of anchors, of regions, or of the whole picture.
        scores: `(batch, candidates, classes)`, what `predict` says of them.
        boxes: `(batch, candidates, 1 or classes, 4)`, yxyx in pixels, or None.
        predictions: what `predict` says.
    """

    levels: dict[str, Any]
    logits: Any
    scores: Any
    boxes: Any
    predictions: Any


class EvidenceModel:
    """Calls a model so that it says what its class scores are made of.

    Args:
        model: `RetinaNet`, `MaskRCNN` or `ImageClassifier`.

    Raises:
        ValueError: if it is of another class.
    """

    def __init__(self, model: keras.Model) -> None:
        kinds = {RetinaNet: _of_anchors, MaskRCNN: _of_regions, ImageClassifier: _of_picture}
        found = [make for kind, make in kinds.items() if isinstance(model, kind)]
        if not found:
            raise ValueError(
                "Class scores are known of RetinaNet, MaskRCNN and ImageClassifier. "
                f"Received: {type(model).__name__}"
            )
        parts, self._read = found[0](model)
        levels, images = _levels(model), model.inputs[0]
        # Two graphs, since a level may be made of another, and says what it says once.
        self._to_levels = keras.Model(images, levels)
        self._from_levels = keras.Model(
            {**levels, "images": images}, {"outputs": model.output, "parts": parts}
        )
        self._model = model

    def levels(self, images: Any) -> dict[str, Any]:
        """The levels of images `(batch, height, width, 3)`, by name."""
        return self._to_levels(images, training=False)

    def __call__(self, levels: dict[str, Any], images: Any) -> ClassEvidence:
        """What the model says of levels; gradients pass from the logits to them.

        Args:
            levels: what `levels` returned.
            images: the images that they are of, of a known size.
        """
        found = self._from_levels({**levels, "images": images}, training=False)
        predictions = self._model.finish_predictions(found["outputs"], images)
        logits, scores, boxes = self._read(found["parts"], images)
        return ClassEvidence(levels, logits, scores, boxes, predictions)


def _levels(model):
    names = getattr(model.backbone, "pyramid_level_inputs", {})
    names = {level: name for level, name in names.items() if level in LEVEL_NAMES}
    if not names:  # a classifier on a backbone of any kind
        return {"output": model.backbone.output}
    return {level: model.backbone.get_layer(name).output for level, name in names.items()}


def _of_anchors(model):
    def read(parts, images):
        shape = tuple(images.shape[1:])
        generator = model.anchor_generator
        anchors = convert_boxes(
            ops.concatenate(list(generator(image_shape=shape).values())),
            generator.bounding_box_format,
            "yxyx",
            shape,
        )
        logits = ops.cast(parts["classification"], "float32")
        boxes = decode_boxes(parts["box"], anchors)
        return logits, ops.sigmoid(logits), boxes[:, :, None]

    return model.output, read


def _of_regions(model):
    regions, classification, deltas, _ = model.get_layer("detections").input

    def read(parts, images):
        logits = ops.cast(parts["classification"], "float32")
        count, classes = logits.shape[1:]
        deltas = ops.reshape(parts["deltas"], (-1, count, classes, 4))[:, :, 1:]
        boxes = decode_boxes(deltas, parts["regions"][:, :, None])
        boxes = clip_boxes(boxes, tuple(images.shape[1:3]))
        return logits[..., 1:], ops.softmax(logits, axis=-1)[..., 1:], boxes

    return {"regions": regions, "classification": classification, "deltas": deltas}, read


def _of_picture(model):
    dense = model.get_layer("predictions")

    def read(parts, images):
        # The linear layer without its activation, whose gradient vanishes where it is sure.
        logits = ops.matmul(ops.cast(parts["pooled"], "float32"), dense.kernel) + dense.bias
        scores = logits if dense.activation is None else dense.activation(logits)
        return logits[:, None], scores[:, None], None

    return {"pooled": dense.input}, read
