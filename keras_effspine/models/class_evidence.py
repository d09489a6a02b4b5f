"""What a model's class scores are made of: the maps of its pyramid, and a logit for each score."""

import dataclasses
from collections.abc import Callable
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
        self._graph = keras.Model(model.inputs, {"outputs": model.output, "parts": parts})
        self._model = model
        names = getattr(model.backbone, "pyramid_level_inputs", {})
        self._names = {name: level for level, name in names.items() if level in LEVEL_NAMES}
        if not self._names:  # a classifier on a backbone of any kind
            self._names = {model.backbone.layers[-1].name: "output"}

    def __call__(
        self, images: Any, leaf: Callable[[Any], Any] = lambda values: values
    ) -> ClassEvidence:
        """Computes the evidence of images.

        Args:
            images: `(batch, height, width, 3)`, of a known size.
            leaf: function from the map of a level to what is read in its place, so that gradients
                may end there.
        """
        levels = {}

        def noting_levels(operation):
            level = self._names.get(operation.name)
            if level is None:
                return operation

            def call(*args, **kwargs):
                levels[level] = leaf(operation(*args, **kwargs))
                return levels[level]

            return call

        # As the graph runs by itself, where there is no way to get hold of what lies in it.
        found = self._graph._run_through_graph([images], operation_fn=noting_levels)
        predictions = self._model.finish_predictions(found["outputs"], images)
        logits, scores, boxes = self._read(found["parts"], images)
        return ClassEvidence(levels, logits, scores, boxes, predictions)


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
